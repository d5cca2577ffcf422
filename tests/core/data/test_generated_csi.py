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
from wfm_core.synth.csi.beams import ELEMENTS, draw_beams
from wfm_core.synth.csi.cells import draw_cells
from wfm_core.synth.csi.clusters import draw_clusters
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


def test_complex_channels_are_kept_for_a_signal_that_takes_them(tmp_path):
    def clusters(number):
        return draw_clusters(8, find_grid("srs-32"), 8, 2, torch.Generator().manual_seed(number))

    signal = {"kind": "csi_profile", "size": [16, 16], "taps": 32}
    dataset = open_dataset(write_generated_csi(tmp_path / "los.h5", clusters, 2, "line_of_sight", signal=signal))
    assert (dataset.task, dataset.labels, dataset.shape) == ("line_of_sight", ("nlos", "los"), (4, 32, 8))
    windows = clusters(1)
    seen = dataset.read(range(8, 16))
    np.testing.assert_array_equal(seen[:, :2] + 1j * seen[:, 2:], windows.csi)
    np.testing.assert_array_equal(dataset.label[8:], windows.causes["line_of_sight"])
    assert [name.endswith("-los") for name in dataset.groups["scenario"]] == dataset.label.astype(bool).tolist()
    assert dataset.signal == signal and dataset.provenance["synthetic"]


def test_beams_are_kept_with_their_gains(tmp_path):
    def sounded(number):
        return draw_beams(6, find_grid("srs-32"), 4, torch.Generator().manual_seed(number))

    signal = {"kind": "beam_image", "size": [16, 64], "taps": 32, "elements": list(ELEMENTS)}
    dataset = open_dataset(write_generated_csi(tmp_path / "b.h5", sounded, 2, "beam", signal=signal))
    assert (dataset.task, len(dataset.labels), dataset.labels[::32]) == ("beam", 64, ("-90 deg", "0 deg"))
    causes = sounded(1).causes
    np.testing.assert_array_equal(dataset.label[6:], causes["beam"])
    np.testing.assert_array_equal(dataset.gain_db[6:], causes["gain_db"])
    assert build_preprocessor(dataset.signal)(torch.from_numpy(dataset.read(range(12)))).shape == (12, 2, 16, 64)
