# SPDX-License-Identifier: GPL-3.0-or-later
"""One signal out of a band: where it lies in time and frequency, what is left of its neighbours, and its bounds."""

import numpy as np
import pytest

from wfm_core.signal.extract import MOST_SAMPLES, extract

RATE = 2.4e6


def tone(frequency: float, count: int, rate: float = RATE) -> np.ndarray:
    return np.exp(2j * np.pi * frequency / rate * np.arange(count)).astype(np.complex64)


def ratio_db(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.abs(a) ** 2) / np.mean(np.abs(b) ** 2))


@pytest.mark.parametrize("bandwidth", [3e3, 12.5e3, 200e3, 700e3, 1.3e6])
@pytest.mark.parametrize("within", [-0.74, -0.5, 0.0, 0.31, 0.74])
def test_tones_come_out_flat_and_where_they_were_in_time(bandwidth, within):
    middle, start, count = 0.1e6, 1000, int(400 * RATE / bandwidth)
    offset = within * bandwidth
    band = tone(middle + offset, start + count)
    crop, rate = extract(band, RATE, middle - bandwidth / 2, middle + bandwidth / 2, start, count)
    assert rate == pytest.approx(2 * bandwidth, rel=0.01)
    assert len(crop) == pytest.approx(count * rate / RATE, abs=1)
    # Its phase at the begin of the signal is that of the band: the tone counts from sample 0.
    right = tone(offset, len(crop), rate) * band[start]
    inside = slice(60, -60)
    assert ratio_db(crop[inside] - right[inside], right) < -45


@pytest.mark.parametrize("bandwidth", [3e3, 12.5e3, 200e3])
@pytest.mark.parametrize("away", [0.96, 1.2, 2.0, 3.7, 4.0, 5.1, 6.0, 9.9])
def test_neighbours_are_60_db_down(bandwidth, away):
    for sign in (-1, 1):
        neighbour = sign * away * bandwidth
        if abs(neighbour) > 0.5 * RATE:
            continue
        count = int(200 * RATE / bandwidth)
        crop, _ = extract(tone(neighbour, count), RATE, -bandwidth / 2, bandwidth / 2, 0, count)
        inside = crop[40:-40]
        assert ratio_db(inside, np.ones(1)) < -58


def test_what_the_band_does_not_hold_is_not_folded_in():
    count = 50_000
    other_edge = tone(-1.17e6, count)
    crop, _ = extract(other_edge, RATE, 1.0e6, 1.2e6, 0, count)
    assert ratio_db(crop[60:-60], np.ones(1)) < -55
    own = tone(1.15e6, count)
    crop, _ = extract(own, RATE, 1.0e6, 1.2e6, 0, count)
    assert abs(ratio_db(crop[60:-60], np.ones(1))) < 0.1


def test_a_band_that_is_one_signal_edge_to_edge_is_given_whole():
    rng = np.random.default_rng(3)
    band = (rng.standard_normal(4096) + 1j * rng.standard_normal(4096)).astype(np.complex64)
    crop, rate = extract(band, RATE, -RATE / 2, RATE / 2, 0, len(band))
    assert rate == 2 * RATE and len(crop) == 2 * len(band)
    assert abs(ratio_db(crop, band)) < 0.6  # the outermost 5 % fade


def test_it_is_bounded_and_taken_from_the_begin():
    band = np.zeros(6_000_000, np.complex64)
    band[0] = 1
    crop, rate = extract(band, RATE, -5e3, 5e3, 0, len(band))
    assert len(crop) == pytest.approx(2 * rate, abs=2)
    crop, rate = extract(band, RATE, -0.4e6, 0.4e6, 0, len(band))
    assert len(crop) == MOST_SAMPLES
    crop, _ = extract(band, RATE, -5e3, 5e3, 0, len(band), most=100)
    assert len(crop) == 100 and np.argmax(np.abs(crop)) == 0


def test_strange_input_is_answered():
    band = np.full(5000, np.nan + 1j * np.inf, np.complex64)
    crop, _ = extract(band, RATE, -1e5, 1e5, 0, 5000)
    assert not crop.any() and len(crop) > 0
    assert len(extract(band, RATE, -1e5, 1e5, 5000, 10)[0]) == 0
    assert len(extract(band, RATE, -1e5, 1e5, 4999, 10)[0]) == 1
    assert len(extract(np.ones(50, np.complex64), RATE, 1e3, 1e3, 0, 50)[0]) == 1
    assert len(extract(np.ones(500, np.complex64), RATE, -1e5, 1e5, -100, 200)[0]) == 17
