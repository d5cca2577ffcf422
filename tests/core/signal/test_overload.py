# SPDX-License-Identifier: GPL-3.0-or-later
"""The main part of a signal that overloads its receiver."""

import numpy as np
import pytest

from wfm_core.signal.extract import extract
from wfm_core.signal.found import SAMPLES
from wfm_core.signal.observe import observe
from wfm_core.signal.overload import main_part

RATE = 250e3
MIDDLE = 60e3


def remote(level):
    """complex64 of a keyed carrier at MIDDLE, pulses of 500 us, in a receiver whose converter clips at 1."""
    rng = np.random.default_rng(1)
    count = 100_000
    on = np.repeat(rng.integers(0, 2, count // 125), 125)
    noise = 0.003 * rng.standard_normal((count, 2)).view(np.complex128)[:, 0]
    band = level * on * np.exp(2j * np.pi * MIDDLE / RATE * np.arange(count)) + noise
    return (np.clip(band.real, -1, 1) + 1j * np.clip(band.imag, -1, 1)).astype(np.complex64)


def whole(band):
    """The samples of a box that is the whole band, and its bandwidth."""
    return extract(band, RATE, -RATE / 2, RATE / 2, 0, len(band))[0], RATE


def centre(part, width):
    """Hz, of the strongest line."""
    power = np.abs(np.fft.fft(part)) ** 2
    return np.fft.fftfreq(len(part), 1 / (2 * width))[power.argmax()]


def test_the_main_part_of_what_clips_is_about_the_signal():
    crop, bandwidth = whole(remote(4.0))
    part, width = main_part(crop, bandwidth, RATE)
    assert width < 0.1 * bandwidth
    assert len(part) == pytest.approx(len(crop) * width / bandwidth, rel=0.02)
    assert abs(centre(part, width)) < 0.25 * width  # of the whole it is 60 kHz away


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_what_leaves_room_to_full_scale_is_left_as_it_is(level):
    crop, bandwidth = whole(remote(level))
    assert main_part(crop, bandwidth, RATE)[0] is crop


def test_a_box_that_is_narrow_in_its_band_is_left_as_it_is():
    crop, bandwidth = whole(remote(4.0))
    assert main_part(crop, bandwidth, 3 * RATE)[0] is crop


def test_a_signal_as_wide_as_its_box_is_left_as_it_is():
    rng = np.random.default_rng(2)
    parts = np.clip(rng.standard_normal((100_000, 2)), -1, 1)
    crop, bandwidth = whole(parts.view(np.complex128)[:, 0].astype(np.complex64))
    assert main_part(crop, bandwidth, RATE)[0] is crop


def test_an_observation_says_how_wide_the_part_is():
    crop, bandwidth = whole(remote(4.0))
    _, width = main_part(crop, bandwidth, RATE)
    observed = observe(crop, bandwidth, 0.4, 30.0, RATE)
    assert observed.shape == (SAMPLES,)
    assert observed[-2].real == pytest.approx(np.log10(width), rel=1e-6)


def test_no_samples_have_no_main_part():
    crop = np.zeros(0, np.complex64)
    assert main_part(crop, RATE, RATE) == (crop, RATE)
