# SPDX-License-Identifier: GPL-3.0-or-later
"""What is trained on frozen features, and the measure: linear probe, k-NN, mean per-class accuracy."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

NEIGHBOURS = 5


def linear_probe(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Classes [M] of `test` [M, D] by multinomial logistic regression on `train` [N, D] with `labels` int64 [N]."""
    with warnings.catch_warnings():
        # where classes are separable it would go on for ever; the decisions have long settled by then
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=1.0, max_iter=500).fit(train, labels).predict(test)


def nearest_neighbours(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Classes [M] by a vote of the nearest training examples (cosine): 5, or as many as the smallest class has.

    A tie goes to the class whose voters are the more similar.
    """
    counts = np.bincount(labels)
    neighbours = min(NEIGHBOURS, int(counts[counts > 0].min()))

    def votes(distances: np.ndarray) -> np.ndarray:
        # a distance is at most 2: divided by more than the number of votes it only decides ties
        return 1 - distances / (4 * neighbours)

    return KNeighborsClassifier(neighbours, weights=votes, metric="cosine").fit(train, labels).predict(test)


def per_class_accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes present in `labels` of the share of each that was predicted right."""
    return float(np.mean([(predicted[labels == label] == label).mean() for label in np.unique(labels)]))
