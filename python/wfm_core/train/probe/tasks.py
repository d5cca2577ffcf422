# SPDX-License-Identifier: GPL-3.0-or-later
"""What a probe is asked: labelled examples, which of them are for training, and how many labels are given away."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from wfm_core.bundle.foundation import Foundation
from wfm_core.data.splits import Split

VERSION = 1
"""Of all tasks and draws together: results of another version are not comparable, and are computed again."""

ALL = "all"
BUDGETS = (1, 5, ALL)
"""Labelled examples per class; `ALL` is everything in the training part."""

SUBSETS = 20
"""Random label subsets that are averaged at a small budget: which five examples are labelled matters much."""


@dataclass(frozen=True)
class Task:
    """One labelled task of one seed.

    inputs: what the model of a given foundation takes, for all examples [N, ...] (its preprocessing is applied);
    labels: int64 [N], indices into `classes`. `splits` are equally good ways to hold examples out.
    """

    name: str
    modality: str
    classes: tuple[str, ...]
    labels: np.ndarray
    splits: tuple[Split, ...]
    inputs: Callable[[Foundation], Tensor]


def draws(task: Task, budget: int | str, seed: int) -> list[Split]:
    """The label subsets of a budget, the same for whoever is compared: each a `Split` with fewer training examples.

    A number draws SUBSETS subsets of that many examples per class (fewer where a class has no more), going through
    the task's splits in turn; ALL gives the splits themselves.
    """
    if budget == ALL:
        return list(task.splits)
    generator = np.random.default_rng([seed, budget])
    chosen = []
    for index in range(SUBSETS):
        split = task.splits[index % len(task.splits)]
        labels = task.labels[split.train]
        per_class = [generator.permutation(split.train[labels == label])[:budget] for label in np.unique(labels)]
        chosen.append(Split(np.concatenate(per_class), split.test))
    return chosen
