# SPDX-License-Identifier: GPL-3.0-or-later
"""Bands of single signals: everything lies where the truth says, at the level it says."""

import numpy as np
import pytest

from wfm_core.synth.scenes.air import AirBands, Placed, compose
from wfm_core.synth.signals.catalogue import LABELS, SIGNALS, UNHEARD, UNKNOWN
from wfm_core.synth.signals.transmission import on_air, part, transmission


def tone(seconds: float, rate: float = 20e3, frequency: float = 1e3):
    """On in the middle half of the time."""
    count = round(seconds * rate)
    x = np.exp(2j * np.pi * frequency / rate * np.arange(count))
    x[: count // 4] = x[3 * count // 4 :] = 0
    return transmission(x, rate, 2e3, "tone")


def test_a_signal_lies_in_time_and_frequency_where_the_truth_says():
    rng = np.random.default_rng(1)
    rate, samples = 200e3, 100_000
    band = compose(rate, samples, [Placed("morse", tone(0.5), 40e3, 30.0)], rng, flaws=False)
    truth = band.truths[0]
    assert (truth.label, truth.kind) == ("morse", "tone")
    assert truth.intervals.tolist() == [[25_000, 75_000]]
    assert truth.freq_lower_edge < 41e3 < truth.freq_upper_edge
    spectrum = np.abs(np.fft.fft(band.samples[30_000:70_000])) ** 2
    assert np.fft.fftfreq(40_000, 1 / rate)[spectrum.argmax()] == pytest.approx(41e3, abs=10)
    inside, outside = (np.mean(np.abs(band.samples[a:b]) ** 2) for a, b in ((30_000, 70_000), (0, 20_000)))
    # SNR 30 dB in 2 kHz of 200: 10 dB over the noise of the whole band, whose power is 1
    assert 10 * np.log10(inside - outside) == pytest.approx(10, abs=0.3)
    assert outside == pytest.approx(1, abs=0.03)


def test_bands_are_seeded_and_know_their_classes():
    first, again, other = (AirBands(np.random.default_rng(seed), most_samples=1 << 16).draw() for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.samples, again.samples)
    assert first.truths == again.truths and first.sample_rate == again.sample_rate
    assert len(first.samples) != len(other.samples) or not np.array_equal(first.samples, other.samples)
    assert first.samples.dtype == np.complex64
    assert set(SIGNALS) <= set(LABELS)
    for truth in first.truths:
        half = first.sample_rate / 2
        assert -half <= truth.freq_lower_edge < truth.freq_upper_edge <= half
        assert truth.intervals.min() >= 0 and truth.intervals.max() <= len(first.samples)


@pytest.mark.parametrize("technology", UNHEARD)
def test_a_band_can_begin_with_a_technology_of_no_class(technology):
    bands = AirBands(np.random.default_rng(4), crowded=2, most_samples=1 << 16)
    band = bands.draw(technology)
    assert band.truths[0].label == UNKNOWN and band.truths[0].kind in UNHEARD[technology]
    assert {truth.label for truth in band.truths[1:]} <= set(SIGNALS)
    assert all(truth.label in SIGNALS for _ in range(4) for truth in bands.draw().truths)


def test_signals_are_kept_apart_unless_they_may_meet():
    bands = AirBands(np.random.default_rng(2), overlapping=0.0, most_samples=1 << 16)
    for _ in range(6):
        edges = sorted((truth.freq_lower_edge, truth.freq_upper_edge) for truth in bands.draw().truths)
        assert all(upper < lower for (_, upper), (lower, _) in zip(edges, edges[1:], strict=False))


def test_parts_of_a_long_signal_have_power_in_them():
    rng = np.random.default_rng(3)
    long = np.zeros(10_000, complex)
    long[6000:6100] = 1
    assert all(np.any(part(long, 500, rng)) for _ in range(50))
    short = on_air([np.ones(10)], [5], 100, rng)
    assert len(short) == 100 and np.count_nonzero(short) == 10


def test_a_transmitter_that_leaks_while_it_is_off_is_off():
    samples = np.ones(100_000, np.complex64)
    samples[40_000:60_000] = 1e-3
    leaking = transmission(samples, 100e3, 5e3, "leaks")
    (truth,) = compose(100e3, 100_000, [Placed("ook", leaking, 0.0, 20.0)], np.random.default_rng(1), False).truths
    assert len(truth.intervals) == 2
    assert np.abs(truth.intervals - [[0, 40_000], [60_000, 100_000]]).max() <= 80
