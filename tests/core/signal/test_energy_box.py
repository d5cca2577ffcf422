# SPDX-License-Identifier: GPL-3.0-or-later
"""The box of what fills a recording."""

import numpy as np
import pytest

from wfm_core.signal.energy_box import energy_box

RATE = 1e6


def noise(count: int, low: float, high: float, level: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(3)
    bins = rng.standard_normal(count) + 1j * rng.standard_normal(count)
    frequency = np.fft.fftfreq(count, 1 / RATE)
    return level * np.fft.ifft(np.where((frequency > low) & (frequency < high), bins, 0)) * np.sqrt(count)


def test_a_signal_that_lasts_the_whole_file_has_its_edges():
    x = noise(20_000, 100e3, 300e3) + noise(20_000, -500e3, 500e3, 0.01)
    start, count, lower, upper, snr_db = energy_box(x.astype(np.complex64), RATE)
    assert (start, count) == (0, 20_000)
    assert lower == pytest.approx(100e3, abs=5e3) and upper == pytest.approx(300e3, abs=5e3)
    assert 20 < snr_db <= 60


def test_a_burst_in_silence_has_its_begin_and_end():
    x = np.zeros(50_000, np.complex64)
    x[20_000:30_000] = noise(10_000, -200e3, 200e3)
    start, count, *_ = energy_box(x, RATE)
    assert abs(start - 20_000) < 1200 and abs(start + count - 30_000) < 1200


@pytest.mark.parametrize("samples", [np.zeros(5000), np.full(700, np.nan), np.ones(1), np.ones(17)])
def test_anything_has_a_box_within_it(samples):
    start, count, lower, upper, snr_db = energy_box(samples.astype(np.complex64), RATE)
    assert 0 <= start and 1 <= count and start + count <= len(samples)
    assert -RATE / 2 <= lower < upper <= RATE / 2 and 0 <= snr_db <= 60


def test_noise_alone_fills_its_band():
    _, _, lower, upper, snr_db = energy_box(noise(30_000, -500e3, 500e3).astype(np.complex64), RATE)
    assert upper - lower > 0.95 * RATE and snr_db < 3
