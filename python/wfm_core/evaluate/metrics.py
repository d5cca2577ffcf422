# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks' figures: classes, interference (INTD is none against any, INTC which modulation), beams, positions."""

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.stats import mannwhitneyu

BEST_SNR_DB = 10.0
"""Of the best beam, where rates are compared."""


def interference_accuracies(probabilities: torch.Tensor, label: torch.Tensor) -> dict[str, float]:
    """Mean per-class accuracies of probabilities [N, 3] (none, dsss-bpsk, dsss-qpsk) against labels [N].

    intd: detected or not, by the best class; intc: which modulation, over the windows with interference, whatever
    `none` scored; false_alarms and detections are the two halves of intd. NaN where a class is absent.
    """
    found, present = probabilities.argmax(1) != 0, label != 0
    which = probabilities[:, 1:].argmax(1) + 1
    detections = found[present].float().mean().item()
    false_alarms = found[~present].float().mean().item()
    per_class = [(which[label == index] == index).float().mean() for index in (1, 2)]
    return {
        "intd": (detections + 1 - false_alarms) / 2,
        "intc": torch.stack(per_class).mean().item(),
        "detections": detections,
        "false_alarms": false_alarms,
    }


def confusion_matrix(predicted: ArrayLike, label: ArrayLike, classes: int) -> np.ndarray:
    """Counts int64 [K, K]: row = true class, column = the class predicted, of `predicted` and `label` int [N].

    Raises `ValueError` for a class outside 0..K-1; the answer `unknown` (-1) is not a class.
    """
    predicted, label = np.asarray(predicted), np.asarray(label)
    for values in (predicted, label):
        if len(values) and not 0 <= values.min() <= values.max() < classes:
            raise ValueError(f"classes {values.min()} to {values.max()}, expected 0 to {classes - 1}")
    return np.bincount(label * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def class_accuracies(confusion: np.ndarray) -> np.ndarray:
    """The share of each class that was predicted right, float64 [K], of a confusion matrix; NaN for absent classes."""
    windows = confusion.sum(1)
    return np.where(windows > 0, np.diag(confusion) / np.maximum(windows, 1), np.nan)


def mean_class_accuracy(confusion: np.ndarray) -> float:
    """The mean of `class_accuracies` over the classes that are present; NaN where there are none."""
    present = class_accuracies(confusion)[confusion.sum(1) > 0]
    return float(present.mean()) if len(present) else float("nan")


def accuracy_by(right: np.ndarray, group: np.ndarray) -> dict[str, float]:
    """The share of `right`, bool [N], by texts [N] that are numbers, such as SNRs, in ascending order."""
    return {text: float(right[group == text].mean()) for text in sorted(set(group.tolist()), key=float)}


def top_accuracy(probabilities: np.ndarray, label: np.ndarray, count: int = 3) -> float:
    """The share of windows whose class, of `label` int64 [N], is among the `count` likeliest of [N, K]."""
    likeliest = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return float((likeliest == np.asarray(label)[:, None]).any(1).mean())


def rate_lost(gain_db: np.ndarray, chosen: np.ndarray) -> float:
    """The share of the rate that the beams `chosen` int64 [N] lose against the best ones, by the gains of all beams
    [N, K] in dB.

    Rates are log2(1 + SNR), where the best beam of each window has an SNR of BEST_SNR_DB.
    """
    below = gain_db[np.arange(len(chosen)), chosen] - gain_db.max(1)
    rates = np.log2(1 + 10 ** ((BEST_SNR_DB + below) / 10))
    return float(1 - rates.mean() / np.log2(1 + 10 ** (BEST_SNR_DB / 10)))


def quantity_errors(predicted: ArrayLike, truth: ArrayLike) -> np.ndarray:
    """Distances, float64 [N], between what is measured [N, values], such as positions in metres [N, 3], in its unit."""
    return np.linalg.norm(np.asarray(predicted, np.float64) - np.asarray(truth, np.float64), axis=1)


def error_figures(errors: np.ndarray, unit: str) -> dict[str, float]:
    """Mean, median and 90th percentile (between neighbours: linear) of errors [N]: mean_m and so on with unit "m"."""
    median, p90 = np.percentile(errors, [50, 90])
    return {f"mean_{unit}": float(np.mean(errors)), f"median_{unit}": float(median), f"p90_{unit}": float(p90)}


def error_cdf(errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Errors in ascending order, and the share of windows whose error is at most that: both float64 [N]."""
    ordered = np.sort(np.asarray(errors, np.float64))
    return ordered, np.searchsorted(ordered, ordered, side="right") / len(ordered)


def auc(score: ArrayLike, positive: ArrayLike) -> float:
    """The chance that a window that is `positive`, bool [N], has a higher `score` [N] than one that is not: the area
    under the ROC curve."""
    score, positive = np.asarray(score), np.asarray(positive, bool)
    higher = mannwhitneyu(score[positive], score[~positive], method="asymptotic").statistic
    return float(higher / (positive.sum() * (~positive).sum()))
