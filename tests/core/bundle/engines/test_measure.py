# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured at load: in turn, of the best size, and not for long. The clock here is one that is set by hand."""

import pytest
import torch

from wfm_core.bundle.engines import measure


class Clock:
    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(measure.time, "perf_counter", lambda: self.now)

    def call(self, seconds, calls: list[int]):
        """Something that takes `seconds(windows)`; `calls` notes how many windows it was given."""

        def run(windows):
            calls.append(len(windows))
            self.now += seconds(len(windows))
            return {"out": windows}

        return run


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


INPUTS = {600: torch.zeros(2, 4), 2400: torch.zeros(8, 4)}


def test_the_best_size_of_each_counts(clock):
    first = clock.call(lambda count: 0.01 * count if count == 2 else 0.02 * count, [])
    second = clock.call(lambda count: 0.01 + 0.005 * count, [])
    assert measure.paces([first, second], INPUTS) == [(pytest.approx(1.0), 600), (pytest.approx(0.08 / 0.05), 2400)]


def test_what_is_far_behind_is_left_out_after_some_rounds(clock):
    fast, slow = [], []
    found = measure.paces([clock.call(lambda n: 0.03 * n, slow), clock.call(lambda n: 0.01 * n, fast)], INPUTS)
    assert found[1].gain == pytest.approx(3.0)
    assert len(slow) == 2 + measure.LEAST_ROUNDS and set(slow) == {2} and len(fast) > 2 * len(slow)
    assert clock.now < measure.SECONDS + 1.0, "it ends in time"


def test_a_slow_computer_is_not_given_large_inputs(clock):
    given = []
    measure.paces([clock.call(lambda n: 1.0 * n, given)], INPUTS)
    assert set(given) == {2} and len(given) == 2 + 2 * measure.LEAST_ROUNDS


def test_a_fast_one_is_done_early(clock):
    given = []
    measure.paces([clock.call(lambda n: 1e-6 * n, given)], INPUTS)
    assert len(given) == 2 + measure.LEAST_ROUNDS + 2 * measure.MOST_ROUNDS


def test_one_slow_spell_decides_nothing(clock):
    left = iter([0.5] * 3)
    slow_at_first = clock.call(lambda n: 0.01 * n + next(left, 0.0), [])
    steady = clock.call(lambda n: 0.011 * n, [])
    assert measure.paces([steady, slow_at_first], {1: torch.zeros(2, 4)})[1].gain > 1.0
