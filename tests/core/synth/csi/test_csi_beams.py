# SPDX-License-Identifier: GPL-3.0-or-later
"""Soundings for beam prediction: the best beam is that of the whole row, gains are over one antenna."""

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import beam_angles
from wfm_core.signal.channels.beam_image import BeamImage
from wfm_core.signal.channels.csi_profile import csi_parts
from wfm_core.synth.csi.beams import BEAMS, ELEMENTS, draw_beams
from wfm_core.synth.csi.grids import find_grid

GRID = find_grid("srs-104")


def drawn(count=150, seed=1, **changes):
    return draw_beams(count, GRID, 4, torch.Generator().manual_seed(seed), **changes)


def test_the_best_beam_goes_to_a_terminal_in_sight():
    windows = drawn(scenarios=["uma-los"])
    off = torch.tensor(beam_angles(BEAMS))[windows.causes["beam"]] - windows.causes["direction"]
    assert windows.csi.shape == (150, len(ELEMENTS), 104, 4)
    assert (off.abs() < 4).float().mean() > 0.9
    gain = windows.causes["gain_db"]
    assert gain.shape == (150, BEAMS) and gain.argmax(1).equal(windows.causes["beam"])
    assert 10.0 < gain.amax(1).median() < 12.1, "16 antennas have 12 dB at most"


def test_the_antennas_that_are_heard_tell_most_of_it():
    image = BeamImage([16, BEAMS], len(GRID), list(ELEMENTS), BEAMS)
    right = {}
    for name in ("umi-los", "umi-nlos"):
        windows = drawn(scenarios=[name])
        right[name] = (image(csi_parts(windows.csi))[:, 1, 0].argmax(1) == windows.causes["beam"]).float().mean()
    assert right["umi-los"] > 0.9 > 0.75 > right["umi-nlos"] > 0.35


def test_faults_are_named():
    with pytest.raises(WfmError, match=r"elements \[3, 1\]: places in rising order"):
        drawn(elements=(3, 1))
    with pytest.raises(WfmError, match="1 beams: 2 to 1024"):
        drawn(beams=1)
