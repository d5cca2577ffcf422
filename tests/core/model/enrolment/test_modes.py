# SPDX-License-Identifier: GPL-3.0-or-later
"""Several prototypes of one class, where its windows ask for it."""

import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.model.enrolment.modes import LEAST_OF_MODE, split
from wfm_core.model.prototypes import Prototypes

WIDTH = 64
FAR = 12.0


def cloud(count: int, seed: int, middle: float = 0.0) -> np.ndarray:
    """Windows of scales from 0.1 to 5, moved along all entries together by `middle` of their standard deviations."""
    scale = np.linspace(0.1, 5.0, WIDTH)
    return (np.random.default_rng(seed).standard_normal((count, WIDTH)) + middle / np.sqrt(WIDTH)) * scale


def two_places(count: int, seed: int) -> np.ndarray:
    """By turns from here and there."""
    both = np.stack([cloud(count // 2, seed, -FAR), cloud(count // 2, seed + 1000, FAR)], 1)
    return both.reshape(-1, WIDTH)


@pytest.mark.parametrize("count", [20, 60, 300])
def test_two_places_are_two_prototypes(count):
    labels = split(two_places(count, 1), 4)
    assert labels.tolist() == [0, 1] * (count // 2)


def test_one_place_is_one_prototype():
    more = [split(cloud(count, seed), 4).max() > 0 for count in (12, 20, 60) for seed in range(40)]
    assert np.mean(more) <= 0.05


def test_two_of_three_places_when_two_are_allowed():
    windows = np.concatenate([two_places(40, 2), cloud(20, 5, 5 * FAR)])
    assert len(set(split(windows, 4))) == 3
    assert len(set(split(windows, 2))) == 2
    assert not split(windows, 1).any()


def test_few_windows_are_never_split():
    assert not split(two_places(2 * LEAST_OF_MODE - 2, 3), 4).any()


def test_windows_that_are_alike_in_part_are_one_place():
    rows = np.zeros((40, 3))
    rows[0] = 1.0
    assert not split(rows, 4).any()
    assert not split(np.full((40, 3), 7.0), 4).any()


def test_a_class_of_two_places_knows_both_and_nothing_between():
    windows = two_places(40, 7), cloud(40, 8, 6 * FAR)
    fresh, between = two_places(200, 9), cloud(200, 10)
    shares = {}
    for modes in (1, 4):
        prototypes = Prototypes(modes=modes)
        prototypes.enrol("both", windows[0])
        prototypes.enrol("far", windows[1])
        assert prototypes.modes_of() == {"both": min(modes, 2), "far": 1}
        named = [[d["label"] for d in prototypes.decide(rows)] for rows in (fresh, between)]
        shares[modes] = named[0].count("both") / 200, named[1].count("unknown") / 200
    assert shares[4][0] > 0.9 and shares[4][1] > 0.9
    assert shares[1][1] < 0.1  # one mean takes what lies between for its own


@pytest.mark.parametrize("modes", [0, 33, 1.5, True, "4"])
def test_numbers_of_prototypes_out_of_range(modes):
    with pytest.raises(WfmError, match="modes is .*from 1 to 32"):
        Prototypes(modes=modes)


def test_a_class_of_three_windows_takes_its_spread_from_the_others():
    """Three windows whose distances happen to be alike would refuse all fresh ones, or any number of them."""
    shares = []
    for seed in range(20):
        prototypes = Prototypes()
        prototypes.enrol("many", cloud(60, seed))
        prototypes.enrol("few", cloud(3, 500 + seed, FAR))
        fresh = prototypes.decide(cloud(100, 900 + seed, FAR))
        shares.append(np.mean([decision["label"] == "few" for decision in fresh]))
    assert np.median(shares) > 0.9 and min(shares) > 0.5


def test_a_window_in_the_middle_of_the_others_leaves_a_threshold():
    prototypes = Prototypes()
    prototypes.enrol("line", np.arange(3.0)[:, None] * np.ones(4))
    prototypes.enrol("same", np.array([[5.0] * 4, [5.0] * 4, [5.0] * 4, [6.0] * 4]))
    decision = prototypes.decide(np.full((1, 4), 1.2))[0]
    assert np.isfinite(decision["distance"]) and decision["label"] == "line"
    alone = Prototypes()
    alone.enrol("same", np.array([[5.0] * 4, [5.0] * 4, [5.0] * 4, [6.0] * 4]))
    assert np.isfinite(alone.decide(np.full((1, 4), 5.1))[0]["distance"])
