# SPDX-License-Identifier: GPL-3.0-or-later
"""The confusion matrix as a picture: counts, and the share of each true class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from wfm_core.evaluate.figures.canvas import new_figure, plain
from wfm_core.evaluate.metrics import mean_class_accuracy

_FEW = 12  # classes; more of them get smaller cells
_CELL, _POINTS = (0.7, 0.5), (8, 6)  # inches a side and size of the text, for few and for many: two lines fit
_LONGEST = 24  # characters of a label


def confusion_figure(confusion: np.ndarray, labels: Sequence[str], title: str) -> Figure:
    """Counts [K, K] (row = true class, column = predicted) of the classes `labels`.

    Cells are coloured by the share of their row; each says its count and under it the share in percent. Empty cells
    stay empty, so that the mistakes stand out; the row of a class without windows is blank.
    """
    confusion = np.asarray(confusion)
    classes, windows = len(labels), confusion.sum(1)
    share = confusion / np.maximum(windows, 1)[:, None]
    many = classes > _FEW
    side = max(_CELL[many] * classes, 2)
    figure = new_figure(side + 2.8, side + 2.2)
    axes = figure.add_subplot()
    image = axes.imshow(share, vmin=0, vmax=1, cmap="Blues")
    for row, column in np.argwhere(confusion):
        axes.text(
            column,
            row,
            f"{confusion[row, column]}\n{100 * share[row, column]:.0f}%",
            ha="center",
            va="center",
            fontsize=_POINTS[many],
            color="white" if share[row, column] > 0.55 else "black",
        )
    short = [plain(label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…") for label in labels]
    axes.set_xticks(range(classes), short, rotation=90, fontsize=8)
    axes.set_yticks(range(classes), [f"{name} ({n})" for name, n in zip(short, windows, strict=True)], fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true (windows)")
    axes.set_title(f"{plain(title)}\nmean per-class accuracy {mean_class_accuracy(confusion):.1%}", fontsize=10)
    figure.colorbar(image, ax=axes, shrink=min(1, 4 / side), label="share of the true class")
    return figure
