# SPDX-License-Identifier: GPL-3.0-or-later
"""The cumulative distribution of errors of what is measured, such as places, as a picture."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from wfm_core.evaluate.figures.canvas import new_figure, plain
from wfm_core.evaluate.metrics import error_cdf, error_figures


def cdf_figure(errors: Mapping[str, np.ndarray], title: str, unit: str = "m") -> Figure:
    """Errors in `unit` [N], one line for each name.

    A step at each error; the legend gives mean, median and 90th percentile, dotted lines mark those shares.
    """
    figure = new_figure(6.4, 4.2)
    axes = figure.add_subplot()
    for name, sizes in errors.items():
        x, share = error_cdf(sizes)
        mean, median, p90 = error_figures(sizes, unit).values()
        label = f"{plain(name)}: mean {mean:.2f} {unit}, median {median:.2f}, p90 {p90:.2f}"
        axes.step([0, *x], [0, *share], where="post", label=label)
    for share in (0.5, 0.9):
        axes.axhline(share, color="0.6", linestyle=":", linewidth=1)
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.01)
    axes.set_xlabel(f"error ({unit})")
    axes.set_ylabel("share of windows")
    axes.set_title(plain(title), fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    return figure
