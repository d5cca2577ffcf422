# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine counts beside its source: inferred windows, those that stay undecided, covered samples, latency."""

import threading
from collections import deque

import numpy as np

from .window_source import COUNTERS

_LATENCIES_KEPT = 4096
PARTS = ("latency", "wait", "network", "compute")
"""From a window's last sample to its answer, and what of it was spent in queues, on the way, and on all the rest."""


class LatencyCounters:
    """Written by the engine's worker, read by anyone.

    Windows come in rising order of their first sample; after lock() and unlock() of the flowgraph it begins again.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._run = 0
        self._clear()

    def of_run(self, number: int) -> None:
        """What follows is of the run with this number of the source; counts begin with each run, as the source's do."""
        with self._lock:
            if number != self._run:
                self._run = number
                self._clear()

    def _clear(self) -> None:
        self._latencies = deque(maxlen=_LATENCIES_KEPT)
        self._inferred = 0
        self._undecided = 0
        self._covered = 0
        self._covered_to = 0
        self._last_start = 0

    def add_undecided(self, count: int) -> None:
        """So many windows were given back without an answer."""
        with self._lock:
            self._undecided += count

    def add(self, starts: np.ndarray, lengths: np.ndarray, latencies: list[list[float]]) -> None:
        """A batch was inferred: of each window the first sample, the samples, and `PARTS` in seconds."""
        with self._lock:
            self._inferred += len(starts)
            self._latencies.extend(latencies)
            for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
                if start < self._last_start:
                    self._covered_to = 0
                self._last_start = start
                begin = max(start, self._covered_to)
                self._covered_to = max(start + length, self._covered_to)
                self._covered += self._covered_to - begin

    def snapshot(self, counters: dict) -> dict:
        """The status: the source's counters and ours.

        `coverage` is the share of samples inside inferred windows; a source that counts the samples at which it
        `samples_looked` for windows has it by those.
        """
        with self._lock:
            latencies = np.array(self._latencies or [[0.0] * len(PARTS)]) * 1e3
            p50, p95 = np.percentile(latencies, [50, 95], axis=0).tolist()
            samples_in = int(counters["samples_in"])
            covered = counters.get("samples_looked", self._covered)
            return {
                **dict.fromkeys(COUNTERS, 0),
                **{name: value if isinstance(value, str) else int(value) for name, value in counters.items()},
                "windows_inferred": self._inferred,
                "windows_undecided": self._undecided,
                "coverage": min(1.0, covered / samples_in) if samples_in else 0.0,
                **{f"{part}_ms_p50": value for part, value in zip(PARTS, p50, strict=True)},
                **{f"{part}_ms_p95": value for part, value in zip(PARTS, p95, strict=True)},
            }
