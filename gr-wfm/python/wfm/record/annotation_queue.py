# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks on their way into recordings: they may come before their samples are on the disk. Without GNU Radio."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wfm_core.base import left_behind
from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.annotations import Mark, annotate

_PATIENCE_SECONDS = 3.0
"""How long a mark waits for its samples: the recorder writes within a fraction of a second."""

_PERIOD_SECONDS = 0.5
_STOP_SECONDS = 5.0
_SHARE = 0.05
"""Of the time may go into rewriting metadata, which grow."""

_RECORDINGS = 64
"""The latest ones; marks come soon after their samples."""


@dataclass(frozen=True)
class _Recording:
    path: Path
    start: int
    """In the stream, of its first sample."""


class AnnotationQueue:
    """Writes marks into the recordings that have their samples, on a thread of its own.

    Args:
        recording: path of the one finished recording, whose own samples the marks count; None: those that `follow`
            tells of, and the marks count the samples of the stream.
        complain: called with a sentence, once, when a recording cannot be annotated.
    """

    def __init__(self, recording: Path | None, complain: Callable[[str], None]):
        self._in_stream = recording is None
        self._recordings = deque([] if recording is None else [_Recording(recording, 0)], maxlen=_RECORDINGS)
        self._complain = complain
        self._complaints: deque[str] = deque(maxlen=_RECORDINGS)
        self._waiting: dict[tuple, tuple[Mark, float]] = {}
        self._placed: set[tuple] = set()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self.busy_with: Path | None = None
        """The recording that is being written."""
        self.failure = ""
        """Why the last marks may be missing, or ""."""
        self.counts = {"written": 0, "outside": 0}
        """Marks by their fate; outside: no recording has their samples."""

    def start(self) -> None:
        self._ending, self.failure = threading.Event(), ""
        arguments = self._ending, self._thread
        self._thread = threading.Thread(target=self._run, args=arguments, name="wfm-annotate", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits; up to three seconds if the samples of the last marks are not there yet.

        A disk that hangs is waited for five seconds in all; then the thread is left behind, which `failure` tells.
        """
        self._ending.set()
        self._thread.join(_STOP_SECONDS)
        if self._thread.is_alive():
            where = f"the annotation of {self.busy_with}" if self.busy_with else f"the thread {self._thread.name}"
            self.failure = (
                f"{where} did not end within {_STOP_SECONDS:g} s, {len(self._waiting)} marks wait: left behind"
            )
            left_behind.remember(self._thread, self.failure)
            self._complain(self.failure)

    def follow(self, path: str, start: int) -> None:
        """A recording begins at sample `start` of the stream."""
        with self._lock:
            self._recordings.append(_Recording(Path(path), start))

    def add(self, mark: Mark) -> None:
        """A mark; one with the same key takes the place of the earlier one."""
        with self._lock:
            self._waiting[mark.key] = (mark, time.monotonic() + _PATIENCE_SECONDS)

    def waiting(self) -> int:
        """Marks whose fate is not known yet."""
        with self._lock:
            return len(self._waiting)

    def _run(self, ending: threading.Event, before: threading.Thread | None) -> None:
        pause = _PERIOD_SECONDS
        while before is not None and before.is_alive():  # left behind: two must not write at once
            if ending.wait(pause):
                return
        while not ending.wait(pause):
            begin = time.monotonic()
            self._flush()
            pause = max(_PERIOD_SECONDS, (time.monotonic() - begin) / _SHARE)
        while self._flush():
            time.sleep(0.1)

    def _flush(self) -> int:
        """Write what can be written; returns how many marks still wait."""
        with self._lock:
            waiting, recordings = dict(self._waiting), list(self._recordings)
        reach = 0
        for recording, following in zip(recordings, [*recordings[1:], None], strict=False):
            marks = [mark for mark, _ in waiting.values() if _may_touch(mark, recording, following)]
            reach = max(reach, self._write(recording, marks)) if marks else reach
        now = time.monotonic()
        with self._lock:
            for key, (mark, until) in waiting.items():
                if self._waiting.get(key) == (mark, until) and (mark.end <= reach or now > until or self._finished):
                    del self._waiting[key]
                    self._count(key)
            return len(self._waiting)

    @property
    def _finished(self) -> bool:
        """The one recording grows no more."""
        return not self._in_stream

    def _write(self, recording: _Recording, marks: list[Mark]) -> int:
        """Returns up to where there are samples."""
        try:
            self.busy_with = recording.path
            written = annotate(recording.path, marks, in_stream=self._in_stream)
            self.busy_with = None
        except Exception as error:  # noqa: BLE001 - one strange file must not end the work on the others
            sentence = str(error) if isinstance(error, WfmError) else f"{recording.path} was not annotated: {error!r}"
            if sentence not in self._complaints:
                self._complaints.append(sentence)
                self._complain(sentence)
            return 0
        self._placed.update(mark.key for mark in written.placed)
        return written.reach

    def _count(self, key: tuple) -> None:
        placed = key in self._placed
        self._placed.discard(key)
        self.counts["written" if placed else "outside"] += 1


def _may_touch(mark: Mark, recording: _Recording, following: _Recording | None) -> bool:
    return recording.start < mark.end and (following is None or following.start > mark.start)
