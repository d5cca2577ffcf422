# SPDX-License-Identifier: GPL-3.0-or-later
"""What the encoder makes of the windows: the first two principal components of their embeddings, by class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.figures.canvas import new_figure, plain

_MARKERS = "os^vDPX*"
_COLOURS = 10


def principal_components(embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings [N, D] -> their first two principal components float64 [N, 2], and the share of variance of each.

    A component's sign is free; here its largest weight is positive, so that a picture can be drawn again. Raises
    `WfmError` for fewer than three windows, and for NaN or Inf.
    """
    values = np.asarray(embeddings, np.float64)
    if len(values) < 3:
        raise WfmError(f"embeddings of {len(values)} windows; three or more are expected: use more windows")
    if not np.isfinite(values).all():
        first = int(np.flatnonzero(~np.isfinite(values).all(1))[0])
        raise WfmError(f"the embedding of window {first} has NaN or Inf; numbers are expected: fix it or the model")
    centred = values - values.mean(0)
    _, scale, axes = np.linalg.svd(centred, full_matrices=False)
    largest = axes[np.arange(2), np.abs(axes[:2]).argmax(1)]
    points = centred @ (axes[:2] * np.sign(largest)[:, None]).T
    return points, scale[:2] ** 2 / max((scale**2).sum(), np.finfo(float).tiny)


def embeddings_figure(embeddings: np.ndarray, label: np.ndarray, labels: Sequence[str], title: str) -> Figure:
    """Embeddings [N, D] whose classes are `label` int [N], called `labels`.

    A point per window; colour and marker together tell up to 80 classes apart.
    """
    points, shares = principal_components(embeddings)
    label = np.asarray(label)
    columns = 1 + len(labels) // 25
    figure = new_figure(6.4 + 1.6 * columns, 5.2)
    axes = figure.add_subplot()
    for k, name in enumerate(labels):
        own = points[label == k]
        if len(own):
            style = {"color": f"C{k % _COLOURS}", "marker": _MARKERS[k // _COLOURS % len(_MARKERS)]}
            axes.scatter(
                own[:, 0], own[:, 1], s=14, alpha=0.7, linewidths=0, label=f"{plain(name)} ({len(own)})", **style
            )
    axes.set_xlabel(f"first principal component ({shares[0]:.0%} of the variance)")
    axes.set_ylabel(f"second principal component ({shares[1]:.0%})")
    axes.set_title(plain(title), fontsize=10)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=7, ncols=columns)
    return figure
