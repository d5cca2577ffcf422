# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that learns from labels, behind one face: `try_out` on a validation part, `predict` for the test."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from wfm_core.train.probe.classifiers import FOREST_RECIPES, LINEAR_RECIPES, forest, linear, nearest_neighbours
from wfm_core.train.probe.networks import Network, recipes
from wfm_core.train.probe.tasks import SUBSETS

FROZEN = {"frozen": (linear, LINEAR_RECIPES), "knn": (nearest_neighbours, ({},))}
TRAINED = ("lp", "ft2", "lora")
REGIMES = (*FROZEN, *TRAINED)
"""What may be done with a foundation: a linear classifier or k-NN on its frozen features, or fine-tuning."""
FOREST = "forest"
"""What is done without one, as `networks.SCRATCH` is."""
TITLES = {
    "frozen": "frozen, linear",
    "knn": "frozen, k-NN",
    "lp": "lp",
    "ft2": "ft2",
    "lora": "lora",
    "scratch": "trained",
    "forest": "hand features",
}
"""Regimes as tables name them."""


class Learner(Protocol):
    """`labels` int64 [N] are given with those of the test hidden, `train` and `test` are indices of examples.

    `tries` label subsets judge a recipe, `subsets` are averaged for a figure at one seed (over all folds together).
    """

    recipes: tuple[dict, ...]
    tries: int
    subsets: int

    def try_out(
        self, train: np.ndarray, labels: np.ndarray, validation: np.ndarray, recipe: dict, seed: int
    ) -> tuple[dict, np.ndarray]:
        """The recipe with what was found on the way, and probabilities [len(validation), K] of all K classes."""

    def predict(self, train: np.ndarray, labels: np.ndarray, test: np.ndarray, recipe: dict, seed: int) -> np.ndarray:
        """Probabilities [len(test), K] of all K classes."""


@dataclass(frozen=True)
class OnVectors:
    """A classifier on `values` [N, D], of one of `recipes`."""

    values: np.ndarray
    classes: int
    classifier: Callable[[np.ndarray, np.ndarray, np.ndarray, dict, int], np.ndarray]
    recipes: tuple[dict, ...]
    tries: int = 5
    subsets: int = SUBSETS

    def try_out(self, train, labels, validation, recipe, seed):
        return recipe, self.predict(train, labels, validation, recipe, seed)

    def predict(self, train, labels, test, recipe, seed):
        found = self.classifier(self.values[train], labels[train], self.values[test], recipe, seed)
        probabilities = np.zeros((len(test), self.classes))
        probabilities[:, np.unique(labels[train])] = found
        return probabilities


@dataclass(frozen=True)
class OnInputs:
    """A `network` of one of `recipes`; a try finds the steps and the first head. Training is dear: one subset each."""

    network: Network
    recipes: tuple[dict, ...]
    tries: int = 1
    subsets: int = 1

    def try_out(self, train, labels, validation, recipe, seed):
        return self.network.until_it_stops(train, labels, validation, recipe, seed)

    def predict(self, train, labels, test, recipe, seed):
        return self.network.trained(train, labels, test, recipe, seed)


def on_features(regime: str, values: np.ndarray, classes: int) -> OnVectors:
    """k-NN or the linear classifier on standardised features [N, D]."""
    classifier, choices = FROZEN[regime]
    return OnVectors(values, classes, classifier, choices)


def on_hand_features(values: np.ndarray, classes: int) -> OnVectors:
    """The forest on hand-made features [N, F]; fewer subsets, as it takes longer."""
    return OnVectors(values, classes, forest, FOREST_RECIPES, tries=2, subsets=SUBSETS // 2)


def on_inputs(network: Network) -> OnInputs:
    """A regime of fine-tuning, or training from scratch."""
    return OnInputs(network, recipes(network.regime))
