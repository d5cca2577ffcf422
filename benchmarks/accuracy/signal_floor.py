# SPDX-License-Identifier: GPL-3.0-or-later
"""Gradient boosting on hand-made features of crops: what a model of single signals is compared with.

The features are the numbers that the model is given of the same crops (`wfm_core.signal.measures`), and which rates
repeat (`wfm_core.signal.rates`), without the images and the samples.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from signal_figures import Answers
from sklearn.ensemble import HistGradientBoostingClassifier

from wfm_core.base.errors import WfmError
from wfm_core.signal.rates import CHANNELS, RATES
from wfm_core.synth.signals.catalogue import LABELS
from wfm_core.train.signals.shards import RECORD

MOST_TRAINED = 24_000


def floor_answers(shards: Path, rows: np.ndarray, answers: Answers) -> Answers:
    """Answers of boosting, trained on a run's crops of the bundle's classes, on the crops `rows` that `answers` are of.

    Raises `WfmError` where the folder has none, or those of another version.
    """
    trained, target = training_features(shards, answers.labels)
    if len(set(target)) < 2:
        raise WfmError(f"{shards} has crops of one class of the bundle; two or more are expected: give a longer run's")
    model = HistGradientBoostingClassifier(learning_rate=0.1, max_iter=120, max_leaf_nodes=24, random_state=1)
    model.fit(trained, target)
    probabilities = np.zeros((len(rows), len(answers.labels)), np.float32)
    probabilities[:, model.classes_] = model.predict_proba(features(rows))
    return replace(answers, probabilities=probabilities, shorter={}, views={})


def training_features(folder: Path, labels: list[str], most: int = MOST_TRAINED) -> tuple[np.ndarray, np.ndarray]:
    """Features and classes (places in `labels`) of the first crops of a run's shards that are of these classes."""
    parts, targets, count = [], [], 0
    for path in sorted(folder.glob("0*.npy")):
        rows = np.load(path, mmap_mode="r")
        if rows.dtype != RECORD:
            raise WfmError(f"{path} holds crops of another version; expected those of this one: make them again")
        rows = np.array(rows[[LABELS[label] in labels for label in rows["label"]]][: most - count])
        parts.append(features(rows))
        targets += [labels.index(LABELS[label]) for label in rows["label"]]
        count += len(rows)
        if count >= most:
            break
    if not count:
        raise WfmError(f"{folder} has no crops (0*.npy); give the folder crops/ of a run of wfm-finetune signals.yaml")
    return np.concatenate(parts), np.array(targets)


def features(rows: np.ndarray) -> np.ndarray:
    """float32 [n, F] of RECORD [n]: its numbers, and of each kind of rates the most of each eighth and where."""
    lines = rows["rates"].astype(np.float32)
    lines = lines.reshape(len(rows), CHANNELS, RATES[0], -1, 16).swapaxes(2, 3).reshape(len(rows), CHANNELS, 8, -1)
    parts = [rows["numbers"], lines.max(3), lines.argmax(3), lines.reshape(len(rows), CHANNELS, -1).argmax(2)]
    return np.concatenate([part.reshape(len(rows), -1) for part in parts], 1, dtype=np.float32)
