# SPDX-License-Identifier: GPL-3.0-or-later
"""A found signal as the network takes it."""

import numpy as np
import pytest
import torch

from wfm_core.signal import build_preprocessor
from wfm_core.signal.found import (
    BEGINNING,
    CLOSE,
    FACTS,
    GLANCE,
    GLANCES,
    HEARD,
    IQ_SAMPLES,
    NUMBERS,
    SAMPLES,
    WHOLE,
    FoundSignal,
)
from wfm_core.signal.observe import observe


def view(crop, bandwidth=1e4, duration=0.1, snr_db=20.0):
    observed = observe(crop, bandwidth, duration, snr_db, 1e6)
    assert observed.shape == (SAMPLES,) and observed.dtype == np.complex64
    return FoundSignal()(torch.from_numpy(observed)[None, None])


def test_an_observation_holds_the_whole_time_the_beginning_and_the_facts():
    crop = np.exp(0.2j * np.arange(300_000)).astype(np.complex64)
    observed = observe(crop, 12.5e3, 1.5, 17.0, 1e6)
    glances = observed[: GLANCES * GLANCE].reshape(GLANCES, GLANCE)
    np.testing.assert_allclose(glances[0], crop[:GLANCE], atol=1e-4)
    np.testing.assert_allclose(glances[-1], crop[-GLANCE:], atol=1e-4)
    beginning = observed[GLANCES * GLANCE :][:BEGINNING]
    np.testing.assert_allclose(beginning, crop[:BEGINNING], atol=1e-4)
    *_, numbers = view(crop, 12.5e3, 1.5, 17.0)
    assert numbers.shape == (1, NUMBERS)
    expected = [np.log10(12.5), np.log10(150), 0.85]
    np.testing.assert_allclose(numbers[0, :FACTS].numpy(), expected, atol=1e-4)


def test_a_tone_is_a_line_in_the_images_and_its_modulation_in_those_of_envelope_and_frequency():
    rate = 20e3
    t = np.arange(40_000) / rate
    am = (1 + 0.8 * np.cos(2 * np.pi * 2500 * t)).astype(np.complex64)
    iq, whole, close, *_ = view(am)
    assert iq.shape == (1, 1, IQ_SAMPLES) and whole.shape == (1, 3, *WHOLE) and close.shape == (1, 1, *CLOSE)
    rows = whole[0].mean(-1)
    # 128 rows from -rate/2: the carrier in the middle, sidebands 16 rows beside it
    assert set(rows[0].topk(3).indices.tolist()) <= {48, 63, 64, 80, 79, 47}
    # over 0 to rate/2, 78.125 Hz a row: the envelope's line at row 32
    assert abs(int(rows[1].argmax()) - 32) <= 1
    fm = np.exp(0.8j * np.sin(2 * np.pi * 2500 * t)).astype(np.complex64)
    _, whole, *_ = view(fm)
    assert abs(int(whole[0, 2].mean(-1).argmax()) - 32) <= 1


def test_pulses_and_steps_of_frequency_follow_each_other_in_the_image_of_what_is_heard():
    count = GLANCES * GLANCE
    on = np.arange(count) // 1024 % 2
    *_, heard, _, _ = view((on * np.exp(0.3j * np.arange(count))).astype(np.complex64))
    assert heard.shape == (1, 2, *HEARD)
    # a token's square is two glances, which are on or off for all of it
    squares = heard[0].reshape(2, 8, 16, 4, 16).transpose(2, 3).reshape(2, 32, 256)
    envelope, turned = squares[0], squares[1]
    assert bool((envelope[1::2] > 0.9).all()) and bool((envelope[0::2] < -0.9).all())
    # on for half of the time: the product of two samples is twice its mean
    assert bool((turned[1::2, :127] - 2 * np.sin(0.3) / 1.1).abs().lt(0.01).all())
    swept = view(np.exp(1e-5j * np.arange(count) ** 2).astype(np.complex64))[3][0, 1]
    lines = swept.reshape(8, 16, 4, 16).transpose(1, 2).reshape(64, 128)[:, :127].flatten()
    assert bool((lines.diff() > 0).all()), "time goes on from line to line"


@pytest.mark.parametrize("crop", [np.zeros(0), np.zeros(5), np.zeros(10_000), np.full(3000, np.nan), np.ones(1)])
def test_nothing_empty_or_broken_makes_anything_but_numbers(crop):
    for part in view(crop.astype(np.complex64), bandwidth=0.0, duration=0.0, snr_db=-200.0):
        assert bool(torch.isfinite(torch.view_as_real(part) if part.is_complex() else part).all())


def test_level_and_phase_do_not_matter():
    rng = np.random.default_rng(0)
    crop = (rng.standard_normal(5000) + 1j * rng.standard_normal(5000)).astype(np.complex64)
    ours, louder = view(crop), view(crop * np.complex64(1e-3 * np.exp(1j)))
    for a, b in zip(ours[1:], louder[1:], strict=True):
        torch.testing.assert_close(a, b, atol=2e-3, rtol=1e-3)


def test_the_contract_names_it():
    assert isinstance(build_preprocessor({"kind": "found_signal"}), FoundSignal)
