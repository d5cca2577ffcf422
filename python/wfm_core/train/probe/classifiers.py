# SPDX-License-Identifier: GPL-3.0-or-later
"""What is trained on vectors: a linear classifier and k-NN on frozen features, a forest on hand-made ones."""

import warnings

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

NEIGHBOURS = 5
TREES = 200
LINEAR_RECIPES = tuple({"C": strength} for strength in (0.001, 0.01, 0.1, 1.0, 10.0))
"""Inverse strengths of the squared penalty."""
FOREST_RECIPES = tuple({"min_samples_leaf": leaf, "max_features": share} for leaf in (1, 3) for share in ("sqrt", 0.3))


def linear(train: np.ndarray, labels: np.ndarray, test: np.ndarray, recipe: dict, seed: int) -> np.ndarray:
    """Probabilities [M, K] of the K classes in `labels`, ascending, for `test` [M, D]: multinomial logistic regression
    on `train` [N, D] with `labels` int64 [N]."""
    with warnings.catch_warnings():
        # where classes are separable it would go on for ever; the decisions have long settled by then
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(max_iter=500, **recipe).fit(train, labels).predict_proba(test)


def nearest_neighbours(train: np.ndarray, labels: np.ndarray, test: np.ndarray, recipe: dict, seed: int) -> np.ndarray:
    """Votes [M, K] of the nearest training examples (cosine): 5, or as many as the smallest class has.

    A tie goes to the class whose voters are the more similar.
    """
    counts = np.bincount(labels)
    neighbours = min(NEIGHBOURS, int(counts[counts > 0].min()))

    def votes(distances: np.ndarray) -> np.ndarray:
        # a distance is at most 2: divided by more than the number of votes it only decides ties
        return 1 - distances / (4 * neighbours)

    return KNeighborsClassifier(neighbours, weights=votes, metric="cosine").fit(train, labels).predict_proba(test)


def forest(train: np.ndarray, labels: np.ndarray, test: np.ndarray, recipe: dict, seed: int) -> np.ndarray:
    """Votes [M, K] of TREES trees, each class with the same weight, for `test` [M, F] (as `linear`)."""
    trees = RandomForestClassifier(TREES, random_state=seed, class_weight="balanced", n_jobs=1, **recipe)
    return trees.fit(train, labels).predict_proba(test)
