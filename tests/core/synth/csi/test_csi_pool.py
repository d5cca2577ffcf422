# SPDX-License-Identifier: GPL-3.0-or-later
"""The pool: all grids and shapes, a seed for each, and never more channels than images have."""

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.grids import SRS, WIFI
from wfm_core.synth.csi.images import MOST_CHANNELS
from wfm_core.synth.csi.pool import PACKETS, draw_any, most_antennas


def test_every_grid_and_many_shapes_come():
    generator = torch.Generator().manual_seed(0)
    drawn = [draw_any(1, generator) for _ in range(150)]
    assert {windows.grid.name for windows in drawn} >= set(WIFI) and {windows.grid.name for windows in drawn} & set(SRS)
    assert {windows.csi.shape[3] for windows in drawn} == set(PACKETS)
    assert {windows.csi.shape[1] for windows in drawn} == {1, 2, 3, 4, 6}
    assert all(windows.csi.shape[1] <= MOST_CHANNELS and windows.csi.isfinite().all() for windows in drawn)


def test_kinds_and_seeds():
    cells = [draw_any(2, torch.Generator().manual_seed(seed), ["cells"]) for seed in (0, 0, 1)]
    assert all(windows.grid.name in SRS for windows in cells)
    assert torch.equal(cells[0].csi, cells[1].csi)
    assert cells[0].csi.shape != cells[2].csi.shape or not torch.equal(cells[0].csi, cells[2].csi)
    assert draw_any(2, torch.Generator().manual_seed(3), ["rooms"]).grid.name in WIFI
    with pytest.raises(WfmError, match="'cars'.*rooms, cells"):
        draw_any(1, torch.Generator(), ["cars"])


def test_windows_of_many_antennas_can_be_asked_for():
    drawn = [draw_any(1, torch.Generator().manual_seed(seed), least_antennas=4) for seed in range(12)]
    assert {windows.csi.shape[1] for windows in drawn} == {4, 6} and {windows.grid.name for windows in drawn} & set(SRS)
    assert draw_any(1, torch.Generator().manual_seed(0), least_antennas=5).csi.shape[1] == 6, "of rooms alone"
    assert (most_antennas(), most_antennas(["cells"])) == (6, 4)
    with pytest.raises(WfmError, match="CSI of 5 antennas or more: expected 1 to 4"):
        draw_any(1, torch.Generator(), ["cells"], 5)
