# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions counted as they come, of one recording or many, and the table that is made of them."""

import math
from collections import Counter
from collections.abc import Generator, Iterator
from typing import TextIO

import numpy as np
import torch

from wfm_core.base.quantities import QUANTITIES, measured_in
from wfm_core.bundle import Contract, TaskContract
from wfm_core.data.recordings.recording import Recording
from wfm_core.data.recordings.windows import window_labels
from wfm_core.evaluate.metrics import confusion_matrix, interference_accuracies, mean_class_accuracy

_WINDOWS, _BLOCKS = "windows", "blocks"


class Tally:
    """Of decisions by a bundle with this `contract`."""

    def __init__(self, contract: Contract):
        self._contract = contract
        self._classes = {
            name: {of: _Classes(name, task, of) for of in (_WINDOWS, _BLOCKS)}
            for name, task in contract.tasks.items()
            if task.kind == "classification"
        }
        self._sums = {name: np.zeros(task.outputs) for name, task in contract.tasks.items() if task.measures}
        self._windows = self._invalid = self._gated = 0
        self._pooled: list[int] = []
        """The fewest and the most windows of a block."""

    def counted(self, lines: Generator[dict, None, dict], recording: Recording) -> Iterator[dict]:
        """Passes on the decision lines of a recording, which count together with those before."""
        others = yield from self._each(lines)
        self._invalid += others["invalid"]
        self._gated += others["gated"]
        for kinds in self._classes.values():
            for classes in kinds.values():
                classes.judge(recording)

    def _each(self, lines: Generator[dict, None, dict]) -> Generator[dict, None, dict]:
        while True:
            try:
                line = next(lines)
            except StopIteration as end:
                return end.value
            self._add(line)
            yield line

    def _add(self, line: dict) -> None:
        windows = line.get("pooled_windows")
        self._windows += windows is None
        if windows is not None:
            self._pooled = [min([*self._pooled, windows]), max([*self._pooled, windows])]
        for name, decision in line["tasks"].items():
            if name in self._classes:
                self._classes[name][_WINDOWS if windows is None else _BLOCKS].add(line, decision)
            else:
                self._sums[name] += decision[measured_in(decision)]

    def print(self, title: str, stream: TextIO) -> None:
        print(
            f"{title}: {self._windows} windows of {self._contract.samples} samples inferred, "
            f"{self._invalid} invalid, {self._gated} gated",
            file=stream,
        )
        for name in self._contract.tasks if self._windows else ():
            if name in self._classes:
                self._classes[name][_WINDOWS].print(stream)
                if self._pooled:
                    print(f"pooled, {self._pooled[0]} to {self._pooled[1]} windows a block:", file=stream)
                    self._classes[name][_BLOCKS].print(stream)
            else:
                kind, mean = self._contract.tasks[name].kind, self._sums[name] / self._windows
                numbers = ", ".join(f"{value:.2f}" for value in mean)
                print(f"{name}: mean {kind} {numbers} {QUANTITIES[kind].unit}", file=stream)


class _Classes:
    """A task's answers on windows or on blocks."""

    def __init__(self, name: str, task: TaskContract, of: str):
        self._name, self._labels, self._of = name, list(task.labels), of
        self._counts: Counter[str] = Counter()
        self._scores: Counter[str] = Counter()
        """Summed up."""
        self._here: list[tuple[int, int, list[float]]] = []
        """Start, length and probabilities, of the recording under way."""
        self._judged = [np.zeros((0, len(self._labels)), np.float32)]
        self._truth = [np.zeros(0, np.int64)]

    def add(self, line: dict, decision: dict) -> None:
        self._counts[decision["label"]] += 1
        self._scores[decision["label"]] += decision["score"]
        probabilities = [decision["probabilities"][label] for label in self._labels]
        self._here.append((line["sample_start"], line["sample_count"], probabilities))

    def judge(self, recording: Recording) -> None:
        """What was added is of this recording, whose annotations say what is true, where they use the task's labels."""
        here, self._here = self._here, []
        if not here or not any(one.label in self._labels for one in recording.annotations):
            return
        starts, counts = (np.array(column, np.int64) for column in list(zip(*here, strict=True))[:2])
        truth = np.full(len(here), -1)
        for count in np.unique(counts):
            rows = np.flatnonzero(counts == count)
            truth[rows] = window_labels(starts[rows], int(count), recording.annotations, self._labels)
        known = np.flatnonzero(truth >= 0)
        if known.size:
            self._judged.append(np.array([here[row][2] for row in known], np.float32))
            self._truth.append(truth[known])

    def print(self, stream: TextIO) -> None:
        width = max(map(len, [self._name, *self._labels, "unknown"]))
        print(f"{self._name:{width}}  {self._of:>7}   share  mean score", file=stream)
        total = self._counts.total()
        for label in [*self._labels, "unknown"]:
            count = self._counts[label]
            mean = f"{self._scores[label] / count:.3f}" if count else "-"
            print(f"{label:{width}}  {count:7d}  {count / total:5.1%}  {mean:>10}", file=stream)
        self._print_accuracies(stream)

    def _print_accuracies(self, stream: TextIO) -> None:
        truth, probabilities = np.concatenate(self._truth), torch.from_numpy(np.concatenate(self._judged))
        if not truth.size:
            return
        print(f"against {truth.size} annotated {self._of}:", file=stream)
        if self._name == "interference":
            figures = interference_accuracies(probabilities, torch.from_numpy(truth))
        else:
            confusion = confusion_matrix(probabilities.argmax(1), truth, len(self._labels))
            figures = {"mean per-class accuracy": mean_class_accuracy(confusion)}
        for key, value in figures.items():
            print(f"  {key}: {'- (a class is absent)' if math.isnan(value) else f'{value:.3f}'}", file=stream)
