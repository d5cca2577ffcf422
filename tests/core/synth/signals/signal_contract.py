# SPDX-License-Identifier: GPL-3.0-or-later
"""What every generator of a single signal keeps (wfm_core.synth.signals.transmission)."""

import numpy as np


def share_within(samples: np.ndarray, sample_rate: float, bandwidth: float) -> float:
    """Share of the power within half the bandwidth to each side of 0 Hz."""
    power = np.abs(np.fft.fft(samples)) ** 2
    inside = np.abs(np.fft.fftfreq(len(samples), 1 / sample_rate)) <= bandwidth / 2
    return float(power[inside].sum() / power.sum())


def check(generator, kind: str, seconds: float, seed: int = 0, least: float = 0.97) -> None:
    """Rate, length, power, zeros, bandwidth, and the same again from the same seed."""
    sent = generator(seconds, np.random.default_rng(seed))
    power = np.abs(sent.samples) ** 2
    assert sent.kind == kind
    assert sent.samples.dtype == np.complex64
    assert len(sent.samples) == round(seconds * sent.sample_rate)
    assert np.isfinite(power).all()
    assert abs(power[power > 0].mean() - 1) < 1e-3
    assert sent.bandwidth < sent.sample_rate
    assert share_within(sent.samples, sent.sample_rate, sent.bandwidth) > least
    assert share_within(sent.samples, sent.sample_rate, sent.bandwidth / 8) < 0.995
    again = generator(seconds, np.random.default_rng(seed))
    np.testing.assert_array_equal(sent.samples, again.samples)
    assert not np.array_equal(sent.samples, generator(seconds, np.random.default_rng(seed + 1)).samples)
