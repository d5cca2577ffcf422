# SPDX-License-Identifier: GPL-3.0-or-later
"""How many windows are taken at once follows the time that they take."""

import pytest

from wfm_core.bundle.engines.batches import Batches


def chosen(most: int, seconds, rounds: int = 200) -> tuple[int, list[int]]:
    """What is chosen where a batch of n windows takes `seconds(n)`, and all sizes that were taken."""
    batches, taken = Batches(most), []
    for _ in range(rounds):
        taken.append(batches.size)
        batches.add(batches.size, seconds(batches.size))
    return batches.chosen, taken


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        (lambda count: 0.010 * count, 4),  # no gain from more at once: the least latency
        (lambda count: 0.010 + 0.010 * count, 16),
        (lambda count: 0.010 * count * (1.5 if count == 16 else 1.0) + 0.010, 8),
    ],
)
def test_the_fewest_that_are_hardly_slower(seconds, wanted):
    size, taken = chosen(16, seconds)
    assert size == wanted and set(taken) == {4, 8, 16}
    assert taken[60:].count(wanted) > 0.95 * len(taken[60:]), "the others are only tried again now and then"


def test_what_changes_while_it_runs_is_followed():
    batches = Batches(16)
    for number in range(2000):
        batches.add(batches.size, 0.1 * batches.size if number < 500 else 0.1 + 0.01 * batches.size)
    assert batches.chosen == 16


def test_one_slow_batch_moves_nothing():
    batches = Batches(16)
    for number in range(100):
        batches.add(batches.size, 0.010 + 0.010 * batches.size + (5.0 if number == 70 else 0.0))
    assert batches.chosen == 16


def test_batches_that_are_not_full_say_nothing():
    batches = Batches(16)
    for _ in range(100):
        batches.add(3, 1.0)
    assert (batches.chosen, batches.size) == (16, 16)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_small_ones(most):
    size, taken = chosen(most, lambda count: 1.0 + count)
    assert size == most and max(taken) == most and min(taken) == 1


def test_the_first_batch_of_a_size_does_not_count():
    """It was computed beside one of another size, and has the pace of both."""
    batches, last = Batches(16), 0
    for _ in range(300):
        size = batches.size
        batches.add(size, 0.010 + 0.010 * size if size == last else 0.001)
        last = size
    assert batches.chosen == 16
