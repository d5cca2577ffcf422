# SPDX-License-Identifier: GPL-3.0-or-later
"""Which windows make a block, and which bundle judges it."""

from types import SimpleNamespace

import pytest
from bundle_files import contract_of

from wfm_core.base.errors import WfmError
from wfm_core.bundle import parse_contract
from wfm_core.bundle.pooling import Blocks, judge_of_blocks


def blocks_of(starts, samples=400, window=100, apart=()) -> list[list[int]]:
    blocks = Blocks(samples)
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


def bundle(**changes):
    return SimpleNamespace(contract=parse_contract(contract_of(**changes), "test"))


def test_a_bundle_judges_its_blocks_itself_or_names_another():
    alone, names, other = bundle(), bundle(blocks="other"), bundle(name="other")
    assert judge_of_blocks(alone, {}.__getitem__) is alone
    assert judge_of_blocks(names, {"other": other}.__getitem__) is other


def test_the_judge_of_blocks_has_the_same_classes():
    other = bundle(tasks={"interference": {"kind": "classification", "labels": ["a", "b"]}})
    with pytest.raises(WfmError, match="bundle other judges the blocks of small, but its tasks are"):
        judge_of_blocks(bundle(blocks="other"), lambda name: other)
