# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated waves over a row of antennas, and MUSIC, which finds where those without flaws come from."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.classical.music import fitted_array, music, music_several
from wfm_core.synth.arrays import GAIN_ERROR, PHASE_ERROR, Arrivals, draw_array, draw_bearings, draw_signals, steering

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


def test_an_array_is_the_same_in_all_windows_and_can_be_fitted(signals):
    generator = torch.Generator().manual_seed(4)
    array = draw_array(4, GAIN_ERROR, 180.0, 0.3, generator)
    how = Arrivals(**{**CLEAN, "reflections": 0})
    walk, test = (draw_bearings(signals, 60, how, generator, array) for _ in range(2))
    found = fitted_array(walk.iq, walk.angle)
    alike = (found.conj() * array).sum().abs() / torch.linalg.norm(array)
    assert alike > 0.999, "but for a factor, which nobody hears"

    def wrong(by):
        return float((music(test.iq, array=by) - test.angle).abs().mean())

    assert wrong(found) < 0.5 < 5 < wrong(None)


def test_coupling_falls_with_the_distance_between_antennas():
    array = draw_array(4, 0.0, 0.0, 0.5, torch.Generator().manual_seed(1))
    apart = (torch.arange(4)[:, None] - torch.arange(4)).abs()
    assert torch.allclose(array.abs(), 0.5**apart) and torch.allclose(array, array.T)


def arriving(signals, angles, alike=False, noise=0.1):
    """Windows [1, 4, T] of a source at each of the angles; all of them send the same with `alike`, out of step."""
    sent = signals[[0] * len(angles)] if alike else signals[: len(angles)]
    sent = sent * torch.exp(1j * torch.arange(len(angles)))[:, None]
    x = steering(torch.tensor(angles), 4).T @ sent.to(torch.complex64)
    generator = torch.Generator().manual_seed(8)
    return (x + noise * torch.randn(x.shape, dtype=torch.complex64, generator=generator))[None]


def test_several_sources_are_counted_and_found(signals):
    for angles in ([], [10.0], [-30.0, 20.0], [-50.0, 0.0, 40.0]):
        found = music_several(arriving(signals, angles), 3)[0]
        assert torch.isnan(found).sum() == 3 - len(angles)
        assert torch.allclose(found[: len(angles)], torch.tensor(angles), atol=1.0)
    found = music_several(arriving(signals, [-30.0, 20.0], alike=True), 3)[0]
    assert torch.allclose(found[:2], torch.tensor([-30.0, 20.0]), atol=1.0), "a wave and its reflection"
    assert music_several(arriving(signals, [-30.0, 20.0]), 1).isnan().sum() == 0
    assert music_several(torch.zeros(2, 4, 64, dtype=torch.complex64), 3).isnan().all(), "silence is no source"
    with pytest.raises(WfmError, match="4 sources and 4 antennas"):
        music_several(arriving(signals, [0.0]), 4)


def test_rows_that_are_ambiguous_are_refused():
    with pytest.raises(WfmError, match="4 antennas 0.7 wavelengths apart"):
        Arrivals(spacing=0.7)
