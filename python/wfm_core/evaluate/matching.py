# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of answers that are several things of one kind, such as the bearings of sources."""

import numpy as np
from scipy.optimize import linear_sum_assignment

NEAR_DEG = 10.0
"""A source is found where an answer is nearer than so many degrees."""


def matched_figures(told: np.ndarray, truth: np.ndarray, near: float = NEAR_DEG) -> dict[str, float]:
    """Figures of answers [N, V] against what is true [N, W], both in degrees and NaN where there is nothing.

    In each window answers and sources go together one to one with the least error in all, and pairs that are `near` or
    farther apart do not count. `mean_deg`: of the pairs that are left; `found`: the share of sources that are in one;
    `false`: the share of answers that are in none; `count_right`: the share of windows with as many answers as sources.
    NaN of nothing.
    """
    errors, sources, answers, right = [], 0, 0, 0
    for own, true in zip(told, truth, strict=True):
        own, true = own[~np.isnan(own)], true[~np.isnan(true)]
        away = abs(own[:, None] - true)
        pairs = away[linear_sum_assignment(away)]
        errors.append(pairs[pairs < near])
        sources, answers, right = sources + len(true), answers + len(own), right + (len(own) == len(true))
    all_errors = np.concatenate([*errors, np.zeros(0)])
    return {
        "mean_deg": _share(all_errors.sum(), len(all_errors)),
        "found": _share(len(all_errors), sources),
        "false": 1 - _share(len(all_errors), answers),
        "count_right": _share(right, len(told)),
    }


def _share(part: float, whole: int) -> float:
    return float(part / whole) if whole else float("nan")
