# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated waves over a row of antennas, and MUSIC, which finds where those without flaws come from."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.music import music
from wfm_core.synth.arrays import GAIN_ERROR, PHASE_ERROR, Arrivals, draw_bearings, draw_signals, steering

CLEAN = {"errors": (0.0, 0.0), "reflections": 0, "widest": 60.0, "snr_db": (20.0, 20.0)}


@pytest.fixture(scope="module")
def signals():
    return draw_signals(24, 256, torch.Generator().manual_seed(3))


def drawn(signals, count=64, seed=1, **changes):
    return draw_bearings(signals, count, Arrivals(**{**CLEAN, **changes}), torch.Generator().manual_seed(seed))


def error(made) -> float:
    return float((music(made.iq) - made.angle).abs().mean())


def test_music_finds_clean_waves(signals):
    assert error(drawn(signals)) < 0.3
    assert error(drawn(signals, antennas=8)) < 0.1


def test_flaws_and_reflections_lead_music_astray(signals):
    assert error(drawn(signals, errors=(1.0, 1.0))) > 1.5
    assert error(drawn(signals, reflections=3)) > 1.0


def test_the_same_seed_gives_the_same_windows(signals):
    one, again, other = drawn(signals), drawn(signals), drawn(signals, seed=2)
    assert torch.equal(one.iq, again.iq) and torch.equal(one.angle, again.angle)
    assert not torch.equal(one.iq, other.iq)
    assert one.iq.shape == (64, 4, 256) and one.iq.dtype == torch.complex64
    assert -60 <= one.angle.min() < -40 and 40 < one.angle.max() <= 60


def test_signals_have_unit_power_and_noise_is_what_was_asked_for(signals):
    power = drawn(signals, snr_db=(0.0, 0.0), count=256).iq.abs().square().mean()
    assert float(power) == pytest.approx(2.0, rel=0.1)


def test_channels_are_off_by_no_more_than_stated(signals):
    made = drawn(signals, errors=(1.0, 1.0), snr_db=(80.0, 80.0))
    still = made.iq / steering(made.angle, 4)[:, :, None]
    ratio = (still[:, 1:] * still[:, :1].conj()).mean(2) / still[:, :1].abs().square().mean(2)
    assert np.degrees(ratio.angle().abs().max()) < 2 * PHASE_ERROR + 0.1
    assert ratio.abs().max() < (1 + GAIN_ERROR) / (1 - GAIN_ERROR) + 0.01


def test_the_last_antenna_leads_where_the_angle_is_positive():
    assert torch.allclose(steering(torch.tensor([30.0]), 2).angle(), torch.tensor([[0.0, 0.5]]) * torch.pi)


def test_rows_that_are_ambiguous_are_refused():
    with pytest.raises(WfmError, match="4 antennas 0.7 wavelengths apart"):
        Arrivals(spacing=0.7)
