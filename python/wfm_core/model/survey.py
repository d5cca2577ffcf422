# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an embedding comes from, learned from points that were surveyed: some windows at each of some known places.

Between the points positions are interpolated (`wfm_core.model.enrolment.regression`), so that they can be nearer to the
truth than the nearest point is. With each position goes how far off it is expected to be. A window that is further from
all points than their own windows are from the other points is from elsewhere: not in this place, or something changed.
"""

import json
from pathlib import Path

import numpy as np
import safetensors.numpy

from wfm_core.base.errors import WfmError
from wfm_core.base.files import write_atomically
from wfm_core.base.json_text import read_json
from wfm_core.base.plain import plain, shortened
from wfm_core.base.weights_file import read_weights_and_notes
from wfm_core.model.enrolment.regression import Regression, regression

LEAST_POINTS = 4
"""Fewer say nothing between each other."""
MOST_POINTS = 1024
MOST_WINDOWS = 1024
"""Of a point."""
MARGIN = 2.0
"""Standard deviations of the log distance between windows of left-out points and what is from elsewhere."""
FARTHEST = 1e6
"""Metres: of a coordinate."""
FORMAT = "1"
_SAME = 0.01  # metres between points that are the same one


class Survey:
    """Surveyed points in the order of their enrolment. Not safe for several threads at once.

    Args:
        margin: standard deviations from the windows of left-out points to what is from elsewhere.

    Raises:
        WfmError: a margin that is not above 0.
    """

    def __init__(self, margin: float = MARGIN):
        if not 0 < margin < np.inf:
            raise WfmError(f"margin is {margin:g}, standard deviations above 0 are expected, such as {MARGIN:g}")
        self.margin = float(margin)
        self._points: list[np.ndarray] = []
        self._windows: list[np.ndarray] = []
        self._fit: Regression | None = None

    def __len__(self) -> int:
        return len(self._points)

    @property
    def points(self) -> np.ndarray:
        """Metres, float64 [n, 3]."""
        return np.array(self._points).reshape(-1, 3)

    @property
    def width(self) -> int:
        """Length of an embedding; 0 while there is no point."""
        return self._windows[0].shape[1] if self._windows else 0

    @property
    def ready(self) -> bool:
        """Whether there are points enough to tell a position."""
        return len(self) >= LEAST_POINTS

    def enrol(self, point, embeddings: np.ndarray) -> None:
        """Make `embeddings` [n, D] those at `point` (x, y, z in m), in place of a point within 1 cm. Raises `WfmError`,
        and then changes nothing."""
        point = check_point(point)
        embeddings = np.array(embeddings, np.float32)
        if embeddings.ndim != 2 or not 1 <= len(embeddings) <= MOST_WINDOWS or not embeddings.shape[1]:
            raise WfmError(
                f"a point with embeddings of shape {list(embeddings.shape)}: [windows, width] with 1 to {MOST_WINDOWS} "
                "windows is expected"
            )
        if not np.isfinite(embeddings).all():
            raise WfmError("a point with embeddings that are not finite: survey windows with a signal in them")
        known = self._find(point)
        others = [rows for number, rows in enumerate(self._windows) if number != known]
        if others:
            _check_width(embeddings, others[0].shape[1])
            mean = embeddings.mean(0)
            if any(np.array_equal(mean, rows.mean(0)) for rows in others):
                raise WfmError("a point whose windows are those of another point: survey each where it is")
        if known is None and len(self) >= MOST_POINTS:
            raise WfmError(f"one point more than {MOST_POINTS}: forget some, or survey further apart")
        if known is None:
            self._points.append(point)
            self._windows.append(embeddings)
        else:
            self._points[known], self._windows[known] = point, embeddings
        self._fit = None

    def forget(self, point) -> None:
        """Drop the point within 1 cm of `point`. Raises `WfmError` where there is none."""
        point = check_point(point)
        known = self._find(point)
        if known is None:
            raise WfmError(f"no surveyed point at {shown(point)} to forget: {len(self)} points are known")
        del self._points[known], self._windows[known]
        self._fit = None

    def left_out_error(self) -> float:
        """Metres, the root of the mean square: of windows of each point, located by all others; NaN while not `ready`.

        Points at the edge are located worse than what lies among the others.
        """
        return self._fitted().error if self.ready else float("nan")

    def locate(self, embeddings: np.ndarray) -> list[dict]:
        """Embeddings [B, D] -> a decision each: `position` (x, y, z in m), `uncertainty` (m, the root of the expected
        mean square error) and `distance`, that to the nearest point over its threshold: above 1 the window is from
        elsewhere. Raises `WfmError` while not `ready`, for another width, and for what is not finite.
        """
        if not self.ready:
            raise WfmError(f"{len(self)} surveyed points, {LEAST_POINTS} or more are expected: survey more")
        embeddings = np.asarray(embeddings, np.float32)
        if not np.isfinite(embeddings).all():
            raise WfmError("embeddings that are not finite: give windows with a signal in them")
        _check_width(embeddings, self.width)
        rows = zip(*self._fitted().locate(embeddings), strict=True)
        return [
            {"position": place.tolist(), "uncertainty": float(off), "distance": float(away)}
            for place, off, away in rows
        ]

    def save(self, path: str | Path) -> None:
        """Write points and embeddings as safetensors. Raises `WfmError`."""
        tensors = {str(number): rows for number, rows in enumerate(self._windows)}
        notes = {
            "wfm_survey": FORMAT,
            "points": json.dumps(self.points.tolist()),
            "margin": plain(self.margin),
        }
        try:
            write_atomically(Path(path), lambda part: safetensors.numpy.save_file(tensors, part, metadata=notes))
        except OSError as error:
            raise WfmError(f"cannot write {path}: {error.strerror}; choose another path") from error

    @classmethod
    def load(cls, path: str | Path) -> "Survey":
        """What `save` wrote. Raises `WfmError`."""
        try:
            tensors, notes = read_weights_and_notes(Path(path))
        except WfmError as error:
            raise WfmError(f"no survey: {error}") from error
        if notes.get("wfm_survey") != FORMAT:
            raise WfmError(
                f"{path} holds no survey of format {FORMAT}; give a file that a task head for positions saved"
            )
        try:
            loaded = cls(float(notes["margin"]))
            for number, point in enumerate(read_json(notes["points"].encode(), "its points")):
                loaded.enrol(point, tensors[str(number)].float().numpy())
            if loaded.ready:
                loaded._fitted()  # here, and not when the first window of a stream is to be located
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise WfmError(f"{path} cannot be read as a survey ({error}); give a task head's file") from error
        return loaded

    def _find(self, point: np.ndarray) -> int | None:
        away = np.linalg.norm(self.points - point, axis=1)
        return int(away.argmin()) if len(away) and away.min() <= _SAME else None

    def _fitted(self) -> Regression:
        if self._fit is None:
            self._fit = regression(self.points, self._windows, self.margin)
        return self._fit


def check_point(point: object) -> np.ndarray:
    """x, y and z in metres as float64 [3]; z may be left out, and is 0 then. Raises `WfmError`."""
    values = list(point) if isinstance(point, list | tuple | np.ndarray) and np.ndim(point) == 1 else []
    real = (int, float, np.integer, np.floating)
    numbers = all(isinstance(one, real) and not isinstance(one, bool) for one in values)
    if len(values) not in (2, 3) or not numbers or not all(abs(one) <= FARTHEST for one in values):
        raise WfmError(f"point {shortened(point)}: x, y and z in metres, such as [1.5, 0.5, 1.0], are expected")
    return np.array([*values, 0.0][:3], np.float64)


def shown(point) -> str:
    """A point for a sentence."""
    return ", ".join(f"{value:g}" for value in point) + " m"


def _check_width(embeddings: np.ndarray, width: int) -> None:
    if embeddings.ndim != 2 or embeddings.shape[1] != width:
        raise WfmError(
            f"embeddings of shape {list(embeddings.shape)}, width {width} is expected, as of the surveyed points: use "
            "the encoder they were surveyed with, or survey again"
        )
