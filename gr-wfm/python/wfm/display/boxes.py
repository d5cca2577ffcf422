# SPDX-License-Identifier: GPL-3.0-or-later
"""What was heard from which sample to which, and in which part of the band, as the boxes that a display draws.

Pure logic, without GNU Radio or Qt.
"""

from collections import deque
from dataclasses import dataclass, replace

from wfm_core.scan.pooling import LEAST_OVERLAP, overlap

_KEPT = 500


@dataclass
class Box:
    """One label of one task over samples [start, end); `score` is the mean over `windows`; an open box goes on.

    edges: lower and upper, Hz, of one signal; None for the whole band. snr_db: of the signal, where it is known.
    """

    task: str
    label: str
    start: int
    end: int
    score: float
    windows: int = 1
    open: bool = False
    edges: tuple[float, float] | None = None
    snr_db: float | None = None


class Boxes:
    """Boxes from decisions, and from events where a task has them.

    Windows of one answer, and about one signal, make one box while the gap between two is at most `max_gap` samples.
    The first event of a task takes the place of what its windows drew: events are smoothed, single windows flicker.
    Later windows about a signal whose event goes on make its box longer.

    Args:
        background: labels that make no box.
        max_gap: samples; smaller gaps could not be seen.
    """

    def __init__(self, background, max_gap: int):
        self._background = frozenset(background)
        self._max_gap = max_gap
        self._boxes: deque[Box] = deque(maxlen=_KEPT)
        self._growing: dict[str, Box] = {}  # task -> the box that its next window of the whole band may lengthen
        self._with_events: set[str] = set()

    def copies(self) -> list[Box]:
        """In the order in which they began to be drawn; later changes don't reach them."""
        return [replace(box) for box in self._boxes]

    def add_window(self, task: str, label: str, score: float, start: int, end: int, edges=None, snr_db=None) -> None:
        """edges: (lower, upper) in Hz of one signal, or None."""
        if task in self._with_events:
            self._lengthen(task, label, end, edges)
            return
        if label in self._background:
            if edges is None:
                self._growing.pop(task, None)
            return
        box = self._growing.get(task) if edges is None else self._of_signal(task, start, edges)
        if box is not None and box.label == label and box.start <= start <= box.end + self._max_gap:
            box.score += (score - box.score) / (box.windows + 1)
            box.windows += 1
            box.end = max(box.end, end)
            return
        box = Box(task, label, start, end, score, edges=edges, snr_db=snr_db)
        if edges is None:
            self._growing[task] = box
        self._boxes.append(box)

    def add_event(
        self, kind: str, task: str, label: str, score: float, start: int, end: int, edges=None, snr_db=None
    ) -> None:
        """kind: "begin" opens a box, "end" completes it, or makes it where the begin was missed."""
        if task not in self._with_events:
            self._with_events.add(task)
            self._forget_windows_of(task)
        if label in self._background:
            return
        box = self._of_event(task, label, start, edges)
        if box is None:
            box = Box(task, label, start, end, score, edges=edges, snr_db=snr_db)
            self._boxes.append(box)
        box.end, box.score, box.open = max(end, box.end) if kind == "begin" else end, score, kind == "begin"

    def _of_signal(self, task: str, start: int, edges: tuple[float, float]) -> Box | None:
        """The latest box in this place of the band that a window from `start` on may lengthen."""
        for box in reversed(self._boxes):
            near = box.start <= start <= box.end + self._max_gap
            if box.task == task and near and _same_place(box.edges, edges):
                return box
        return None

    def _lengthen(self, task: str, label: str, end: int, edges: tuple[float, float] | None) -> None:
        if edges is None:
            return
        for box in self._boxes:
            if box.open and (box.task, box.label) == (task, label) and _same_place(box.edges, edges):
                box.end = max(box.end, end)

    def _of_event(self, task: str, label: str, start: int, edges: tuple[float, float] | None) -> Box | None:
        """The box of this event; an open one of its task and place, whose end was missed, goes on no longer."""
        found = None
        for box in self._boxes:
            if box.task == task and _same_place(box.edges, edges):
                if (box.label, box.start) == (label, start):
                    found = box
                else:
                    box.open = False
        return found

    def _forget_windows_of(self, task: str) -> None:
        self._growing.pop(task, None)
        kept = [box for box in self._boxes if box.task != task]
        self._boxes.clear()
        self._boxes.extend(kept)


def _same_place(one: tuple[float, float] | None, other: tuple[float, float] | None) -> bool:
    if one is None or other is None:
        return one is other
    return overlap(one, other) >= LEAST_OVERLAP
