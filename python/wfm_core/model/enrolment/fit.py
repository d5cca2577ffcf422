# SPDX-License-Identifier: GPL-3.0-or-later
"""From the windows of classes to prototypes, a distance and a threshold for each class.

The covariance is that around the prototypes, pooled over all of them, its correlations shrunk towards none, as a few
windows cannot tell them (oracle approximating shrinkage; Chen, Wiesel, Eldar and Hero 2010, "Shrinkage algorithms for
MMSE covariance estimation"). A class reaches as far as its own windows do, each measured with itself left out. How much
their distances differ is estimated class by class, drawn towards what is pooled over all, as if that had been seen on
`PRIOR` more windows (after Smyth 2004, "Linear models and empirical Bayes methods for assessing differential expression
in microarray experiments"): a class of three windows says little of its own.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from wfm_core.model.enrolment import cohort as cohorts
from wfm_core.model.enrolment.cohort import Cohort
from wfm_core.model.enrolment.modes import split

PRIOR = 10.0
"""Windows that the pooled spread counts for."""
_LEAST_VARIANCE = 1e-6  # of the mean over the embedding's entries
_LEAST_SQUARED = 1e-6  # of the mean over the windows: one may lie exactly in the middle of the others
_MOST_FITS = 200  # with more windows than that, several are left out at once
_TEMPERATURES = np.logspace(-1, 4, 51)


@dataclass(frozen=True)
class Metric:
    """A distance: that of embeddings [.., D] times `whitening` [D, D]; `radius`: how far a class's windows are from its
    middle."""

    whitening: np.ndarray
    radius: float

    def squared(self, embeddings: np.ndarray, middles: np.ndarray) -> np.ndarray:
        """Embeddings [B, D] and middles [M, D] -> squared distances [B, M]."""
        if not len(middles):
            return np.empty((len(embeddings), 0))
        return np.stack([np.square((embeddings - middle) @ self.whitening).sum(1) for middle in middles], 1)


@dataclass(frozen=True)
class Fit:
    """Of K classes with M prototypes: `means` [M, D], the class of each `owner` [M], `thresholds` [K] of the distance,
    softmax `temperature`, `accuracy` of windows left out, and the share `accepted` of the cohort (NaN without)."""

    metric: Metric
    means: np.ndarray
    owner: np.ndarray
    thresholds: np.ndarray
    temperature: float
    accuracy: float
    accepted: float

    def squared_distances(self, embeddings: np.ndarray) -> np.ndarray:
        """Embeddings [B, D] -> squared distances to the nearest prototype of each class [B, K]."""
        return _nearest(self.metric.squared(embeddings, self.means), self.owner)


def fit(
    classes: list[np.ndarray], margin: float, modes: int = 1, cohort: Cohort | None = None, rate: float = 0.0
) -> Fit:
    """Fit classes, windows [n, D] each.

    `margin`: standard deviations of the log distance from a class's own windows to the threshold. `modes`: prototypes
    of a class at most. With a cohort the thresholds accept at most the share `rate` of it.
    """
    drift = np.zeros(classes[0].shape[1]) if cohort is None or cohort.drift is None else cohort.drift.astype(np.float64)
    # BLAS threads spin while they wait for each other: beside a flowgraph two took 2.5 s for what one does in 0.2 s
    with threadpool_limits(1, user_api="blas"):
        windows, label, owner = _grouped(classes, modes)
        own_class = owner[label]
        means, covariance = _model(windows, label, drift)
        squared = _nearest(_left_out(windows, label, drift), owner)
        whitening = _root_of_inverse(covariance)
    # the enrolled windows are of one day: on another one a device is further from where it was by so much
    own = squared[np.arange(len(label)), own_class] + np.square(np.sqrt(drift)[:, None] * whitening).sum()
    own = 0.5 * np.log(np.maximum(own, _LEAST_SQUARED * own.mean()))
    counts = np.bincount(own_class)
    middle = np.bincount(own_class, own) / counts
    thresholds = np.exp(middle + margin * _spreads(own - middle[own_class], own_class))
    metric = Metric(whitening, float(np.median(thresholds / np.sqrt(1 + 1 / (counts - 1)))))
    accepted = float("nan")
    if cohort is not None:
        with threadpool_limits(1, user_api="blas"):
            strangers = cohort.nearest(windows.mean(0), whitening)
            away = _nearest(metric.squared(strangers, means), owner)
        thresholds = np.minimum(thresholds, cohorts.thresholds(away, rate))
        accepted = cohorts.accepted(away, thresholds)
    right = (squared.argmin(1) == own_class) & (own <= np.log(thresholds)[own_class])
    temperature = _temperature(squared, own_class)
    return Fit(metric, means, owner, thresholds, temperature, float(right.mean()), accepted)


def cohort_metric(cohort: Cohort, rate: float) -> Metric:
    """A distance where no class is known yet: by the cohort's own covariance, in which at most the share `rate` of
    pairs of its windows is within the radius of a class."""
    windows = cohort.embeddings.astype(np.float64)
    with threadpool_limits(1, user_api="blas"):
        _, covariance = _model(windows, cohort.labels)
        whitening = _root_of_inverse(covariance)
        order = np.random.default_rng(0).permutation(len(windows))
        alike = cohort.labels[order] == cohort.labels[np.roll(order, 1)]
        pairs = np.linalg.norm((windows[order] - windows[np.roll(order, 1)])[alike] @ whitening, axis=1)
    return Metric(
        whitening, float(np.quantile(pairs, rate) / np.sqrt(2))
    )  # of a single window's middle, see `Clusters`


def _grouped(classes: list[np.ndarray], most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All windows [N, D], those of one prototype one after another; the prototype of each [N]; each one's class [M]."""
    groups, owner = [], []
    for number, rows in enumerate(classes):
        labels = split(rows, most) if most > 1 else np.zeros(len(rows), int)
        parts = [rows[labels == k] for k in range(labels.max() + 1)]
        groups += parts
        owner += [number] * len(parts)
    label = np.repeat(np.arange(len(groups)), [len(rows) for rows in groups])
    return np.concatenate(groups).astype(np.float64), label, np.array(owner)


def _nearest(squared: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Squared distances to prototypes [N, M] -> to the nearest one of each class [N, K]."""
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    return np.minimum.reduceat(squared, first, axis=1) if len(squared) else np.empty((0, len(first)))


def _spreads(away: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The spread of each class [K], of what windows [N] of the classes `label` [N] are away from their middle."""
    freedom = np.bincount(label) - 1
    sums = np.bincount(label, np.square(away))
    pooled = sums.sum() / freedom.sum()
    return np.sqrt((PRIOR * pooled + sums) / (PRIOR + freedom))


def _root_of_inverse(covariance: np.ndarray) -> np.ndarray:
    """W [D, D] with W W^T the inverse of the covariance."""
    return np.linalg.inv(np.linalg.cholesky(covariance)).T


def _model(windows: np.ndarray, label: np.ndarray, drift: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Windows [N, D] and their prototypes [N] -> means [M, D], shrunk covariance around them [D, D] with the drift
    [D]."""
    means = np.stack([windows[label == k].mean(0) for k in range(label.max() + 1)])
    away = windows - means[label]
    freedom = len(windows) - len(means)
    variance = np.square(away).sum(0) / freedom
    deviation = np.sqrt(np.maximum(variance, _LEAST_VARIANCE * variance.mean() + 1e-30))
    scaled = away / deviation
    sample = scaled.T @ scaled / freedom
    width = len(sample)
    trace, square = np.trace(sample), np.square(sample).sum()
    above = (1 - 2 / width) * square + trace**2
    below = (freedom + 1 - 2 / width) * (square - trace**2 / width)
    shrinkage = min(1.0, above / below) if below > 0 else 1.0
    even = trace / width if trace > 0 else 1.0  # without the one window that differs all may be alike
    shrunk = (1 - shrinkage) * sample + shrinkage * even * np.eye(width)
    return means, shrunk * np.outer(deviation, deviation) + np.diag(np.broadcast_to(drift, width))


def _left_out(windows: np.ndarray, label: np.ndarray, drift: np.ndarray) -> np.ndarray:
    """Squared distances [N, M] of each window when neither its prototype's mean nor the covariance has seen it."""
    number = np.arange(len(label))
    folds = min(len(label), _MOST_FITS)
    squared = np.empty((len(label), label.max() + 1))
    for fold in range(folds):
        out = number % folds == fold
        means, covariance = _model(windows[~out], label[~out], drift)
        away = windows[out][:, None] - means
        solved = np.linalg.solve(covariance, away.reshape(-1, windows.shape[1]).T).T.reshape(away.shape)
        squared[out] = (solved * away).sum(2)
    return squared


def _temperature(squared: np.ndarray, label: np.ndarray) -> float:
    """The divisor of squared distances under which the left-out windows' own classes are likeliest."""
    rows = np.arange(len(label))
    losses = [-np.log(softmax(-squared / t, axis=1)[rows, label] + 1e-30).mean() for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])
