# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of tasks that answer for every pixel: NMSE of channel estimates, intersection over union of classes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wfm_core.evaluate.figures.canvas import save
from wfm_core.evaluate.figures.grids import grids_figure
from wfm_core.evaluate.labelled import with_interval

_STRIDE = 5
"""Calibration and its error look at every so manyth row and column: neighbours are alike."""


def relative_errors(estimates: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The power of each window's error over that of its channel, float64 [N], of grids [N, planes, H, W]."""
    axes = tuple(range(1, truth.ndim))
    wrong = np.square(estimates - truth, dtype=np.float64).sum(axes)
    return wrong / np.maximum(np.square(truth, dtype=np.float64).sum(axes), 1e-30)


def nmse_db(relative: np.ndarray) -> float:
    """The normalised mean squared error in dB: the mean of `relative_errors`."""
    return float(10 * np.log10(max(relative.mean(), 1e-30)))


def estimate_figures(relative: np.ndarray, units: np.ndarray) -> dict:
    """nmse_db of `relative_errors`, with its interval; for JSON. `units` as in `class_figures`."""
    return with_interval("nmse_db", lambda windows: nmse_db(relative[windows]), units)


def intersections(classes: np.ndarray, label: np.ndarray, count: int) -> np.ndarray:
    """Pixels of each window by their true class (row) and the one said (column), int64 [N, K, K], of int [N, H, W]."""
    pairs = label.astype(np.int64) * count + classes
    flat = pairs.reshape(len(pairs), -1) + np.arange(len(pairs))[:, None] * count**2
    return np.bincount(flat.ravel(), minlength=len(pairs) * count**2).reshape(-1, count, count)


def unions(pixels: np.ndarray) -> np.ndarray:
    """Intersection over union of each class, float64 [K], of pixels [K, K] (see `intersections`); NaN of a class that
    is nowhere and was never said."""
    both = np.diag(pixels)
    either = pixels.sum(0) + pixels.sum(1) - both
    return np.where(either > 0, both / np.maximum(either, 1), np.nan)


def mean_iou(pixels: np.ndarray) -> float:
    """The mean of `unions` over the classes that are there."""
    return float(np.nanmean(unions(pixels)))


def segmentation_figures(found: np.ndarray, labels: Sequence[str], units: np.ndarray) -> dict:
    """mean_iou with its interval, pixel_accuracy and per_class_iou by name, of `intersections` [N, K, K]; for JSON.

    Pixels of all windows count together. `units` as in `class_figures`.
    """
    figures = with_interval("mean_iou", lambda windows: mean_iou(found[windows].sum(0)), units)
    pixels = found.sum(0)
    figures["pixel_accuracy"] = float(np.diag(pixels).sum() / pixels.sum())
    shares = zip(labels, unions(pixels), strict=True)
    figures["per_class_iou"] = {name: float(share) for name, share in shares if share == share}
    return figures


def some_pixels(logits: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Logits [N, K, H, W] and classes [N, H, W] of some pixels, as [n, K] and int64 [n]."""
    rows, columns = (torch.arange(0, size, _STRIDE) for size in label.shape[1:])
    logits = logits[:, :, rows[:, None], columns].movedim(1, -1)
    return logits.reshape(-1, logits.size(-1)), label[:, rows[:, None], columns].reshape(-1).long()


def draw_grids(
    folder: Path, images: np.ndarray, answers: np.ndarray, truth: np.ndarray, labels: Sequence[str], title: str
) -> None:
    """Write examples.png of a few windows into `folder`; arrays as in `grids_figure`."""
    save(folder / "examples.png", grids_figure(images, answers, truth, labels, title))
