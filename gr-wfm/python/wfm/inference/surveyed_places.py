# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task head knows of places: the points that were surveyed, and what it makes of a window and of an order."""

import numpy as np
import pmt

from wfm_core.model.survey import LEAST_POINTS, MOST_WINDOWS, Survey, check_point, shown

from ..ports import keys
from .head_answers import Judged


class SurveyedPlaces:
    """A survey; arguments as of `task_head`. Raises `WfmError`."""

    ACTIONS = (keys.POINT, keys.FORGET, keys.SAVE, keys.LOAD)
    TEACHES = "surveyed"
    MOST_WINDOWS = MOST_WINDOWS

    def __init__(self, prototypes: str, margin: float):
        own = Survey(margin)
        self._known = self.read(prototypes) if prototypes else own

    def status(self) -> dict:
        return {"points": len(self._known), "left_out_error": self._known.left_out_error()}

    def judge(self, values: np.ndarray) -> Judged:
        if not self._known.ready:
            return Judged(None, True, [])
        decision = self._known.locate(values[None])[0]
        beside = [
            (keys.UNCERTAINTY, pmt.from_double(decision["uncertainty"])),
            (keys.DISTANCE, pmt.from_double(decision["distance"])),
        ]
        return Judged({"position": decision["position"]}, decision["distance"] > 1, beside)

    def target(self, value: object) -> tuple[np.ndarray, str]:
        """The point that the next windows are of, and how it is told."""
        point = check_point(value)
        return point, shown(point)

    def teach(self, point: np.ndarray, windows: np.ndarray) -> str:
        self._known.enrol(point, windows)
        known = self._known
        text = f"{shown(point)} from {len(windows)} windows; {len(known)} points"
        if known.ready:
            return f"{text}; each located by the others is {known.left_out_error():.2f} m off (RMS)"
        return f"{text}: positions go out from {LEAST_POINTS} on"

    def forget(self, value: object) -> str:
        point = check_point(value)
        self._known.forget(point)
        return shown(point)

    def save(self, path: str) -> None:
        self._known.save(path)

    def read(self, path: str) -> Survey:
        return Survey.load(path)

    def take(self, known: Survey) -> str:
        """From now on that is what it knows; what is told of it."""
        self._known = known
        return f"{len(known)} points"
