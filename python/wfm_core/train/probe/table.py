# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling the table: every task, protocol, fold, label budget, seed and contender that the results do not hold yet."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from wfm_core.bundle.foundation import Foundation
from wfm_core.train.probe import learners, real, synthetic
from wfm_core.train.probe.choice import CHOSEN_AT, choose, judge
from wfm_core.train.probe.contenders import Contender, pooling
from wfm_core.train.probe.features import features, standardised
from wfm_core.train.probe.networks import Network
from wfm_core.train.probe.protocols import PROTOCOLS
from wfm_core.train.probe.results import Results
from wfm_core.train.probe.tasks import BUDGETS, Exam, Task


@dataclass(frozen=True)
class Row:
    """A task by seed; `modality` is what a foundation must have been pretrained on. `rendered`: the seed draws the
    examples; recordings are the same for all seeds, which draw the labels alone."""

    modality: str
    build: Callable[[int], Task]
    rendered: bool = False

    def tasks(self, seeds: tuple[int, ...]) -> Iterator[tuple[int, Task, tuple[int, ...]]]:
        """(seed of the examples, task, seeds of the draws)."""
        if self.rendered:
            yield from ((seed, self.build(seed), (seed,)) for seed in seeds)
        else:
            yield 0, self.build(0), seeds


ROWS = {
    "interference": Row("iq", synthetic.interference, True),
    "modulation": Row("iq", synthetic.modulation, True),
    "fingerprint": Row("iq", synthetic.fingerprint, True),
    "ism": Row("image", real.ism),
    "csi_har": Row("image", real.csi_har),
    "csi_activity_wiar": Row("image", real.csi_activity_wiar),
    "csi_position": Row("image", real.csi_position),
    "csi_objects": Row("image", real.csi_objects),
}


@dataclass(frozen=True)
class Plan:
    """What is asked of every row and contender; of `folds` None means all. For `pooling` see `contenders.pooling`."""

    seeds: tuple[int, ...]
    pooling: str
    device: torch.device
    budgets: tuple[int | str, ...] = BUDGETS
    protocols: tuple[str, ...] = PROTOCOLS
    folds: int | None = None

    def exams(self, task: Task) -> list[Exam]:
        """All folds of a task that are asked for."""
        asked = [name for name in task.protocols if name in self.protocols]
        return [Exam(task, name, fold) for name in asked for fold in task.protocols[name][: self.folds]]


def fill(results: Results, rows: dict[str, Row], everyone: list[Contender], plan: Plan) -> dict[str, str]:
    """Compute what is missing, written after each cell; returns the rows that cannot be had and why."""
    absent = {}
    for name, row in rows.items():
        able = [contender for contender in everyone if row.modality in contender.modalities]
        try:
            for first, task, seeds in row.tasks(plan.seeds) if able else ():
                for exam in plan.exams(task):
                    for contender in able:
                        _fill(results, exam, contender, first, seeds, plan)
        except real.AbsentData as error:
            absent[name] = str(error)
    return absent


def _fill(results: Results, exam: Exam, contender: Contender, first: int, seeds: tuple[int, ...], plan: Plan) -> None:
    """The cells of one contender in one fold, all its regimes. Recipes are chosen with the seed `first`."""
    place = {"task": exam.task.name, "protocol": exam.protocol, "fold": exam.split.description}
    values = _Values(exam, contender, plan)
    for regime in contender.regimes:
        started = time.monotonic()
        key = {**place, "pooling": plan.pooling, "weights": contender.weights, "regime": regime}
        wanted = [{**key, "budget": budget, "seed": seed} for budget in plan.budgets for seed in seeds]
        missing = [cell for cell in wanted if results.get(**cell) is None]
        for cell in missing:
            chosen = {**key, "budget": CHOSEN_AT[cell["budget"]], "seed": first}
            if results.choice(**chosen) is None:
                found = choose(values.learner(regime, first), exam, chosen["budget"], first)
                results.put_choice({**chosen, "contender": contender.name, **found})
            recipe, learner = results.choice(**chosen)["recipe"], values.learner(regime, cell["seed"])
            figures = judge(learner, exam, cell["budget"], recipe, cell["seed"])
            results.put({**cell, "contender": contender.name, "classes": len(exam.known), **figures})
        if missing:
            spent = f"{len(missing)} figures in {time.monotonic() - started:.1f} s"
            where = f"{exam.task.name}, {exam.protocol}, fold {exam.split.description}"
            print(f"wfm-evaluate: {where}: {contender.name}, {regime}: {spent}", file=sys.stderr)


class _Values:
    """What the learners of one contender in one fold are given, computed once: inputs, and features by weights."""

    def __init__(self, exam: Exam, contender: Contender, plan: Plan):
        self.exam, self.contender, self.plan = exam, contender, plan
        self.inputs, self.simple, self.embedded = None, None, {}
        self.pooling = pooling(plan.pooling, exam.task)

    def learner(self, regime: str, seed: int) -> learners.Learner:
        task, plan = self.exam.task, self.plan
        if regime == learners.FOREST:
            if self.simple is None:
                self.simple = task.simple()
            return learners.on_hand_features(self.simple, len(task.classes))
        foundation = self.contender.foundation(seed)
        if self.inputs is None:
            self.inputs = task.inputs(foundation, self.exam.side)
        if regime in learners.FROZEN:
            return learners.on_features(regime, self._features(foundation), len(task.classes))
        network = Network(
            foundation,
            regime,
            task.modality,
            self.inputs,
            self.exam.side,
            len(task.classes),
            self.pooling,
            plan.device,
            task.time_axis,
            self.contender.effort,
        )
        return learners.on_inputs(network)

    def _features(self, foundation: Foundation) -> np.ndarray:
        weights = foundation.weights_sha256
        if weights not in self.embedded:
            found = features(foundation, self.exam.task.modality, self.inputs, self.pooling, self.plan.device)
            self.embedded[weights] = standardised(found, self.exam.side)
        return self.embedded[weights]
