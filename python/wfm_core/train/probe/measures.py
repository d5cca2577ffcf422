# SPDX-License-Identifier: GPL-3.0-or-later
"""How good probabilities are: over classes, and open-set over the known against the unknown."""

import numpy as np
from sklearn.metrics import roc_auc_score

SMALLEST = 1e-6
"""Probabilities below it count as this in a loss: a forest gives many zeros."""

ACCURACY, AUROC = "mean per-class accuracy", "AUROC, known against unknown"


def per_class_accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes present in `labels` of the share of each that was predicted right."""
    return float(np.mean([(predicted[labels == label] == label).mean() for label in np.unique(labels)]))


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes present in `labels` of -log of the probability, of [M, K], given to the right one."""
    loss = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], SMALLEST))
    return float(np.mean([loss[labels == label].mean() for label in np.unique(labels)]))


def open_set_auroc(probabilities: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> float:
    """Area under the ROC curve of the largest probability, as the score of being one of the known `classes`.

    The baseline of Hendrycks and Gimpel, arXiv 1610.02136.
    """
    return float(roc_auc_score(np.isin(labels, classes), probabilities.max(1)))
