# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's decisions, read back from its decisions.jsonl: a line at a time, or a few bytes a decision."""

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from wfm_core.synth.scenes.interference import LABELS

from ..ports.messages import Detection
from ..radio.ground_truth import GroundTruth

INTERFERENCE = "interference"


class DecisionFile:
    """The decisions in a file of JSON lines; a last line that is not whole is left out.

    Iterating yields one `Detection` a task (its level is not known), in the order of their samples.
    """

    def __init__(self, path: Path):
        self._path = path

    def __iter__(self) -> Iterator[Detection]:
        for line in self._lines():
            time = line.get("rx_time")
            for task, decision in line["tasks"].items():
                yield Detection(
                    task=task,
                    sample_start=line["sample_start"],
                    sample_count=line["sample_count"],
                    rx_time=None if time is None else tuple(time),
                    rx_freq=line.get("rx_freq"),
                    level=float("-inf"),
                    decision=decision,
                    **{name: line.get(name) for name in ("freq_lower_edge", "freq_upper_edge", "snr_db")},
                )

    def _lines(self) -> Iterator[dict]:
        with self._path.open("rb") as file:
            if self._places is None:
                yield from (json.loads(line) for line in file if line.endswith(b"\n"))
                return
            for place in self._places:
                file.seek(place)
                yield json.loads(file.readline())

    @cached_property
    def _places(self) -> np.ndarray | None:
        """Where the lines are in the order of their samples; None where that is the file's own.

        It is, unless a flowgraph ran twice or several blocks decided.
        """
        places, starts, place = array("q"), array("q"), 0
        with self._path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    places.append(place)
                    starts.append(json.loads(line)["sample_start"])
                place += len(line)
        starts = np.array(starts, np.int64)
        in_order = (starts[1:] >= starts[:-1]).all()
        return None if in_order else np.array(places, np.int64)[np.argsort(starts, kind="stable")]


@dataclass(frozen=True)
class Digest:
    """What is drawn and judged of the first task that answers with a label.

    starts: int64 [N], first samples of its windows; answers, truths: int32 [N], indices into `labels`, -1 where the
    truth is not known; probabilities: float32 [judged, 3] of LABELS, empty for another task; first: the first decision
    of any task; center_freq: Hz, the first that is known.
    """

    task: str
    labels: list[str]
    starts: np.ndarray
    answers: np.ndarray
    truths: np.ndarray
    probabilities: np.ndarray
    first: Detection | None
    center_freq: float | None

    @property
    def judged(self) -> np.ndarray:
        """Which windows have a known truth, bool [N]."""
        return self.truths >= 0


def digest(decisions: DecisionFile, truth: GroundTruth | None) -> Digest:
    """One pass over `decisions`; truth None where nobody knows it."""
    task = ""
    codes: dict[str, int] = {}
    starts, answers, truths, probabilities = array("q"), array("i"), array("i"), array("f")
    first = center_freq = None
    for found in decisions:
        first = first or found
        center_freq = found.rx_freq if center_freq is None else center_freq
        if not task and "label" in found.decision:
            task = found.task
        if found.task != task:
            continue
        true = None if truth is None else truth.label_of(found)
        starts.append(found.sample_start)
        answers.append(codes.setdefault(found.decision["label"], len(codes)))
        truths.append(-1 if true is None else codes.setdefault(true, len(codes)))
        shares = found.decision["probabilities"]
        if true is not None and task == INTERFERENCE and all(label in shares for label in (*LABELS, true)):
            probabilities.extend(shares[label] for label in LABELS)
    return Digest(
        task=task or INTERFERENCE,
        labels=list(codes),
        starts=np.array(starts, np.int64),
        answers=np.array(answers, np.int32),
        truths=np.array(truths, np.int32),
        probabilities=np.array(probabilities, np.float32).reshape(-1, len(LABELS)),
        first=first,
        center_freq=center_freq,
    )
