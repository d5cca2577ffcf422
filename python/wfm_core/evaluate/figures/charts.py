# SPDX-License-Identifier: GPL-3.0-or-later
"""Places in space beside the same places on charts."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from scipy.linalg import orthogonal_procrustes

from wfm_core.evaluate.figures.canvas import new_figure


def chart_figure(positions: np.ndarray, charts: Mapping[str, np.ndarray], title: str = "") -> Figure:
    """`positions` [N, 2 or more] in metres, and beside them each of the `charts` [N, 2] under its name; a window has
    the same colour everywhere: red goes with x, blue with y. Charts are turned and mirrored as suits the places best.
    """
    low, high = positions[:, :2].min(0), positions[:, :2].max(0)
    shade = (positions[:, :2] - low) / np.maximum(high - low, 1e-9)
    colours = np.stack([shade[:, 0], np.full(len(shade), 0.35), shade[:, 1]], 1)
    turned = {name: _turned(chart, positions[:, :2]) for name, chart in charts.items()}
    figure = new_figure(2.6 * (1 + len(charts)), 2.8)
    for number, (name, places) in enumerate({"places": positions, **turned}.items()):
        axes = figure.add_subplot(1, 1 + len(charts), number + 1)
        axes.scatter(places[:, 0], places[:, 1], s=4, c=colours)
        axes.set_title(name, fontsize=9)
        axes.set_aspect("equal", adjustable="datalim")
        axes.tick_params(labelsize=7)
        axes.set(**({"xlabel": "x, m", "ylabel": "y, m"} if number == 0 else {}))
    figure.suptitle(title, fontsize=9)
    return figure


def _turned(chart: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The chart by the rotation or reflection that brings it nearest to the positions (orthogonal Procrustes)."""
    centred = chart - chart.mean(0)
    return centred @ orthogonal_procrustes(centred, positions - positions.mean(0))[0]
