# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a figure from so few windows can be trusted: 95 % intervals."""

from collections.abc import Callable

import numpy as np
from scipy.stats import binomtest


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of `right` in `count` independent windows (Wilson 1927); holds at 0 and 1 too."""
    return tuple(binomtest(right, count).proportion_ci(0.95, method="wilson"))


def bootstrap_interval(
    figure: Callable[[np.ndarray], float], units: np.ndarray, seed: int, draws: int = 1000
) -> tuple[float, float]:
    """The 95 % percentile interval of `figure(indices)` over resampled windows.

    `units` [N] says what is drawn as one piece: windows of one recording are alike, so that drawing them one by one
    would make the interval too narrow; give their `source`, or `np.arange(N)` where windows are independent. Draws
    in which the figure is NaN (a class that was not drawn) do not count.
    """
    _, of = np.unique(units, return_inverse=True)
    windows = [np.flatnonzero(of == unit) for unit in range(of.max() + 1)]
    generator = np.random.default_rng(seed)
    figures = []
    for _ in range(draws):
        drawn = generator.integers(len(windows), size=len(windows))
        figures.append(figure(np.concatenate([windows[unit] for unit in drawn])))
    low, high = np.nanpercentile(figures, [2.5, 97.5])
    return float(low), float(high)
