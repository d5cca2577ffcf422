# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of answers for every pixel, and channel estimates without a network."""

import math

import numpy as np
import pytest
import torch

from wfm_core.data.generated_grids import SIGNAL
from wfm_core.evaluate.classical.channel_estimation import Lmmse, interpolated
from wfm_core.evaluate.dense import (
    estimate_figures,
    intersections,
    mean_iou,
    nmse_db,
    relative_errors,
    segmentation_figures,
    some_pixels,
    unions,
)
from wfm_core.signal import build_preprocessor
from wfm_core.synth.csi.resource_grids import draw_grids


def test_nmse_is_the_mean_of_relative_errors():
    truth = np.ones((3, 2, 4, 5), np.float32) * np.array([1, 10, 100], np.float32)[:, None, None, None]
    estimates = truth * np.array([1.1, 1.0, 1.2], np.float32)[:, None, None, None]
    relative = relative_errors(estimates, truth)
    np.testing.assert_allclose(relative, [0.01, 0, 0.04], atol=1e-6)
    assert nmse_db(relative) == pytest.approx(10 * math.log10(0.05 / 3), abs=1e-3)
    figures = estimate_figures(relative, np.arange(3))
    low, high = figures["nmse_db_interval"]
    assert low < figures["nmse_db"] < high


def test_intersection_over_union_by_hand():
    label = np.array([[[0, 0], [1, 1]], [[2, 2], [2, 2]]], np.uint8)
    said = np.array([[[0, 1], [1, 1]], [[2, 2], [2, 0]]])
    found = intersections(said, label, 4)
    assert found.shape == (2, 4, 4) and found.sum() == 8 and found[0, 0, 1] == 1 == found[1, 2, 0]
    np.testing.assert_allclose(unions(found.sum(0)), [1 / 3, 2 / 3, 3 / 4, np.nan])
    assert mean_iou(found.sum(0)) == pytest.approx((1 / 3 + 2 / 3 + 3 / 4) / 3)
    figures = segmentation_figures(found, ("noise", "a", "b", "never"), np.arange(2))
    assert figures["pixel_accuracy"] == 6 / 8 and list(figures["per_class_iou"]) == ["noise", "a", "b"]
    logits, classes = some_pixels(torch.from_numpy(np.eye(4)[said]).movedim(-1, 1), torch.from_numpy(label))
    assert logits.shape == (2, 4) and logits.argmax(1).tolist() == [0, 2] and classes.tolist() == [0, 2]


def test_lmmse_is_ahead_of_interpolation_on_channels_that_it_did_not_learn_from():
    train, test = (draw_grids(count, torch.Generator().manual_seed(count)) for count in (1500, 300))
    power = test.channel.abs().square().mean((1, 2))
    estimates = {
        "linear": interpolated(test.pilots, build_preprocessor(SIGNAL)),
        "lmmse": Lmmse(train.channel, SIGNAL["subcarriers"], SIGNAL["symbols"])(test.pilots, test.noise, power),
    }
    nmse = {
        name: nmse_db(relative_errors(torch.view_as_real(one).numpy(), torch.view_as_real(test.channel).numpy()))
        for name, one in estimates.items()
    }
    assert nmse["lmmse"] < nmse["linear"] - 4 and nmse["linear"] < -8


def test_lmmse_of_independent_gains_is_the_wiener_factor():
    """Where nothing is known but the power, an estimate is h + noise, scaled by 1 / (1 + noise)."""
    generator = torch.Generator().manual_seed(2)
    channel = torch.randn(4000, 1, 2, dtype=torch.complex64, generator=generator).expand(-1, 3, -1)
    estimator, pilots = Lmmse(channel, [1], [0, 1]), torch.tensor([[[1 + 1j, -2j]]])
    estimate = estimator(pilots, torch.tensor([0.5]), torch.tensor([1.0]))
    torch.testing.assert_close(estimate, pilots.expand(-1, 3, -1) / 1.5, atol=0.15, rtol=0)
