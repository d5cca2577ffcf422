# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether one class's windows lie in several places, and which window lies where.

Windows are split in two by k-means, and each part again, as long as the axis that joins the two middles shows a gap
(after Hamerly and Elkan 2003, "Learning the k in k-means", who project on that axis and test). Here the axis is found
on one half of the windows and looked at on the other, both ways: in a space of hundreds of dimensions every few windows
can be told apart on an axis that was made for them.
"""

import numpy as np

LEAST_OF_MODE = 6
"""Windows of a prototype, where a class has several."""

GAP = 0.15
"""Largest share of the variance along the axis that may be left when the other half's windows are split there at their
best: of a normal distribution 0.36 is left, of an even one 0.25; of two normal ones 4.8
standard deviations apart 0.15."""

_MOST_LOOKED_AT = 500  # windows of a class: more make the answer no surer
_ROUNDS = 30
_TINY = 1e-12


def split(windows: np.ndarray, most: int) -> np.ndarray:
    """Windows [n, D] of one class -> the number of its prototype for each [n], from 0; `most` prototypes at most."""
    parts = [np.arange(len(windows))]
    whole: list[np.ndarray] = []
    while parts and len(parts) + len(whole) < most:
        part = parts.pop(0)
        halves = _halved(windows[part].astype(np.float64))
        if halves is None:
            whole.append(part)
        else:
            parts += [part[~halves], part[halves]]
    labels = np.zeros(len(windows), int)
    for number, part in enumerate(sorted(whole + parts, key=lambda part: part[0])):
        labels[part] = number
    return labels


def _halved(windows: np.ndarray) -> np.ndarray | None:
    """Which of the windows [n, D] belong to the second of two modes; None where there is only one."""
    if len(windows) < 2 * LEAST_OF_MODE:
        return None
    order = np.random.default_rng(0).permutation(len(windows))[:_MOST_LOOKED_AT]  # windows that follow may take turns
    seen = windows[order]
    scaled = (seen - seen.mean(0)) / _scale(seen)
    first, second = scaled[::2], scaled[1::2]
    if _left(second @ _axis(first)) > GAP or _left(first @ _axis(second)) > GAP:
        return None
    along = ((windows - seen.mean(0)) / _scale(seen)) @ _axis(scaled)
    upper = along > _cut(along)
    return upper if LEAST_OF_MODE <= upper.sum() <= len(windows) - LEAST_OF_MODE else None


def _scale(windows: np.ndarray) -> np.ndarray:
    """The deviation of each entry [D] that is left when it is split in two at its best: the distance between two modes
    is not in it, as it would be in the deviation itself."""
    return np.sqrt(np.maximum(_within(windows).min(0), _TINY * np.square(windows).mean() + 1e-300))


def _within(values: np.ndarray) -> np.ndarray:
    """Values [n, D] -> the variance within both parts of each sorted column, for each place to split it [n - 1, D]."""
    values = np.sort(values - values.mean(0), axis=0)
    count = len(values)
    below = np.arange(1, count)[:, None]
    sums = values.cumsum(0)[:-1]
    between = np.square(sums) * (1 / below + 1 / (count - below))  # the values add up to 0
    return np.maximum(np.square(values).sum(0) - between, 0) / count


def _left(values: np.ndarray) -> float:
    """Share of the variance of values [n] that is left when they are split at their best, 2 on each side at least."""
    total = values.var()
    return float(_within(values[:, None])[1:-1].min() / total) if total > 0 else 1.0


def _cut(values: np.ndarray) -> float:
    """Where values [n] are split at their best."""
    place = int(_within(values[:, None])[:, 0].argmin())
    return float(np.sort(values)[place : place + 2].mean())


def _axis(windows: np.ndarray) -> np.ndarray:
    """From the one middle of two to the other [D], by k-means from the two ends of the widest direction."""
    _, _, axes = np.linalg.svd(windows - windows.mean(0), full_matrices=False)
    upper = (along := windows @ axes[0]) > _cut(along)
    for _ in range(_ROUNDS):
        if upper.all() or not upper.any():
            return axes[0]
        middles = windows[~upper].mean(0), windows[upper].mean(0)
        away = [np.square(windows - middle).sum(1) for middle in middles]
        moved = away[1] < away[0]
        if (moved == upper).all():
            break
        upper = moved
    return middles[1] - middles[0]
