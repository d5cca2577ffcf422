# SPDX-License-Identifier: GPL-3.0-or-later
"""What is trained on vectors: a linear classifier and k-NN on frozen features, a forest on hand-made ones."""

import warnings

import numpy as np
from scipy.special import softmax
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier

NEIGHBOURS = 5
TREES = 200
LINEAR_RECIPES = (
    *({"C": strength} for strength in (0.001, 0.01, 0.1, 1.0, 10.0)),
    *({"alpha": strength} for strength in (30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4)),
)
"""Of logistic regression inverse strengths of the squared penalty, of least squares its strengths."""
_SHARPNESS = 4.0  # from what least squares says of a class, -1 to 1, to a logit
FOREST_RECIPES = tuple({"min_samples_leaf": leaf, "max_features": share} for leaf in (1, 3) for share in ("sqrt", 0.3))


def linear(train: np.ndarray, labels: np.ndarray, test: np.ndarray, recipe: dict, seed: int) -> np.ndarray:
    """Probabilities [M, K] of the K classes in `labels`, ascending, for `test` [M, D]: multinomial logistic regression,
    or with `alpha` least squares, on `train` [N, D] with `labels` int64 [N]."""
    return probabilities(test, *linear_weights(train, labels, recipe))


def probabilities(values: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Of what `linear_weights` gives, for `values` [M, D]: float64 [M, K]."""
    return softmax(values.astype(np.float64) @ weight.T + bias, axis=1)


def linear_weights(train: np.ndarray, labels: np.ndarray, recipe: dict) -> tuple[np.ndarray, np.ndarray]:
    """Weights [K, D] and bias [K] of `linear`: values times weights are logits."""
    train, back = _spanned(train)
    if "alpha" in recipe:
        said = RidgeClassifier(**recipe).fit(train, labels)
        weight, bias = _SHARPNESS * said.coef_, _SHARPNESS * said.intercept_
        share = 1.0
    else:
        with warnings.catch_warnings():
            # where classes are separable it would go on for ever; the decisions have long settled by then
            warnings.simplefilter("ignore", ConvergenceWarning)
            said = LogisticRegression(max_iter=500, **recipe).fit(train, labels)
        weight, bias = said.coef_, said.intercept_
        share = 0.5
    if len(weight) == 1:  # of two classes that of the second
        weight, bias = share * np.concatenate([-weight, weight]), share * np.concatenate([-bias, bias])
    return (weight if back is None else weight @ back), bias


def _spanned(train: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """`train` [N, D] in coordinates [N, R] of the space that it spans, where N is less than D, and the way back [R, D]:
    what has a squared penalty learns the same there, and faster."""
    if len(train) >= train.shape[1]:
        return train, None
    wide = train.astype(np.float64)
    values, vectors = np.linalg.eigh(wide @ wide.T)
    kept = values > 1e-10 * values[-1]
    back = (vectors[:, kept] / np.sqrt(values[kept])).T @ wide
    return wide @ back.T, back


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
