# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every generator of a single signal."""

import numpy as np
from scipy.fft import fft, fftfreq, next_fast_len


def check_contract(generator, seconds: float, seeds=(0, 1)) -> None:
    for seed in seeds:
        first = generator(seconds, np.random.default_rng(seed))
        again = generator(seconds, np.random.default_rng(seed))
        x = first.samples
        assert x.dtype == np.complex64 and np.isfinite(x).all()
        assert len(x) == round(seconds * first.sample_rate)
        assert np.array_equal(x, again.samples)
        on = x != 0
        assert on.any()
        assert abs(np.mean(np.abs(x[on]) ** 2) - 1) < 0.02


def share_within(x: np.ndarray, sample_rate: float, bandwidth: float) -> float:
    """Share of the power within +-bandwidth / 2."""
    size = next_fast_len(len(x))
    power = np.abs(fft(x, size)) ** 2
    inside = np.abs(fftfreq(size, 1 / sample_rate)) <= bandwidth / 2
    return float(power[inside].sum() / power.sum())


def check_bandwidth(generator, seconds: float, least: float = 0.97, seeds=(0, 1, 2), carrier=False) -> None:
    """Nearly all the power lies within `bandwidth`, and less than that within a third of it
    unless a carrier holds most."""
    within, narrow = [], []
    for seed in seeds:
        sent = generator(seconds, np.random.default_rng(seed))
        within.append(share_within(sent.samples, sent.sample_rate, sent.bandwidth))
        narrow.append(share_within(sent.samples, sent.sample_rate, sent.bandwidth / 3))
    assert min(within) > least
    assert carrier or np.mean(narrow) < 0.99
