# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor under every figure: a random forest on simple features of the same windows, split the same way."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from wfm_core.data.dataset import Dataset
from wfm_core.data.splits import Split
from wfm_core.evaluate.metrics import confusion_matrix, mean_class_accuracy, position_errors

TREES = 500


def floor(dataset: Dataset, split: Split, seed: int) -> float:
    """Mean per-class accuracy of the test windows, or of positions the mean error in metres."""
    features, train, test = simple_features(dataset), split.train, split.test
    forest = RandomForestClassifier if dataset.labels else RandomForestRegressor
    model = forest(TREES, random_state=seed, n_jobs=2).fit(features[train], dataset.label[train])
    predicted = model.predict(features[test])
    if dataset.labels:
        return mean_class_accuracy(confusion_matrix(predicted, dataset.label[test], len(dataset.labels)))
    return float(position_errors(predicted, dataset.label[test]).mean())


def simple_features(dataset: Dataset) -> np.ndarray:
    """float32 [N, F]: means and spreads along either axis of the image, and how fast it changes along the last one.

    CSI is divided by its window's RMS first, as the foundation sees it.
    """
    values = dataset.read(np.arange(dataset.count))
    if dataset.kind == "csi":
        values /= np.sqrt((values**2).mean((1, 2, 3), keepdims=True)).clip(1e-9)
    steps = np.abs(np.diff(values, axis=3))
    motion = values.mean(2) - values.mean((2, 3))[..., None]
    spectrum = np.abs(np.fft.rfft(motion, axis=2))[..., 1:33]
    parts = [values.mean(3), values.std(3), steps.mean(3), spectrum]
    if dataset.kind != "csi":  # rows of a spectrogram are time, columns frequency
        parts += [values.mean(2), values.max(2), values.std(2)]
    return np.concatenate([part.reshape(len(values), -1) for part in parts], axis=1).astype(np.float32)
