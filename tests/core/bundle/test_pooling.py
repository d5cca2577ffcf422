# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions pooled over blocks of windows: which windows make a block, and what it says."""

import numpy as np
import pytest
from bundle_files import contract_of

from wfm_core.base.errors import WfmError
from wfm_core.bundle.contract import TaskContract
from wfm_core.bundle.parse import parse_contract
from wfm_core.bundle.pooling import EVIDENCE, Blocks, pool_decisions, pool_probabilities


def task(bias=(0.0, 0.0, 0.0), threshold=0.0) -> TaskContract:
    tasks = {
        "interference": {
            "kind": "classification", "labels": ["none", "a", "b"], "bias": list(bias), "open_set_threshold": threshold
        }
    }  # fmt: skip
    return parse_contract(contract_of(tasks=tasks), "test").tasks["interference"]


def softmax(logits) -> np.ndarray:
    shares = np.exp(np.array(logits, float))
    return shares / shares.sum(-1, keepdims=True)


@pytest.mark.parametrize("bias", [(0.0, 0.0, 0.0), (3.0, 0.0, 0.0)])
def test_one_window_is_a_block_with_its_own_probabilities(bias):
    probabilities = softmax([[1.0, 2.0, -1.0]])
    np.testing.assert_allclose(pool_probabilities(task(bias), probabilities), probabilities[0], rtol=1e-9)


def test_windows_that_agree_make_a_block_surer_but_not_as_if_they_were_independent():
    one = softmax([1.0, 0.0, 0.0])
    pooled = pool_probabilities(task(), np.tile(one, (32, 1)))
    np.testing.assert_allclose(pooled, softmax([32**EVIDENCE, 0, 0]), rtol=1e-9)
    assert one[0] < pooled[0] < softmax([32.0, 0, 0])[0]


def test_a_bias_counts_once_for_a_block():
    """Each window leans to b, by less than the bias that keeps it at none: together they are enough."""
    windows = np.tile(softmax(np.array([3.0, 0.0, 0.0]) + [0.0, 0.0, 2.0]), (32, 1))
    assert windows[0].argmax() == 0
    assert pool_probabilities(task((3.0, 0.0, 0.0)), windows).argmax() == 2
    assert pool_probabilities(task(), windows).argmax() == 0, "where they lean to none by themselves, it stays none"


def test_a_window_of_probability_zero_is_no_infinity():
    pooled = pool_probabilities(task(), np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    assert np.isfinite(pooled).all() and pooled.sum() == pytest.approx(1) and pooled[2] == pooled.min()


def test_a_decision_has_the_form_of_a_window_s():
    decisions = [{"probabilities": {"none": 0.2, "a": 0.5, "b": 0.3}}] * 4
    decision = pool_decisions(task(), decisions)
    assert decision["label"] == "a" and decision["index"] == 1
    assert decision["score"] == decision["probabilities"]["a"] > 0.5
    assert pool_decisions(task(), decisions, threshold=0.99)["label"] == "unknown"
    assert pool_decisions(task(threshold=0.99), decisions)["index"] == -1


def blocks_of(starts, samples=400, window=100, apart=()) -> list[list[int]]:
    blocks = Blocks(samples, window)
    found = [blocks.add(start, window, start, start in apart) for start in starts]
    return [block for block in [*found, blocks.finish()] if block]


def test_blocks_are_filled_one_after_another():
    assert blocks_of(range(0, 1000, 100)) == [[0, 100, 200, 300], [400, 500, 600, 700], [800, 900]]
    assert blocks_of(range(0, 600, 50)) == [list(range(0, 350, 50)), list(range(350, 600, 50))]


def test_windows_that_are_missing_take_their_place_in_a_block():
    assert blocks_of([0, 300, 400, 1700]) == [[0, 300], [400], [1700]]


def test_a_break_and_a_stream_that_begins_again_end_a_block():
    assert blocks_of([0, 100, 200, 300], apart=(200,)) == [[0, 100], [200, 300]]
    assert blocks_of([500, 600, 0, 100]) == [[500, 600], [0, 100]]


def test_no_windows_make_no_block():
    assert blocks_of([]) == []


def test_a_block_holds_a_window_at_least():
    with pytest.raises(WfmError, match="pool 99 samples; windows of 100 are pooled: give 100 or more"):
        Blocks(99, 100)
