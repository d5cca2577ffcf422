# SPDX-License-Identifier: GPL-3.0-or-later
"""From embeddings at surveyed points to positions between them: Gaussian process regression, in closed form.

The process has a squared exponential kernel of the distance between embeddings and noise (Rasmussen and Williams 2006,
"Gaussian Processes for Machine Learning", chapter 2), and each window of a point is an observation of its own: a point
may look otherwise with another device or on another day, and has no one middle then. Length and noise are those with
the least sum of two mean square errors (5.4.2): of the windows of a point that is left out with all of them, and of
single windows that are left out. The first is what counts between points. The second keeps the points themselves known
where nothing can be told between them, as embeddings change within less than their spacing: the first alone would
choose the middle of all points there. The variance is scaled to the errors at points left out.
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

LENGTHS = (0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)
"""Lengths of the kernel that are tried, in median distances between points."""
NOISES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
"""Variances of the noise that are tried, of the kernel's."""
_MOST_ROWS = 512  # with more windows than that, some of a point in a row become their mean


@dataclass(frozen=True)
class Regression:
    """Of N windows, or means of some: `rows` [N, D], their embeddings; `length` of the kernel; `weights` [N, 3], and
    `inverse` [N, N] of kernel and noise; `middle` [3] and `scale` of the points, m; `spread`: how much larger errors of
    points left out are than the standard deviations; `error`: root of their mean square, m; `threshold` of the distance
    to the nearest row."""

    rows: np.ndarray
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
        distance to the nearest window over the threshold [B]."""
        with threadpool_limits(1, user_api="blas"):
            squared = _squared_distances(embeddings, self.rows)
            near = _kernel(squared, self.length)
            positions = self.middle + self.scale * (near @ self.weights)
            left = np.maximum(1 - ((near @ self.inverse) * near).sum(1), 0.0)
        return positions, self.scale * self.spread * np.sqrt(left), np.sqrt(squared.min(1)) / self.threshold


def regression(points: np.ndarray, windows: list[np.ndarray], margin: float) -> Regression:
    """Fit points [n, 3] in m, n >= 3, from the embeddings [w, D] of each.

    `margin`: standard deviations of the log distance to the nearest window, from what windows of a point that is left
    out have to the others, to the threshold.
    """
    with threadpool_limits(1, user_api="blas"):  # as in `fit`
        return _regression(points.astype(np.float64), windows, margin)


def _regression(points: np.ndarray, windows: list[np.ndarray], margin: float) -> Regression:
    rows, owner = _grouped(windows)
    middle = points.mean(0)
    scale = max(float(np.sqrt(np.square(points - middle).sum(1).mean())), 1e-6)
    targets = ((points - middle) / scale)[owner]
    squared = _squared_distances(rows, rows)
    other = owner[:, None] != owner
    apart = max(float(np.sqrt(np.median(squared[other]))), 1e-12)
    best, least = None, np.inf
    for length in LENGTHS:
        kernel = _kernel(squared, length * apart)
        for noise in NOISES:
            inverse = np.linalg.inv(kernel + noise * np.eye(len(rows)))
            wrong, left = _points_left_out(inverse, kernel, owner, targets)
            alone = np.square((inverse @ targets) / np.diag(inverse)[:, None]).sum(1)
            if wrong.mean() + alone.mean() < least:
                least = wrong.mean() + alone.mean()
                best = wrong, left, length * apart, inverse
    wrong, left, length, inverse = best
    nearest = np.where(other, squared, np.inf).min(1)
    nearest = 0.5 * np.log(np.maximum(nearest, 1e-12 * apart**2))
    return Regression(
        rows,
        length,
        inverse @ targets,
        inverse,
        middle,
        scale,
        float(np.sqrt((wrong / left).mean())),
        scale * float(np.sqrt(wrong.mean())),
        float(np.exp(nearest.mean() + margin * nearest.std())),
    )


def _grouped(windows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Rows [N, D], which are windows or means of some in a row, and the point [N] of each."""
    most = max(_MOST_ROWS // len(windows), 1)
    parts = [np.array_split(own.astype(np.float64), min(len(own), most)) for own in windows]
    rows = [part.mean(0) for own in parts for part in own]
    return np.stack(rows), np.repeat(np.arange(len(windows)), [len(own) for own in parts])


def _points_left_out(
    inverse: np.ndarray, kernel: np.ndarray, owner: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Squared errors and variances [N] of all rows, each located without those of its own point, `owner` [N]: the
    inverse without some rows and columns is that with them, less a product."""
    wrong, left = np.empty(len(owner)), np.empty(len(owner))
    weights = inverse @ targets
    for point in range(owner[-1] + 1):
        own = np.flatnonzero(owner == point)
        without = np.linalg.inv(inverse[np.ix_(own, own)])
        near = kernel[own].copy()
        near[:, own] = 0.0
        along = near @ inverse[:, own]
        located = near @ weights - along @ (without @ weights[own])
        wrong[own] = np.square(located - targets[own]).sum(1)
        left[own] = 1 - ((near @ inverse) * near).sum(1) + ((along @ without) * along).sum(1)
    return wrong, np.maximum(left, 1e-9)


def _kernel(squared: np.ndarray, length: float) -> np.ndarray:
    return np.exp(-squared / (2 * length**2))


def _squared_distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """[B, D], [N, D] -> [B, N]."""
    middle = other.mean(0)
    one, other = one.astype(np.float64) - middle, other - middle
    squared = np.square(one).sum(1)[:, None] + np.square(other).sum(1) - 2 * one @ other.T
    return np.maximum(squared, 0.0)
