# SPDX-License-Identifier: GPL-3.0-or-later
"""From one message a task to one line a window, as soon as the window has all its answers. Without GNU Radio."""

import threading
import time
from collections.abc import Callable

from ..ports.messages import Detection

_QUIET_SECONDS = 0.2
"""After which a window whose sender does not say how many answers it has is taken for complete."""


class WindowLines:
    """Puts the answers for a window together; they come one after the other.

    A window is handed on when it has as many answers as its sender says, when the next one begins, when nothing more
    came for a fifth of a second, and at `finish`.

    Args:
        hand_on: called with the answers for one window, by one thread at a time. It must not raise.
    """

    def __init__(self, hand_on: Callable[[list[Detection]], None]):
        self._hand_on = hand_on
        self._changed = threading.Condition()
        self._pending: list[Detection] = []
        self._due = 0.0
        self._ending = False
        self._waiter: threading.Thread | None = None

    def add(self, found: Detection) -> None:
        with self._changed:
            if not _together(self._pending, found):
                self._flush()
            self._pending.append(found)
            if found.window_tasks is not None and len(self._pending) >= found.window_tasks:
                self._flush()
            elif found.window_tasks is None:
                self._wait()

    def finish(self) -> None:
        """Hand on what waits; more may come, as in the next run of a flowgraph."""
        with self._changed:
            self._flush()
            waiter, self._waiter, self._ending = self._waiter, None, True
            self._changed.notify_all()
        if waiter is not None:
            waiter.join(1.0)

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        if pending:
            self._hand_on(pending)

    def _wait(self) -> None:
        self._due = time.monotonic() + _QUIET_SECONDS
        if self._waiter is None:
            self._ending = False
            self._waiter = threading.Thread(target=self._flush_when_quiet, name="wfm-lines", daemon=True)
            self._waiter.start()

    def _flush_when_quiet(self) -> None:
        with self._changed:
            while not self._ending:
                left = self._due - time.monotonic()
                if left <= 0:
                    self._flush()
                self._changed.wait(left if left > 0 else _QUIET_SECONDS)


def _together(pending: list[Detection], found: Detection) -> bool:
    """Whether `found` is a further answer for the window that waits."""
    return all(
        (one.sample_start, one.sample_count, one.freq_lower_edge)
        == (found.sample_start, found.sample_count, found.freq_lower_edge)
        and one.task != found.task
        for one in pending
    )
