# SPDX-License-Identifier: GPL-3.0-or-later
"""What was heard from which sample to which, as the boxes that a display draws. Pure logic, without GNU Radio or Qt."""

from collections import deque
from dataclasses import dataclass, replace

_KEPT = 200


@dataclass
class Box:
    """One label of one task over samples [start, end); `score` is the mean over `windows`; an open box goes on."""

    task: str
    label: str
    start: int
    end: int
    score: float
    windows: int = 1
    open: bool = False


class Boxes:
    """Boxes from decisions, and from events where a task has them.

    Windows of one answer make one box while the gap between two is at most `max_gap` samples. The first event of a
    task takes the place of what its windows drew: events are smoothed, single windows flicker.

    Args:
        background: labels that make no box.
        max_gap: samples; smaller gaps could not be seen.
    """

    def __init__(self, background, max_gap: int):
        self._background = frozenset(background)
        self._max_gap = max_gap
        self._boxes: deque[Box] = deque(maxlen=_KEPT)
        self._growing: dict[str, Box] = {}  # task -> the box that its next window may lengthen
        self._with_events: set[str] = set()

    def copies(self) -> list[Box]:
        """In the order in which they began to be drawn; later changes don't reach them."""
        return [replace(box) for box in self._boxes]

    def add_window(self, task: str, label: str, score: float, start: int, end: int) -> None:
        if task in self._with_events:
            return
        if label in self._background:
            self._growing.pop(task, None)
            return
        box = self._growing.get(task)
        if box is not None and box.label == label and box.start <= start <= box.end + self._max_gap:
            box.score += (score - box.score) / (box.windows + 1)
            box.windows += 1
            box.end = max(box.end, end)
            return
        self._growing[task] = Box(task, label, start, end, score)
        self._boxes.append(self._growing[task])

    def add_event(self, kind: str, task: str, label: str, score: float, start: int, end: int) -> None:
        """kind: "begin" opens a box, "end" completes it, or makes it where the begin was missed."""
        if task not in self._with_events:
            self._with_events.add(task)
            self._forget_windows_of(task)
        if label in self._background:
            return
        box = self._opened(task, label, start)
        if box is None:
            box = Box(task, label, start, end, score)
            self._boxes.append(box)
        box.end, box.score, box.open = end, score, kind == "begin"

    def _opened(self, task: str, label: str, start: int) -> Box | None:
        """The open box of this event; another of its task, whose end was missed, goes on no longer."""
        found = None
        for box in self._boxes:
            if box.task == task and box.open:
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
