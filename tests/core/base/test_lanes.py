# SPDX-License-Identifier: GPL-3.0-or-later
"""Lanes: parts of a batch side by side, on one thread each, in order; what fails is said when nothing runs any more."""

import threading

import pytest
import torch

from wfm_core.base import compute
from wfm_core.base.lanes import side_by_side


@pytest.fixture
def on():
    """Runs a function on the compute thread with so many PyTorch threads."""
    before = compute.run(torch.get_num_threads)

    def run(threads: int, function, *arguments):
        compute.run(torch.set_num_threads, threads)
        return compute.run(function, *arguments)

    yield run
    compute.run(torch.set_num_threads, before)


def lane_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("wfm-lane")}


def test_parts_are_computed_at_once_each_with_one_thread_and_answered_in_order(on):
    together = threading.Barrier(3)

    def work(part):
        together.wait(20)
        return part * 10, torch.get_num_threads(), threading.current_thread().name

    found = on(3, side_by_side, work, [1, 2, 3])
    assert [value for value, _, _ in found] == [10, 20, 30]
    assert {threads for _, threads, _ in found} == {1} and len({name for _, _, name in found}) == 3
    assert on(3, torch.get_num_threads) == 3, "the others are as they were"
    seen = []
    fresh = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    fresh.start()
    fresh.join()
    assert seen == [3], "and so are those that are still to come"


@pytest.mark.parametrize(("threads", "parts"), [(1, [1, 2, 3]), (2, [5])])
def test_one_thread_or_one_part_needs_no_lane(on, threads, parts):
    found = on(threads, side_by_side, lambda part: (part, threading.current_thread().name), parts)
    assert found == [(part, "wfm-compute") for part in parts]


def test_what_the_first_failed_part_raised_is_raised_after_the_last_one_is_done(on):
    done, slow = [], threading.Event()

    def work(part):
        if part < 2:
            slow.set()
            raise ValueError(f"part {part}")
        slow.wait(20)
        done.append(part)

    with pytest.raises(ValueError, match="part 1"):
        on(2, side_by_side, work, [2, 1, 0, 3])
    assert sorted(done) == [2, 3]


def test_another_number_of_threads_has_other_lanes_and_the_old_ones_end(on):
    on(3, side_by_side, abs, [1, 2])
    old = lane_threads()
    assert len(old) >= 3
    on(2, side_by_side, abs, [1, 2])
    on(1, side_by_side, abs, [1, 2])
    for thread in old:
        thread.join(20)
    assert not any(thread.is_alive() for thread in old)
