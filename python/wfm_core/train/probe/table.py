# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling the table: every task, label budget, seed and contender that the results do not hold yet."""

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch

from wfm_core.train.probe import real, synthetic
from wfm_core.train.probe.classifiers import linear_probe, nearest_neighbours, per_class_accuracy
from wfm_core.train.probe.contenders import Contender
from wfm_core.train.probe.features import features, standardised
from wfm_core.train.probe.results import Results
from wfm_core.train.probe.scratch import train_from_scratch
from wfm_core.train.probe.tasks import BUDGETS, Task, draws


@dataclass(frozen=True)
class Row:
    """A task by seed; `modality` is what a foundation must have been pretrained on."""

    modality: str
    build: Callable[[int], Task]


ROWS = {
    "interference": Row("iq", synthetic.interference),
    "modulation": Row("iq", synthetic.modulation),
    "fingerprint": Row("iq", synthetic.fingerprint),
    "ism": Row("image", real.ism),
    "csi_har": Row("image", real.csi_har),
}


def fill(
    results: Results,
    rows: dict[str, Row],
    everyone: list[Contender],
    seeds: tuple[int, ...],
    pooling: str,
    device: torch.device,
) -> dict[str, str]:
    """Compute what is missing, written after each cell; returns the rows that cannot be had and why."""
    absent = {}
    for name, row in rows.items():
        try:
            for seed in seeds:
                _fill_seed(results, name, row, everyone, seed, pooling, device)
        except real.AbsentData as error:
            absent[name] = str(error)
    return absent


def _fill_seed(
    results: Results,
    name: str,
    row: Row,
    everyone: list[Contender],
    seed: int,
    pooling: str,
    device: torch.device,
) -> None:
    task = None
    for contender in (one for one in everyone if row.modality in one.modalities):
        key = {"task": name, "seed": seed, "weights": contender.weights, "pooling": pooling}
        missing = [budget for budget in BUDGETS if results.get(**key, budget=budget) is None]
        if not missing:
            continue
        started = time.monotonic()
        task = task or row.build(seed)
        cells = _trained if contender.trains else _frozen
        for budget, figures in cells(task, contender, missing, seed, pooling, device):
            results.put({**key, "budget": budget, "contender": contender.name, "classes": len(task.classes), **figures})
        seconds = time.monotonic() - started
        print(f"wfm-evaluate: {name}, seed {seed}, {contender.name}: {seconds:.1f} s", file=sys.stderr)


def _frozen(task: Task, contender: Contender, budgets: list, seed: int, pooling: str, device: torch.device):
    """Yields (budget, mean accuracies of the linear probe and of k-NN over the label subsets)."""
    foundation = contender.foundation(seed)
    values = features(foundation, task.modality, task.inputs(foundation), pooling, device)
    pools = [standardised(values, split.train) for split in task.splits]
    for budget in budgets:
        probe, knn = [], []
        for index, draw in enumerate(draws(task, budget, seed)):
            scaled = pools[index % len(pools)]
            train, test = scaled[draw.train], scaled[draw.test]
            labels, truth = task.labels[draw.train], task.labels[draw.test]
            probe.append(per_class_accuracy(linear_probe(train, labels, test), truth))
            knn.append(per_class_accuracy(nearest_neighbours(train, labels, test), truth))
        yield budget, {"probe": float(np.mean(probe)), "knn": float(np.mean(knn)), "subsets": len(probe)}


def _trained(task: Task, contender: Contender, budgets: list, seed: int, pooling: str, device: torch.device):
    """Yields (budget, accuracy of a network trained on the first of the same label subsets)."""
    foundation = contender.foundation(seed)
    inputs = task.inputs(foundation)
    for budget in budgets:
        allowed, subset = contender.trains[budget], draws(task, budget, seed)[0]
        predicted = train_from_scratch(foundation, task, inputs, subset, allowed, seed, pooling, device)
        accuracy = per_class_accuracy(predicted, task.labels[subset.test])
        yield budget, {"scratch": accuracy, "subsets": 1, **asdict(allowed)}
