# SPDX-License-Identifier: GPL-3.0-or-later
"""Lanes: parts of a batch side by side, on one thread each, in order; what fails is said when nothing runs any more."""

import threading
import weakref

import pytest
import torch
from waiting import wait_for

from wfm_core.base import compute, left_behind
from wfm_core.base.errors import WfmError
from wfm_core.base.lanes import begin, side_by_side


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


def test_lanes_go_on_with_the_next_call_while_one_is_not_through(on):
    slow, done = threading.Event(), []

    def work(part):
        if part == 0:
            slow.wait(20)
        done.append(part)
        return part

    compute.run(torch.set_num_threads, 2)
    first, second = (compute.begin(begin, work, parts) for parts in ([0, 1], [2, 3]))
    assert second.result(20) == [2, 3] and not first.done() and done == [1, 2, 3]
    slow.set()
    assert first.result(20) == [0, 1]


def test_what_is_given_up_in_a_lane_is_left_behind_and_others_are_computed_again(on):
    """The lanes of the thread that is left behind are, too: one that does not come back may have all of them."""
    gate, within, mine, again = threading.Event(), threading.Event(), [], []

    def stuck(part):
        within.set()
        gate.wait(20)
        return part

    def ask():
        mine.append(compute.begin(begin, stuck, [1, 2, 3]))

    compute.run(torch.set_num_threads, 2)
    asker = threading.Thread(target=ask)
    asker.start()
    asker.join()
    assert within.wait(20)
    other = compute.begin(begin, lambda part: again.append(part) or part, [5, 6])
    try:
        left = compute.give_up(asker, "too long")
        assert other.result(20) == [5, 6] and sorted(again) == [5, 6]
        with pytest.raises(WfmError, match="too long"):
            mine[0].result(20)
        assert left.is_alive() and left_behind.sentences() == ["too long"]
        assert compute.give_up(asker, "again") is None
    finally:
        gate.set()
    left.join(20)
    assert not left.is_alive() and left_behind.sentences() == []


def test_what_was_computed_is_not_kept_until_the_next_job():
    class Batch:
        pass

    batch = Batch()
    seen = weakref.ref(batch)
    assert compute.run(lambda given: given is not None, batch)
    del batch
    wait_for(lambda: seen() is None, 5)
