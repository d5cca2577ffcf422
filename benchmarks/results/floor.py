# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor under every figure: a random forest on simple features of the same windows, split the same way."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from wfm_core.data.dataset import Dataset
from wfm_core.data.splits import Split
from wfm_core.evaluate.metrics import confusion_matrix, mean_class_accuracy, position_errors
from wfm_core.train.probe.hand import csi_features, image_features

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
    """float32 [N, F]: the hand-made features of the probe's forest; CSI is over its window's RMS first."""
    values = dataset.read(np.arange(dataset.count))
    # rows of a spectrogram are time, columns frequency
    return csi_features(values) if dataset.kind == "csi" else image_features(values, rows_too=True)
