# SPDX-License-Identifier: GPL-3.0-or-later
"""From embeddings at surveyed points to positions between them: Gaussian process regression, in closed form.

The process has a squared exponential kernel of the distance between embeddings and noise at the points (Rasmussen and
Williams 2006, "Gaussian Processes for Machine Learning", chapter 2). Its length and noise are those with the least
error at points that are left out one by one (5.4.2), where each of a point's own windows is located by all other
points: so the noise is that of single windows, which are what is located later, and not of the points' means. The
variance is scaled to what those errors were.
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

LENGTHS = (0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)
"""Lengths of the kernel that are tried, in median distances between points."""
NOISES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
"""Variances of the noise that are tried, of the kernel's."""
_MOST_TRIED = 512  # windows that lengths and noises are chosen by


@dataclass(frozen=True)
class Regression:
    """Of n points: `means` [n, D] of their embeddings; `length` of the kernel; `weights` [n, 3], and `inverse` [n, n]
    of kernel and noise; `middle` [3] and `scale` of the points, m; `spread`: how much larger errors of points left out
    are than the standard deviations; `error`: root of their mean square, m; `threshold` of the distance to the nearest
    point."""

    means: np.ndarray
    length: float
    weights: np.ndarray
    inverse: np.ndarray
    middle: np.ndarray
    scale: float
    spread: float
    error: float
    threshold: float

    def locate(self, embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Embeddings [B, D] -> positions [B, 3] in m, the root of their expected mean square error [B] in m, and the
        distance to the nearest point over the threshold [B]."""
        with threadpool_limits(1, user_api="blas"):
            squared = _squared_distances(embeddings, self.means)
            near = _kernel(squared, self.length)
            positions = self.middle + self.scale * (near @ self.weights)
            left = np.maximum(1 - ((near @ self.inverse) * near).sum(1), 0.0)
        return positions, self.scale * self.spread * np.sqrt(left), np.sqrt(squared.min(1)) / self.threshold


def regression(points: np.ndarray, windows: list[np.ndarray], margin: float) -> Regression:
    """Fit points [n, 3] in m, n >= 3, from the embeddings [w, D] of each.

    `margin`: standard deviations of the log distance to the nearest point, from what windows of a point that is left
    out have to the others, to the threshold.
    """
    with threadpool_limits(1, user_api="blas"):  # as in `fit`
        return _regression(points.astype(np.float64), windows, margin)


def _regression(points: np.ndarray, windows: list[np.ndarray], margin: float) -> Regression:
    means = np.stack([rows.mean(0, dtype=np.float64) for rows in windows])
    middle = points.mean(0)
    scale = max(float(np.sqrt(np.square(points - middle).sum(1).mean())), 1e-6)
    targets = (points - middle) / scale
    between = _squared_distances(means, means)
    apart = float(np.sqrt(np.median(between[np.triu_indices(len(means), 1)])))
    tried = max(_MOST_TRIED // len(means), 1)
    rows = np.concatenate([own[:tried] for own in windows]).astype(np.float64)
    owner = np.repeat(np.arange(len(means)), [min(len(own), tried) for own in windows])
    away = _squared_distances(rows, means)
    best = None
    for length in LENGTHS:
        kernel, near = _kernel(between, length * apart), _kernel(away, length * apart)
        values, vectors = np.linalg.eigh(kernel)
        values = np.maximum(values, 0.0)
        for noise in NOISES:
            inverse = (vectors / (values + noise)) @ vectors.T
            wrong, left = _left_out(inverse, near, owner, targets)
            if best is None or wrong.mean() < best[0].mean():
                best = wrong, left, length * apart, inverse
    wrong, left, length, inverse = best
    # beside the nearest other point, whose distance to a window is the least
    away[np.arange(len(rows)), owner] = np.inf
    nearest = 0.5 * np.log(np.maximum(away.min(1), 1e-12 * apart**2 + 1e-300))
    return Regression(
        means,
        length,
        inverse @ targets,
        inverse,
        middle,
        scale,
        float(np.sqrt((wrong / np.maximum(left, 1e-9)).mean())),
        scale * float(np.sqrt(wrong.mean())),
        float(np.exp(nearest.mean() + margin * nearest.std())),
    )


def _left_out(
    inverse: np.ndarray, near: np.ndarray, owner: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Squared errors and variances [N] of windows with kernels `near` [N, n] to all points, each located without the
    point `owner` [N] that it is of: the inverse without a row and column is that with them, less a product."""
    number = np.arange(len(owner))
    near = near.copy()
    near[number, owner] = 0.0
    column, pivot = inverse[:, owner].T, np.diag(inverse)[owner, None]
    weights = inverse @ targets
    along = (near * column).sum(1, keepdims=True)
    located = near @ weights - along * weights[owner] / pivot
    solved = ((near @ inverse) * near).sum(1) - np.square(along[:, 0]) / pivot[:, 0]
    return np.square(located - targets[owner]).sum(1), np.maximum(1 - solved, 1e-9)


def _kernel(squared: np.ndarray, length: float) -> np.ndarray:
    return np.exp(-squared / (2 * length**2))


def _squared_distances(rows: np.ndarray, means: np.ndarray) -> np.ndarray:
    """[B, D], [n, D] -> [B, n]."""
    rows = rows.astype(np.float64)
    middle = means.mean(0)
    rows, means = rows - middle, means - middle
    squared = np.square(rows).sum(1)[:, None] + np.square(means).sum(1) - 2 * rows @ means.T
    return np.maximum(squared, 0.0)
