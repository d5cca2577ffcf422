# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures, intervals and calibration against values worked out by hand or published."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.calibration import calibrate, fit_temperature, threshold_for
from wfm_core.evaluate.intervals import bootstrap_interval, wilson_interval
from wfm_core.evaluate.matching import matched_figures
from wfm_core.evaluate.metrics import (
    auc,
    class_accuracies,
    confusion_matrix,
    error_cdf,
    error_figures,
    mean_class_accuracy,
    quantity_errors,
    rate_lost,
    top_accuracy,
)


def test_confusion_has_the_truth_in_its_rows():
    matrix = confusion_matrix([0, 0, 2, 1, 1], [0, 0, 0, 1, 2], 4)
    assert matrix.tolist() == [[2, 0, 1, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert np.array_equal(matrix, confusion_matrix(torch.tensor([0, 0, 2, 1, 1]), torch.tensor([0, 0, 0, 1, 2]), 4))
    np.testing.assert_allclose(class_accuracies(matrix), [2 / 3, 1, 0, np.nan])
    nothing = np.array([], np.int64)
    assert confusion_matrix(nothing, nothing, 2).tolist() == [[0, 0], [0, 0]]


def test_the_likeliest_classes_count():
    likely = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25]])
    assert top_accuracy(likely, np.array([1, 0, 0]), 1) == pytest.approx(1 / 3), "of equal ones the first"
    assert top_accuracy(likely, np.array([2, 0, 2]), 3) == pytest.approx(2 / 3)


def test_the_rate_that_a_weaker_beam_loses():
    gain_db = np.array([[-100.0, -110.0, -97.0], [5.0, 5.0, 5.0]])
    assert rate_lost(gain_db, np.array([2, 1])) == 0
    lost = 1 - np.log2(1 + 10**0.7) / np.log2(11)
    assert rate_lost(gain_db, np.array([0, 0])) == pytest.approx(lost / 2), "3 dB of 10 in one of two windows"


def test_mean_accuracy_counts_classes_not_windows():
    label = [0] * 98 + [1] * 2
    matrix = confusion_matrix([0] * 100, label, 3)
    assert mean_class_accuracy(matrix) == 0.5, "0.98 of the windows, one of the two classes that are there"
    assert np.isnan(mean_class_accuracy(np.zeros((2, 2), int)))


@pytest.mark.parametrize(("predicted", "label"), [([-1], [0]), ([0], [-1]), ([3], [0]), ([0], [3])])
def test_classes_that_do_not_exist_are_no_counts(predicted, label):
    with pytest.raises(ValueError, match="expected 0 to 2"):
        confusion_matrix(predicted, label, 3)


def test_quantity_errors_are_distances_in_metres():
    truth = np.zeros((4, 3), np.float32)
    predicted = np.array([[3, 4, 0], [0, 0, 1], [2, 3, 6], [0, 0, 0]], np.float32)
    errors = quantity_errors(torch.from_numpy(predicted), truth)
    assert errors.tolist() == [5, 1, 7, 0]
    figures = error_figures(np.arange(11), "m")
    assert figures == {"mean_m": 5, "median_m": 5, "p90_m": 9}
    x, share = error_cdf(errors)
    assert x.tolist() == [0, 1, 5, 7] and share.tolist() == [0.25, 0.5, 0.75, 1]
    assert error_cdf(np.array([1.0, 1.0, 2.0, 1.0]))[1].tolist() == [0.75, 0.75, 0.75, 1], "ties share a step"


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (81, 263, 0.2553, 0.3662), (0, 10, 0, 0.2775), (10, 10, 0.7225, 1)],
)
def test_wilson_interval_as_published(right, count, low, high):
    """81 of 263: Newcombe 1998, table I; the others by the formula on paper."""
    assert wilson_interval(right, count) == pytest.approx((low, high), abs=1e-4)


def test_bootstrap_of_independent_windows_is_the_normal_interval():
    right = np.arange(400) % 4 < 3
    low, high = bootstrap_interval(lambda drawn: right[drawn].mean(), np.arange(400), seed=0)
    spread = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert (0.75 - low, high - 0.75) == pytest.approx((spread, spread), rel=0.15)


def test_bootstrap_draws_recordings_whole():
    right = np.repeat(np.arange(40) % 4 < 3, 10)  # the ten windows of a recording are right or wrong together
    low, high = bootstrap_interval(lambda drawn: right[drawn].mean(), np.repeat(np.arange(40), 10), seed=0)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.75 * 0.25 / 40), rel=0.2)


def test_threshold_keeps_the_stated_share():
    scores = torch.rand(1000, generator=torch.Generator().manual_seed(0))
    for share in (0.07, 0.5, 0.95, 1):
        threshold = threshold_for(scores, share)
        assert (scores >= threshold).sum() == round(share * 1000)
    assert threshold_for(torch.tensor([0.9, 0.5, 0.7]), 0.5) == pytest.approx(0.7), "at least the share: two of three"
    tied = torch.tensor([0.9, 0.5, 0.5, 0.5])
    assert (tied >= threshold_for(tied, 0.5)).all()
    for share in (0, 1.5):
        with pytest.raises(WfmError, match="share of known windows"):
            threshold_for(scores, share)


def test_calibration_repairs_overconfident_scores_and_keeps_the_known():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4000, 3, generator=generator)
    label = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    done = calibrate(4 * logits, label, keep=0.9)
    assert done.temperature == pytest.approx(4, rel=0.1)
    assert done.ece_before > 0.1 > 0.03 > done.ece_after
    scores = (4 * logits / done.temperature).softmax(1).max(1).values
    assert (scores >= done.open_set_threshold).float().mean() == pytest.approx(0.9, abs=1e-3)


def test_few_windows_all_right_do_not_make_scores_certain():
    logits = torch.eye(3).repeat(4, 1) * 2
    label = torch.arange(3).repeat(4)
    score = (logits / fit_temperature(logits, label)).softmax(1).max().item()
    assert score == pytest.approx(13 / 15, abs=0.01), "twelve right of twelve, and one more window of each class"


def test_the_area_under_the_curve_counts_pairs_in_order():
    assert auc([0.1, 0.4, 0.35, 0.8], [False, False, True, True]) == pytest.approx(0.75)
    assert auc([1.0, 1.0, 2.0], [False, True, True]) == pytest.approx(0.75), "a tie is half a pair"


def test_answers_that_are_several_go_with_what_is_nearest():
    nothing = np.nan
    told = np.array([[1.0, 21.0, nothing], [40.0, nothing, nothing], [-5.0, 0.0, 50.0]])
    truth = np.array([[0.0, 20.0, nothing], [nothing] * 3, [3.0, 48.0, nothing]])
    figures = matched_figures(told, truth)
    assert figures == pytest.approx({"mean_deg": 7 / 4, "found": 1.0, "false": 2 / 6, "count_right": 1 / 3})
    far = matched_figures(told + 30, truth)
    assert far["found"] < 0.5 and far["false"] > 0.5
    assert np.isnan(matched_figures(told[:0], truth[:0])["found"])
