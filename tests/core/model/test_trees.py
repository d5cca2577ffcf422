# SPDX-License-Identifier: GPL-3.0-or-later
"""Boosted trees as a part of a network give what LightGBM gives."""

from types import SimpleNamespace

import lightgbm
import numpy as np
import pytest
import torch

from wfm_core.model.trees import Trees, TreeSizes, whole_steps
from wfm_core.train.signals.growing import grow, lay_out

SIZES = TreeSizes(rounds=12, leaves=8, depth=5)


def table(seed: int, count: int = 900) -> tuple[np.ndarray, np.ndarray]:
    """Features of order one, some far beyond the ends, and three classes that a linear rule cannot tell apart."""
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 2, (count, 6))
    features[:, 5] *= 40
    classes = (features[:, 0] * features[:, 1] > 0) * 1 + (np.abs(features[:, 2]) > 2)
    return features, classes.astype(np.int64)


def config() -> SimpleNamespace:
    grown = SimpleNamespace(rounds=12, leaves=8, depth=5, learning_rate=0.3, least=5, features=0.8, bins=63)
    return SimpleNamespace(trees=grown, threads=1, seed=3)


def whole(features: np.ndarray) -> np.ndarray:
    return whole_steps(torch.from_numpy(features)).numpy()


def grown_trees() -> Trees:
    trees = Trees(SIZES, 3)
    features, classes = table(0)
    grow(trees, config(), whole(features), classes)
    return trees


def test_grown_trees_learn_what_a_linear_rule_cannot():
    features, classes = table(1)
    votes = grown_trees()(torch.from_numpy(features))
    assert votes.shape == (900, 3) and votes.dtype == torch.float32
    assert np.mean(votes.argmax(1).numpy() == classes) > 0.85


def test_their_votes_are_the_raw_scores_of_lightgbm():
    features, classes = table(0)
    data = lightgbm.Dataset(whole(features), classes)
    options = {"objective": "multiclass", "num_class": 3, "num_leaves": 8, "max_depth": 5, "verbose": -1}
    booster = lightgbm.train({**options, "use_missing": False}, data, 12)
    trees = Trees(SIZES, 3)
    lay_out(trees, [one["tree_structure"] for one in booster.dump_model()["tree_info"]])
    other, _ = table(2)
    raw = booster.predict(whole(other), raw_score=True)
    np.testing.assert_allclose(trees(torch.from_numpy(other)).numpy(), raw, atol=12 * 0.5 / 4096 + 1e-6)


def test_a_network_in_bfloat16_and_a_script_have_the_same_trees():
    trees, features = grown_trees(), torch.from_numpy(table(3)[0]).float()
    votes = trees(features)
    assert votes.abs().max() > 1
    torch.testing.assert_close(torch.jit.script(trees)(features), votes, rtol=0, atol=0)
    torch.testing.assert_close(trees.to(torch.bfloat16)(features), votes, rtol=0, atol=0)


def test_features_are_compared_in_1024ths_within_limits():
    seen = whole_steps(torch.tensor([0.5, -0.0001, 100.0, -100.0]))
    assert seen.tolist() == [512, -1, 32665, -32666]


def test_too_many_leaves_are_refused():
    with pytest.raises(ValueError, match="129 leaves"):
        Trees(TreeSizes(1, 129, 4), 2)
