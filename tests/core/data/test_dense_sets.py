# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets with a label for each pixel."""

import numpy as np
import pytest
from finetune_sets import PIXELS, bars, flat_channels

from wfm_core.base.errors import WfmError
from wfm_core.cli.dataset import main as dataset_command
from wfm_core.data.dataset import open_dataset, write_dataset
from wfm_core.data.generated_grids import drawn_grids
from wfm_core.data.summary import summary

COMMON = {"signal": {"kind": "iq_rms"}, "provenance": {"reader": "test"}}
IMAGES = np.zeros((4, 1, 16, 16), np.float32)


def test_generated_estimates_are_what_was_drawn(tmp_path, capsys):
    path = tmp_path / "channels.h5"
    assert dataset_command(["generate", "channel_estimate", "--windows", "20", "--seed", "3", "--out", str(path)]) == 0
    assert "labels: 2 planes of 96 x 14, RMS" in capsys.readouterr().out and path.with_suffix(".png").exists()
    dataset, drawn = open_dataset(path), next(drawn_grids(20, 3))
    assert dataset.dense == dataset.task == "channel_estimate" and dataset.quantity == "" and dataset.values == 2
    assert dataset.shape == (2, 24, 3) and dataset.grid == (96, 14) and len(dataset.groups["scenario"]) == 20
    parts = dataset.read(range(20))
    np.testing.assert_array_equal(parts[:, 0] + 1j * parts[:, 1], drawn.pilots)
    np.testing.assert_array_equal(dataset.label[:, 0] + 1j * dataset.label[:, 1], drawn.channel)


def test_samples_are_of_iq_alone(tmp_path):
    with pytest.raises(WfmError, match="--samples does not go with channel_estimate"):
        dataset_command.__wrapped__(
            ["generate", "channel_estimate", "--samples", "64", "--out", str(tmp_path / "a.h5")]
        )


def test_both_kinds_of_labels_come_back(tmp_path):
    channels, pixels = open_dataset(flat_channels(tmp_path / "c.h5", 12)), open_dataset(bars(tmp_path / "b.h5", 12))
    assert channels.label.dtype == np.float32 and channels.label.shape == (12, 2, 16, 14) and not channels.labels
    assert pixels.label.dtype == np.uint8 and pixels.labels == PIXELS and pixels.grid == (32, 32)
    assert any("a class for each of 32 x 32 pixels: noise" in line for line in summary(pixels))


@pytest.mark.parametrize(
    "task, label, labels, said",
    [
        ("segmentation", np.zeros((4, 16), int), PIXELS, "integers .windows, rows, columns"),
        ("segmentation", np.zeros((4, 16, 16)), PIXELS, "integers .windows, rows, columns"),
        ("segmentation", np.full((4, 16, 16), 3), PIXELS, "classes 3 to 3; 0 to 2"),
        ("segmentation", np.zeros((4, 16, 16), int), (), "without names of classes"),
        ("channel_estimate", np.zeros((4, 16, 16)), (), "floats .windows, planes, rows, columns"),
        ("channel_estimate", np.full((4, 2, 16, 16), np.nan), (), "not finite"),
        ("channel_estimate", np.zeros((4, 2, 16, 16)), PIXELS, "leave the names out"),
        ("channel_estimate", np.zeros((3, 2, 16, 16)), (), "4 windows|3 labels"),
    ],
)
def test_labels_of_another_form_are_refused(tmp_path, task, label, labels, said):
    with pytest.raises(WfmError, match=said):
        write_dataset(tmp_path / "a.h5", "image", IMAGES, label, task=task, labels=labels, **COMMON)
    assert not (tmp_path / "a.h5").exists()
