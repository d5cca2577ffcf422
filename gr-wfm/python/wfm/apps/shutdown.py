# SPDX-License-Identifier: GPL-3.0-or-later
"""How a program with a flowgraph ends: with the stream, with its radio, or with Ctrl-C, and always soon."""

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from wfm_core.base import left_behind

PATIENCE_SECONDS = 1.0
"""For windows under way when the user ends the program."""
_JOIN_SECONDS = 0.5
"""For blocks to end; a radio's driver may never return."""
_POLL_SECONDS = 0.1


def end_at_once() -> None:
    """While a program starts Ctrl-C ends it at once: a driver or a model that loads keeps Python from seeing it.

    Nothing is to be saved before a flowgraph runs; from then on `Running.end_on_signals` holds.
    """
    is_pythons_own = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_pythons_own and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)


class Running:
    """A started flowgraph. Blocks: the `wfm.sdr_source` and what takes its samples, with `status()` and `finish()`."""

    def __init__(self, top_block, source, taker):
        self._top_block, self._source, self._taker = top_block, source, taker
        self._ended = threading.Event()
        self._interrupted_at: float | None = None
        self._waiter = threading.Thread(
            target=lambda: (top_block.wait(), self._ended.set()), name="wfm-wait", daemon=True
        )
        self._waiter.start()

    @property
    def interrupted(self) -> bool:
        """The user wants to end."""
        return self._interrupted_at is not None

    def end_on_signals(self, again: Callable[[], None]) -> None:
        """Ctrl-C ends the stream, so that what is under way is still decided; a second time it calls `again`."""

        def interrupt(*_):
            if self._interrupted_at is not None:
                again()
                return
            self._interrupted_at = time.monotonic()
            self._taker.finish()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, interrupt)

    def over(self) -> bool:
        """The flowgraph has ended, or should: its radio gives nothing more, or the user has waited long enough."""
        if self._ended.is_set():
            return True
        if self._interrupted_at is not None:
            return time.monotonic() - self._interrupted_at > PATIENCE_SECONDS
        return bool(self._source.error()) and self._taker.status()["ended"]

    def wait(self) -> None:
        """Until it is over, where no window has a main loop."""
        self.end_on_signals(self._ended.set)
        while not self.over():
            self._ended.wait(_POLL_SECONDS)

    def leave(self, sum_up: Callable[[bool], int], close: Callable[[], None] = lambda: None) -> NoReturn:
        """Stop the flowgraph, sum up, let go of the radio, and leave the program.

        sum_up: is told whether the user interrupted, and returns the exit status; close: for what waits for the
        flowgraph's end without a limit, and so is left out where that does not come.
        """
        self._top_block.stop()
        self._waiter.join(_JOIN_SECONDS)
        hangs = self._waiter.is_alive()
        if not hangs:
            close()
        status = sum_up(self.interrupted)
        if hangs:
            self._leave_behind(status)
        if left_behind.sentences():
            _exit_now(status)  # with its thread, nothing can be taken down
        # Some drivers of radios abort the process where the interpreter ends before the device is closed.
        self._source.release()
        self._top_block.disconnect_all()
        gc.collect()
        sys.exit(status)

    def _leave_behind(self, status: int) -> NoReturn:
        """End the process although a thread does not."""
        program = os.path.basename(sys.argv[0])
        if not status and not self._taker.status()["ended"]:
            status = 1
            print(f"{program}: inference did not end within {_JOIN_SECONDS:g} s: left behind", file=sys.stderr)
        elif not self._source.error() and not self.interrupted:
            print(f"{program}: the flowgraph did not end within {_JOIN_SECONDS:g} s: left behind", file=sys.stderr)
        _exit_now(status)


def _exit_now(status: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
