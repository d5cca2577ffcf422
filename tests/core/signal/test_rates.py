# SPDX-License-Identifier: GPL-3.0-or-later
"""At which rates a signal repeats itself: the right ones, wherever the edges of its box are."""

import numpy as np
import pytest
import torch
from scipy.signal import resample

from wfm_core.signal.found import FoundSignal
from wfm_core.signal.observe import observe
from wfm_core.signal.rates import Rates

ENVELOPE, FREQUENCY, ENVELOPE_STEPS, FREQUENCY_STEPS, ALIKE = range(5)


def rates_of(crop: np.ndarray, bandwidth: float) -> np.ndarray:
    """float32 [5, 1024] in the order of the axis."""
    *_, rates, _ = FoundSignal()(torch.from_numpy(observe(crop, bandwidth, 1.0, 20.0, 1e9))[None, None])
    return rates[0].reshape(5, 16, 4, 16).transpose(1, 2).reshape(5, 1024).numpy()


def strongest(rates: np.ndarray, low: float, high: float) -> float:
    """Hz of the most between low and high."""
    edges = Rates().edges.numpy()
    inside = (edges[:-1] >= low) & (edges[1:] <= high)
    return float(edges[:-1][inside][rates[inside].argmax()])


def fsk(bandwidth: float, baud: float) -> np.ndarray:
    rng = np.random.default_rng(1)
    rate, count = 2 * bandwidth, 20_000
    symbols = rng.integers(0, 2, count) * 2 - 1
    frequency = symbols[(np.arange(count) * baud / rate).astype(int)] * 3e3
    noise = 0.05 * (rng.standard_normal(count) + 1j * rng.standard_normal(count))
    return np.exp(2j * np.pi * np.cumsum(frequency) / rate) + noise


@pytest.mark.parametrize("bandwidth", [16e3, 20e3, 31e3])
def test_a_symbol_rate_has_its_place_whatever_the_box_is(bandwidth):
    rates = rates_of(fsk(bandwidth, 9600.0), bandwidth)
    # below 12.8 kHz, where the second harmonic comes back at 32 kS/s
    assert strongest(rates[FREQUENCY_STEPS], 1e3, 11e3) == pytest.approx(9600, rel=0.02)
    assert rates[FREQUENCY_STEPS].max() > 1.0 > rates[ENVELOPE].max()


@pytest.mark.parametrize(("channel", "depth"), [(ENVELOPE, 0.5), (FREQUENCY, 0.0)])
def test_tones_of_am_and_fm_are_lines_at_their_frequencies(channel, depth):
    t = np.arange(20_000) / 40e3
    sound = np.sin(2 * np.pi * 2400 * t)
    crop = (1 + depth * sound) * np.exp(1j * (0 if depth else 0.5) * sound)
    noise = np.random.default_rng(2).standard_normal((2, len(t)))
    rates = rates_of(crop + 0.02 * (noise[0] + 1j * noise[1]), 20e3)
    assert strongest(rates[channel], 100, 19e3) == pytest.approx(2400, rel=0.02)


def test_ofdm_is_like_itself_after_its_useful_time():
    rng = np.random.default_rng(3)
    bins = np.zeros((40, 1024), complex)
    bins[:, 212:812] = np.exp(0.5j * np.pi * rng.integers(0, 4, (40, 600)))
    symbols = np.fft.ifft(np.fft.ifftshift(bins, axes=1), axis=1)
    crop = np.concatenate([symbols[:, -72:], symbols], 1).ravel()
    rates = rates_of(resample(crop, round(len(crop) * 18.4 / 15.36)), 9.2e6)
    assert strongest(rates[ALIKE], 8e3, 60e3) == pytest.approx(15e3, rel=0.02)


def test_rates_that_cannot_be_known_are_zeros():
    rates = rates_of(fsk(16e3, 9600.0), 16e3)
    edges = Rates().edges.numpy()
    assert not rates[:4, edges[:-1] > 16e3].any() and not rates[:, edges[1:] < 5].any()
    assert not rates[ALIKE, edges[:-1] > 32e3 / 8].any()


def test_the_most_of_a_range_is_exact():
    values = torch.randn(2, 3, 500)
    first = torch.tensor([[0.0, 10.0, 499.0, 300.0], [5.0, 499.0, 100.0, 437.0]])
    last = first + torch.tensor([[1.0, 64.0, 1.0, 37.0], [63.0, 9.0, 2.0, 63.0]])
    found = Rates().most(values, first, last)
    for row in range(2):
        for place in range(4):
            low, high = int(first[row, place]), min(int(last[row, place]), 500)
            assert torch.equal(found[row, :, place], values[row, :, low:high].amax(1))
