# SPDX-License-Identifier: GPL-3.0-or-later
"""What feeds the engine: windows of a stream, signals found in it, or images that come as messages.

Without GNU Radio.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from wfm_core.bundle.bundle import Answer

COUNTERS = (
    "samples_in", "samples_out", "samples_before", "samples_lost", "windows_in", "windows_dropped", "windows_gated",
    "windows_flushed", "windows_invalid", "queue_depth",
)  # fmt: skip
"""In every status, 0 where a source has no such thing. samples_before: from where the windows' starts are counted."""


@dataclass(frozen=True)
class Windows:
    """Windows that were taken from a source, one entry each.

    start, length: int64 [count], in samples; rate: float64 [count], Hz; lag: int64 [count], samples by which the source
    had run on past the window's last one when it was taken, 0 where the source waits for the engine; power: [count],
    mean |x|^2; rx_time: (whole seconds, fraction) or None; rx_freq: Hz or None.

    copy_to: copies their samples into the first `count` rows of a buffer, once; handle: the source's own.

    bands: of windows that are single signals, freq_lower_edge, freq_upper_edge and snr_db of each, as of
    `ports.messages.WindowFacts`; None of windows of the whole band.

    refused: bool [count], those that get no decision, which `infer` may still say; None: none of them.
    """

    start: np.ndarray
    length: np.ndarray
    rate: np.ndarray
    lag: np.ndarray
    power: np.ndarray
    rx_time: list[tuple[int, float] | None]
    rx_freq: list[float | None]
    copy_to: Callable[[np.ndarray], None]
    handle: object
    bands: list[dict] | None = None
    refused: np.ndarray | None = None

    @property
    def count(self) -> int:
        """0: the source has ended, and nothing waits in it any more."""
        return len(self.start)


def ran_on(position: int, ends: np.ndarray) -> np.ndarray:
    """int64 [count], samples: how far a stream that is counted to `position` had run on past where windows end.

    A block counts what it looked at when it is through with it, and a window is taken as soon as it is cut: where it
    ends, the stream has been all the same.
    """
    return np.maximum(position - ends, 0)


class WindowSource(Protocol):
    """Where windows wait for the engine's worker. The methods may be called from any thread."""

    on_error: str
    """What `end` without draining does to what the windows come from: "stop" ends it, "bypass" lets it go on."""

    def open(self) -> None:
        """Be ready for a run, after `close` as well; without effect in a run that has begun."""

    def take(self, most: int, timeout_ms: int) -> Windows | None:
        """Up to `most` windows, the oldest first; none of them at the end, None when none came in time."""

    def buffer(self, most: int) -> np.ndarray:
        """A new array with room for `most` windows."""

    def infer(self, bundle, windows: Windows, samples: np.ndarray) -> dict[str, np.ndarray]:
        """The bundle's outputs for windows that were copied into the rows of a buffer."""

    def out_of_range(self, rates: np.ndarray, contract) -> np.ndarray:
        """bool [n]: which of the rates (Hz) the bundle was not trained for."""

    def complete(self, windows: Windows, tags: list[list[tuple]]) -> np.ndarray:
        """Hand in the results, a list of (key, value) PMTs for each window.

        Returns bool [count]: whether they come after the window's first sample has passed.
        """

    def end(self, drain: bool) -> None:
        """Let what the windows come from end. drain: those that wait are still taken; else inference has failed."""

    def close(self) -> None:
        """The flowgraph stops: no more windows come; those that wait are still taken."""

    def run(self) -> int:
        """The number of this run, from 1; lock() and unlock() may begin no new one."""

    def counters(self) -> dict[str, int]:
        """Of this run, for the status: those of `COUNTERS` that it has, and its own."""

    def control(self, key: str, value) -> None:
        """Set gate_dbfs or hop. Raises `ValueError` for a value that is none, and where there is no such setting."""


class AheadSource(WindowSource, Protocol):
    """A source of which a batch may be taken while the one before is computed."""

    def begin(self, bundle, windows: Windows, samples: np.ndarray) -> Answer:
        """As `infer`, but it is not waited for; `samples` stay as they are until the answer is there."""
