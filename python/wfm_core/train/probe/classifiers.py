# SPDX-License-Identifier: GPL-3.0-or-later
"""What is trained on frozen features, and the measure: linear probe, k-NN, mean per-class accuracy."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

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
    similarity = _unit(test) @ _unit(train).T
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :neighbours]
    rows = np.arange(len(test))[:, None]
    votes = np.zeros((len(test), len(counts)))
    # a similarity is at most 1: divided by more than the number of votes it only decides ties
    np.add.at(votes, (rows, labels[nearest]), 1 + similarity[rows, nearest] / (4 * neighbours))
    return votes.argmax(1)


def per_class_accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes present in `labels` of the share of each that was predicted right."""
    return float(np.mean([(predicted[labels == label] == label).mean() for label in np.unique(labels)]))


def _unit(values: np.ndarray) -> np.ndarray:
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
