# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled data sets of generated CSI: what was drawn is what is read."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import open_dataset
from wfm_core.data.generated_csi import write_generated_csi
from wfm_core.signal import build_preprocessor
from wfm_core.synth.csi.activities import ACTIVITIES
from wfm_core.synth.csi.cells import draw_cells
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.windows import draw_windows


def draw(number, activities=None):
    generator = torch.Generator().manual_seed(number)
    return draw_windows(4, find_grid("intel5300-20"), 16, (1, 3), generator, activities=activities)


def test_activities_are_kept_with_their_amplitudes(tmp_path):
    dataset = open_dataset(write_generated_csi(tmp_path / "a.h5", draw, 3, size=32))
    assert dataset.kind == "csi" and dataset.shape == (3, 30, 16) and dataset.count == 12
    assert dataset.task == "activity" and dataset.labels == ACTIVITIES
    windows = draw(2)
    np.testing.assert_array_equal(dataset.label[8:], windows.causes["activity"])
    np.testing.assert_allclose(dataset.read([8, 9, 10, 11]), windows.csi.abs(), rtol=1e-6)
    images = build_preprocessor(dataset.signal)(torch.from_numpy(dataset.read(range(12))))
    assert images.shape == (12, 3, 32, 32) and images.mean().abs() < 0.1


def test_positions_are_metres_and_need_somebody(tmp_path):
    path = write_generated_csi(tmp_path / "p.h5", lambda number: draw(number, ["walk"]), 2, "position")
    dataset = open_dataset(path)
    assert dataset.task == "position" and dataset.label.shape == (8, 3) and dataset.scene["high"][0] == 10.0
    with pytest.raises(WfmError, match="have no position"):
        write_generated_csi(tmp_path / "q.h5", lambda number: draw(number, ["empty"]), 1, "position")
    assert not (tmp_path / "q.h5").exists()


def test_what_is_no_label_is_named(tmp_path):
    with pytest.raises(WfmError, match="'weather': expected one of activity, people"):
        write_generated_csi(tmp_path / "a.h5", draw, 1, "weather")

    def cells(number):
        return draw_cells(2, find_grid("srs-32"), 8, 1, torch.Generator().manual_seed(number))

    with pytest.raises(WfmError, match="have no activity"):
        write_generated_csi(tmp_path / "a.h5", cells, 1)
    assert open_dataset(write_generated_csi(tmp_path / "los.h5", cells, 1, "line_of_sight")).labels == ("no", "yes")
