# SPDX-License-Identifier: GPL-3.0-or-later
"""A task's figures and pictures on labelled windows: the same after training and in an evaluation.

Every figure that a table may show has its 95 % interval beside it, under the same name and `_interval`: [low, high],
over recordings where the windows say which they are of; it is left out where all are of one recording, and of charts.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from wfm_core.base.quantities import QUANTITIES
from wfm_core.evaluate.calibration import expected_calibration_error
from wfm_core.evaluate.charting import CHART, chart_figures
from wfm_core.evaluate.figures.canvas import save
from wfm_core.evaluate.figures.cdf import cdf_figure
from wfm_core.evaluate.figures.charts import chart_figure
from wfm_core.evaluate.figures.confusion import confusion_figure
from wfm_core.evaluate.figures.embeddings import embeddings_figure
from wfm_core.evaluate.figures.snr import snr_figure
from wfm_core.evaluate.intervals import bootstrap_interval
from wfm_core.evaluate.metrics import (
    accuracy_by,
    class_accuracies,
    confusion_matrix,
    error_figures,
    interference_accuracies,
    mean_class_accuracy,
    quantity_errors,
    rate_lost,
    top_accuracy,
)
from wfm_core.synth.scenes.interference import LABELS


def class_figures(
    probabilities: np.ndarray,
    label: np.ndarray,
    labels: Sequence[str],
    units: np.ndarray,
    gain_db: np.ndarray | None = None,
    snr_db: np.ndarray | None = None,
) -> dict:
    """Figures of probabilities float [N, K] against classes int64 [N] called `labels`, to be written as JSON.

    mean_class_accuracy and accuracy, per_class by name, ece; where the classes are those of interference, what
    `interference_accuracies` says too; with the gains of each class [N, K], which are beams then, top3_accuracy and
    `rate_lost`; with SNRs in dB, texts [N], accuracy_by_snr_db. `units` [N] says what the interval draws as one piece,
    see `bootstrap_interval`.
    """
    predicted = probabilities.argmax(1)
    classes = len(labels)

    def mean_accuracy(windows: np.ndarray) -> float:
        return mean_class_accuracy(confusion_matrix(predicted[windows], label[windows], classes))

    figures = with_interval("mean_class_accuracy", mean_accuracy, units)
    figures["accuracy"] = float((predicted == label).mean())
    shares = class_accuracies(confusion_matrix(predicted, label, classes))
    figures["per_class"] = {name: float(share) for name, share in zip(labels, shares, strict=True) if share == share}
    scores, truth = torch.from_numpy(probabilities).float(), torch.from_numpy(label)
    figures["ece"] = expected_calibration_error(scores, truth)
    if snr_db is not None:
        figures["accuracy_by_snr_db"] = accuracy_by(predicted == label, snr_db)
    if gain_db is not None:
        figures["top3_accuracy"] = top_accuracy(probabilities, label)
        figures |= with_interval("rate_lost", lambda rows: rate_lost(gain_db[rows], predicted[rows]), units)
    if tuple(labels) == LABELS:
        for name in ("intd", "intc", "detections", "false_alarms"):
            figures |= with_interval(
                name, lambda rows, name=name: interference_accuracies(scores[rows], truth[rows])[name], units
            )
    return figures


def quantity_figures(quantity: str, predicted: np.ndarray, truth: np.ndarray, units: np.ndarray) -> dict:
    """mean, median and p90 of the errors of what is measured [N, values], for JSON: mean_m of a position, mean_deg
    of an angle; `units` as in `class_figures`."""
    errors, unit = quantity_errors(predicted, truth), QUANTITIES[quantity].unit
    figures = with_interval(f"mean_{unit}", lambda windows: float(errors[windows].mean()), units)
    return figures | error_figures(errors, unit)


def chart_results(folder: Path | None, chart: np.ndarray, positions: np.ndarray, title: str) -> dict:
    """`chart_figures` of places on a chart [N, 2], for JSON, and chart.png in `folder`, beside the positions [N, 3];
    nothing where no positions [N, 0] are known. They have no intervals: a window that is drawn twice would be its own
    neighbour."""
    if not positions.shape[1]:
        return {}
    if folder is not None:
        save(folder / "chart.png", chart_figure(positions, {CHART: chart}, title))
    return chart_figures(chart, positions)


def draw_snr(folder: Path, figures: dict, title: str) -> None:
    """Write snr.png, accuracy over SNR, into `folder` where figures of `class_figures` have it."""
    if "accuracy_by_snr_db" in figures:
        save(folder / "snr.png", snr_figure({"accuracy": figures["accuracy_by_snr_db"]}, title))


def draw_classes(folder: Path, probabilities, label, labels: Sequence[str], embeddings, title: str) -> None:
    """Write confusion.png and embeddings.png (of embeddings [N, D]) into `folder`; arrays as in `class_figures`."""
    confusion = confusion_matrix(probabilities.argmax(1), label, len(labels))
    save(folder / "confusion.png", confusion_figure(confusion, labels, title))
    if len(label) > 2:
        save(folder / "embeddings.png", embeddings_figure(embeddings, label, labels, title))


def draw_errors(folder: Path, quantity: str, predicted: np.ndarray, truth: np.ndarray, name: str, title: str) -> None:
    """Write cdf.png of the errors of what is measured [N, values] into `folder`; `name` is the line's."""
    errors, unit = quantity_errors(predicted, truth), QUANTITIES[quantity].unit
    save(folder / "cdf.png", cdf_figure({name: errors}, title, unit))


def with_interval(name: str, figure: Callable[[np.ndarray], float], units: np.ndarray) -> dict:
    """The `figure` of all windows under its name, and the interval of it under its own; see `bootstrap_interval`."""
    value = figure(np.arange(len(units)))
    if len(np.unique(units)) < 2:
        return {name: value}
    return {name: value, f"{name}_interval": list(bootstrap_interval(figure, units, seed=0))}
