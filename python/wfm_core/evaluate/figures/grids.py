# SPDX-License-Identifier: GPL-3.0-or-later
"""Examples of dense answers: what went in, the truth, what the model said."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from wfm_core.evaluate.figures.canvas import new_figure, plain

_MOST = 4
_COLOURS = ("#30336b", "#f6b93b", "#e55039", "#78e08f", "#60a3bc", "#f8c291", "#b71540", "#079992")


def grids_figure(
    images: np.ndarray, answers: np.ndarray, truth: np.ndarray, labels: Sequence[str], title: str
) -> Figure:
    """Rows of up to four windows: the first plane of `images` [N, C, h, w], cut to the grid; `truth` and `answers`,
    classes int [N, H, W] called `labels`, or estimates float [N, planes, H, W], of which magnitudes are drawn."""
    count = min(_MOST, len(images), len(truth))
    height, width = truth.shape[-2:]
    figure = new_figure(9.0, 1.0 + 2.1 * count)
    figure.suptitle(title, fontsize=9)
    axes = figure.subplots(count, 3, squeeze=False)
    colours = ListedColormap([_COLOURS[number % len(_COLOURS)] for number in range(len(labels))]) if labels else None
    for row, (image, true, said) in enumerate(zip(images, truth[:count], answers, strict=False)):
        image = image[:, :height, :width]
        if labels:
            scale = {"cmap": colours, "vmin": -0.5, "vmax": len(labels) - 0.5, "interpolation": "nearest"}
            drawn = [(image[0], {}), (true, scale), (said, scale)]
        else:
            true, said, image = map(_magnitude, (true, said, image))
            drawn = [(values, {"vmin": 0, "vmax": true.max()}) for values in (image, true, said)]
        for axis, (values, how), name in zip(axes[row], drawn, ("what it sees", "truth", "answer"), strict=True):
            axis.imshow(values, aspect="auto", **how)
            axis.set_xticks([])
            axis.set_yticks([])
            if row == 0:
                axis.set_title(name, fontsize=9)
    if labels:
        patches = [Patch(color=colours(number), label=plain(name)) for number, name in enumerate(labels)]
        axes[0][1].legend(handles=patches, loc="upper right", fontsize=7)
    return figure


def _magnitude(planes: np.ndarray) -> np.ndarray:
    """Of the first antenna, [H, W]: real parts of all come before the imaginary ones."""
    return np.hypot(planes[0], planes[len(planes) // 2])
