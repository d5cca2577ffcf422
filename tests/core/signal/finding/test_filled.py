# SPDX-License-Identifier: GPL-3.0-or-later
"""A band that is one signal from edge to edge: found where the signal repeats something, and told from noise."""

import numpy as np
import pytest
from test_finder import found, noise, psk, put

from wfm_core.signal.finding.filled import fills
from wfm_core.signal.finding.frames import Layer, LayerShape

RATE = 1.92e6
COUNT = 262_144


def ofdm(count, used=128, prefix=9, seed=1):
    """complex64 [count] of power 1: 128 subcarriers, of which `used` are, at QPSK with a cyclic prefix."""
    rng = np.random.default_rng(seed)
    symbols = count // (128 + prefix) + 1
    bins = np.zeros((symbols, 128), complex)
    place = np.arange(-(used // 2), used - used // 2)
    bins[:, place] = rng.choice([1, -1, 1j, -1j], (symbols, used))
    body = np.fft.ifft(bins, axis=1) * 128 / np.sqrt(used)
    return np.concatenate([body[:, 128 - prefix :], body], 1).ravel()[:count].astype(np.complex64)


def test_ofdm_that_fills_the_band_is_one_signal_of_the_whole_band():
    (one,) = found(ofdm(COUNT) + 0.1 * noise(COUNT), RATE)
    assert one.whole_band
    assert one.sample_start < 2048 and one.sample_count > 0.98 * COUNT
    assert one.level_dbfs == pytest.approx(0, abs=1)


def test_a_channel_with_echoes_changes_nothing():
    echoes = np.zeros(20, complex)
    echoes[[0, 6, 19]] = 1, 0.3j, -0.15
    boxes = found(np.convolve(ofdm(COUNT, seed=2), echoes)[:COUNT] + 0.1 * noise(COUNT), RATE)
    assert [box.whole_band for box in boxes] == [True]


def test_a_code_that_repeats_fills_a_band_too():
    rng = np.random.default_rng(3)
    code, bits = rng.choice([-1, 1], 1920), rng.choice([-1, 1], COUNT // 19200 + 1)
    chips = np.tile(code, COUNT // 1920 + 1)[:COUNT] * np.repeat(bits, 19200)[:COUNT]
    assert [box.whole_band for box in found(chips + 0.2 * noise(COUNT), RATE)] == [True]


def test_what_is_much_stronger_than_the_signal_that_fills_the_band_is_one_of_its_own():
    band = ofdm(COUNT, seed=4) + 0.1 * noise(COUNT)
    put(band, psk(20_000, 20e3, RATE, 5), 0, 300e3, 45, 20e3, RATE)
    boxes = found(band, RATE)
    assert [box.whole_band for box in boxes].count(True) == 1
    (other,) = [box for box in boxes if not box.whole_band]
    assert 280e3 < other.freq_lower_edge < other.freq_upper_edge < 320e3


def test_noise_of_a_receiver_is_none():
    """Through a filter with ripples, with lines at equal distances, or with bursts of OFDM in it."""
    ripples = np.zeros(16, complex)
    ripples[[0, 5, 15]] = 1, 0.3, 0.2j
    filtered = np.convolve(noise(COUNT, 6), ripples)[:COUNT].astype(np.complex64)
    lines = noise(COUNT, 7)
    for line in range(-8, 8):
        lines += 0.3 * np.exp(2j * np.pi * 100e3 / RATE * line * np.arange(COUNT)).astype(np.complex64)
    bursts = noise(COUNT, 8)
    for start in range(20_000, 240_000, 60_000):
        bursts[start : start + 8000] += 4 * ofdm(8000, seed=start)
    assert found(filtered, RATE) == []
    assert not any(box.whole_band for box in found(lines, RATE))
    boxes = found(bursts, RATE)
    assert len(boxes) == 4 and all(box.sample_count < 9000 for box in boxes)


def test_digital_silence_is_filled_by_nothing():
    silence = Layer(LayerShape(512, 256), np.zeros((8, 512), np.float32), np.ones(512, np.float32), RATE)
    assert not fills(silence, [])


def test_ofdm_with_noise_beside_it_has_edges():
    (one,) = found(3 * ofdm(COUNT, used=72, seed=9) + noise(COUNT), RATE)
    assert not one.whole_band
    assert one.freq_upper_edge - one.freq_lower_edge == pytest.approx(72 * 15e3, rel=0.05)
