# SPDX-License-Identifier: GPL-3.0-or-later
"""What a detection display knows: the flowgraph's threads write it, the GUI's thread takes a frame of it."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from wfm_core.base.quantities import measured_in, shown

from ..ports.event import Event
from ..ports.messages import Detection
from .boxes import Box, Boxes
from .rows import RowRing

_RATE_SECONDS = 2.0


@dataclass(frozen=True)
class Frame:
    """All that is drawn at one moment.

    levels: float32 [rows, fft_size] dBFS, newest first, NaN where nothing was received; end: the sample after the
    newest row; rate: samples a second that arrive, 0 before it is known; answers: task -> its latest, in words;
    status: the latest of WFM Inference, or empty; notice: what it last warned of or refused; ignored: messages.
    """

    version: int
    levels: np.ndarray
    end: int
    center_freq: float
    boxes: list[Box]
    rate: float
    answers: dict[str, str]
    status: dict
    notice: str
    ignored: int


class DisplayState:
    """Args: fft_size; row_samples: samples a row; center_freq: Hz; background: labels that make no box."""

    def __init__(self, fft_size: int, row_samples: int, center_freq: float, background):
        self._shape = fft_size, row_samples
        self._center_freq = center_freq
        self._background = tuple(background)
        self._lock = threading.Lock()
        self._version = 0
        self.clear()

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._lock:
            self._version += 1
            yield

    def clear(self) -> None:
        """A stream begins: sample numbers start again."""
        with self._change():
            self._rows = RowRing(*self._shape)
            self._boxes = Boxes(self._background, max_gap=self._shape[1])
            self._arrivals: deque[tuple[float, int]] = deque()
            self._answers: dict[str, str] = {}
            self._status: dict = {}
            self._notice = ""
            self._ignored = 0

    def add_rows(self, number: int, rows: np.ndarray) -> None:
        """Rows float32 [n, fft_size] in dBFS that follow each other from row `number`."""
        with self._change():
            self._rows.add(number, rows)
            now = time.monotonic()
            self._arrivals.append((now, self._rows.end))
            while len(self._arrivals) > 2 and self._arrivals[0][0] < now - _RATE_SECONDS:
                self._arrivals.popleft()

    def tune(self, center_freq: float) -> None:
        """Another frequency: the rows from before would stand on a wrong axis."""
        with self._lock:
            if center_freq != self._center_freq:
                self._version += 1
                self._center_freq = center_freq
                self._rows.clear()

    def add_detection(self, found: Detection) -> None:
        with self._change():
            if measured_in(found.decision):
                self._answers[found.task] = shown(found.decision)
                return
            label, score = found.decision["label"], found.decision["score"]
            self._answers[found.task] = f"{label} {score:.2f}, {found.level:.0f} dBFS"
            end = found.sample_start + found.sample_count
            band = self._edges(found), found.snr_db
            self._boxes.add_window(found.task, label, score, found.sample_start, end, *band)

    def add_event(self, task: str, event: Event) -> None:
        with self._change():
            end = event.sample_start + event.sample_count
            band = self._edges(event), event.snr_db
            self._boxes.add_event(event.kind, task, event.label, event.score, event.sample_start, end, *band)

    def _edges(self, of: Detection | Event) -> tuple[float, float] | None:
        """In Hz on the display's axis: they count from the middle of the band where the sender knows no frequency."""
        if of.freq_lower_edge is None:
            return None
        middle = self._center_freq if of.rx_freq is None else 0.0
        return middle + of.freq_lower_edge, middle + of.freq_upper_edge

    def add_notice(self, text: str) -> None:
        with self._change():
            self._notice = text

    def set_status(self, status: dict) -> None:
        with self._change():
            self._status = status

    def count_ignored(self) -> None:
        with self._change():
            self._ignored += 1

    def version(self) -> int:
        """Another number after every change."""
        return self._version

    def frame(self) -> Frame:
        with self._lock:
            return Frame(
                version=self._version,
                levels=self._rows.newest_first(),
                end=self._rows.end,
                center_freq=self._center_freq,
                boxes=self._boxes.copies(),
                rate=self._rate(),
                answers=dict(self._answers),
                status=self._status,
                notice=self._notice,
                ignored=self._ignored,
            )

    def _rate(self) -> float:
        if len(self._arrivals) < 2:
            return 0.0
        (then, first), (now, last) = self._arrivals[0], self._arrivals[-1]
        return (last - first) / (now - then) if now > then else 0.0


def status_line(frame: Frame) -> str:
    """Rate, drops and latency in one line."""
    parts = [f"{frame.rate / 1e6:.3f} MS/s"]
    status = frame.status
    if status:
        parts += [
            f"windows {status['windows_inferred']}, dropped {status['windows_dropped']}",
            f"samples lost {status['samples_lost']}",
            f"latency {status['latency_ms_p50']:.1f} ms (95 %: {status['latency_ms_p95']:.1f} ms)",
        ]
    if frame.ignored:
        parts.append(f"messages ignored {frame.ignored}")
    if status.get("error"):
        parts.append(f"inference failed: {status['error']}")
    elif status.get("ended"):
        parts.append("ended")
    return " | ".join(parts)
