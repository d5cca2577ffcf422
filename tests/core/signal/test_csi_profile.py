# SPDX-License-Identifier: GPL-3.0-or-later
"""Delay profiles: of paths whose delays are known, whatever a receiver's clocks did to the phases."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.bundle.screening.operators import screen_graphs
from wfm_core.signal import build_preprocessor
from wfm_core.signal.channels.csi_profile import csi_parts

SETTINGS = {"kind": "csi_profile", "size": [32, 16], "taps": 104}
SUBCARRIERS = 52


def paths(*delays: float, packets: int = 6) -> torch.Tensor:
    """One antenna a delay, in subcarriers' inverse spacing over 52: complex64 [1, A, 52, packets]."""
    turns = torch.tensor(delays).view(-1, 1, 1) * torch.arange(SUBCARRIERS).view(1, -1, 1) / SUBCARRIERS
    return torch.polar(torch.ones(1), -2 * torch.pi * turns).expand(-1, -1, packets)[None]


def profile(csi: torch.Tensor, **settings) -> torch.Tensor:
    return build_preprocessor(SETTINGS | settings)(csi_parts(csi))


def test_an_antenna_that_hears_later_has_its_peak_later():
    rows = profile(paths(2.0, 4.0, 6.5)).mean(3)[0].argmax(1)
    # two rows are the inverse of the band; the mean delay is at row 12
    assert np.diff(rows.numpy()).tolist() == [4, 5] and 7 <= int(rows[0]) <= 12 <= int(rows[2])


def test_clocks_change_nothing():
    csi = paths(2.0, 5.0) + 0.3 * paths(7.0, 6.0)
    packets = torch.arange(6)
    phase = torch.exp(1j * packets * 2.1)
    slope = torch.exp(
        -2j * torch.pi * (packets * 0.37).view(1, -1) * torch.arange(SUBCARRIERS).view(-1, 1) / SUBCARRIERS
    )
    assert torch.allclose(profile(csi * phase), profile(csi), atol=1e-4)
    assert torch.allclose(profile(csi * slope * 7), profile(csi), atol=1e-3)


def test_levels_are_decibels_over_the_mean():
    near = profile(paths(3.0, 3.0) * torch.tensor([1.0, 0.1]).view(1, 2, 1, 1), floor_db=-40.0)[0].amax((1, 2)) * 40
    assert float(near[0] - near[1]) == pytest.approx(20, abs=0.01)
    assert float(profile(paths(1.0, 20.0)).min()) == -1


def test_scripted_equals_eager_and_a_bundle_may_hold_it():
    module = build_preprocessor(SETTINGS)
    scripted = torch.jit.script(module)
    screen_graphs(scripted, "test")
    values = torch.randn(3, 8, SUBCARRIERS, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(scripted(values), module(values)) and module(values).shape == (3, 4, 32, 16)
    assert bool(torch.isfinite(module(torch.zeros(1, 8, SUBCARRIERS, 5))).all())


@pytest.mark.parametrize("shape", [(1, 3, 52, 8), (1, 2, 1, 8), (1, 2, 105, 8), (2, 52, 8)])
def test_what_is_no_csi_is_refused(shape):
    with pytest.raises(ValueError, match="real and imaginary parts"):
        build_preprocessor(SETTINGS)(torch.zeros(shape))


@pytest.mark.parametrize("bad", [{"taps": 31}, {"taps": 5000}, {"size": [32]}, {"size": [0, 16]}, {"floor_db": 0.0}])
def test_settings_out_of_range_are_refused(bad):
    with pytest.raises(WfmError, match="profile"):
        build_preprocessor(SETTINGS | bad)
