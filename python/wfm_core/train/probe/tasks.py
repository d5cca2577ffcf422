# SPDX-License-Identifier: GPL-3.0-or-later
"""What a probe is asked: labelled examples, the protocols that hold some out, and how many labels are given away."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from wfm_core.bundle.foundation import Foundation
from wfm_core.data.splits import Split

VERSION = 4
"""Of all tasks, protocols, draws and recipes together: results of another version are not comparable, and are computed
again."""

HALF, ALL = "50%", "all"
BUDGETS = (1, 5, 10, HALF, ALL)
"""Labelled examples per class; `HALF` and `ALL` are a share of the training side."""

SUBSETS = 20
"""Random label subsets that are averaged at a seed where training is cheap: which five are labelled matters much."""

HEIGHT, WIDTH = -2, -1
"""Axes of images."""

HIDDEN = -1
"""In place of a test label, see `Exam`."""


@dataclass(frozen=True)
class Task:
    """One labelled task of one seed.

    labels: int64 [N], indices into `classes`. protocols: folds by the protocol's name, see `protocols.py`; `train` and
    `validation` of a fold make its training side, and `description` is what the fold is called.
    inputs: what the model of a given foundation takes, for all examples [N, ...]; statistics of the set are those of
    the examples int64 [n] that it is given too. simple: hand-made features, float32 [N, F]. time_axis: that of the
    inputs along which windows may be shifted circularly and keep their label, or None.
    """

    name: str
    modality: str
    classes: tuple[str, ...]
    labels: np.ndarray
    protocols: dict[str, tuple[Split, ...]]
    inputs: Callable[[Foundation, np.ndarray], Tensor]
    simple: Callable[[], np.ndarray]
    time_axis: int | None = None


@dataclass(frozen=True)
class Exam:
    """One fold of a protocol, as those who learn see it."""

    task: Task
    protocol: str
    split: Split

    @property
    def folds(self) -> int:
        """How many the protocol has."""
        return len(self.task.protocols[self.protocol])

    @cached_property
    def side(self) -> np.ndarray:
        """The training side, all examples that may be learnt from, validation ones too: int64 [n]."""
        return np.concatenate([self.split.train, self.split.validation])

    @cached_property
    def labels(self) -> np.ndarray:
        """int64 [N], HIDDEN wherever the example is not on the training side."""
        labels = np.full_like(self.task.labels, HIDDEN)
        labels[self.side] = self.task.labels[self.side]
        return labels

    @cached_property
    def known(self) -> np.ndarray:
        """The classes of the training side, int64, ascending."""
        return np.unique(self.labels[self.side])


def draws(labels: np.ndarray, side: np.ndarray, budget: int | str, seed: int, count: int) -> list[np.ndarray]:
    """`count` label subsets of the examples `side` int64 [n], the same for whoever is compared.

    Each has so many examples of every class, or all where a class has fewer; HALF rounds up. `ALL` leaves nothing to
    draw, and is one subset.
    """
    if budget == ALL:
        return [side]
    generator = np.random.default_rng([seed, BUDGETS.index(budget)])
    return [_drawn(labels, side, budget, generator) for _ in range(count)]


def _drawn(labels: np.ndarray, side: np.ndarray, budget: int | str, generator: np.random.Generator) -> np.ndarray:
    members = [side[labels[side] == label] for label in np.unique(labels[side])]
    sizes = [-(-len(some) // 2) if budget == HALF else budget for some in members]
    return np.concatenate([generator.permutation(some)[:size] for some, size in zip(members, sizes, strict=True)])
