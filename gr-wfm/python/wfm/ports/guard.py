# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard around message handlers and work functions of Python blocks.

In GNU Radio 3.10 an exception that leaves a handler ends the block's thread while the flowgraph goes on: whatever an
unknown sender says must end no block. An exception out of `stop()` ends the process.
"""

import functools
import threading
import traceback
from collections.abc import Callable

from wfm_core.base.errors import WfmError, one_line


class Guard:
    """Turns what a block's functions raise into a count and a line in the log, one line for each kind of fault.

    Args:
        say: takes the sentence to log, such as `block.logger.error`.
        on_refusal: called with each exception, to count it in the block's status or to publish it; it may fail, too.
    """

    def __init__(self, say: Callable[[str], None], on_refusal: Callable[[Exception], None] | None = None):
        self._say, self._on_refusal = say, on_refusal
        self._lock = threading.Lock()  # handlers run in the block's thread, stop() in another
        self._kinds: set[tuple] = set()
        self.refused = 0
        """Exceptions so far."""

    def run(self, call: Callable, *arguments, what: str) -> None:
        """Calls it; what it raises is refused."""
        try:
            call(*arguments)
        except Exception as error:  # noqa: BLE001 - that is what a guard is for
            self.refuse(error, what)

    def refuse(self, error: Exception, what: str) -> None:
        """Count `error`; log it if it is the first of its kind (class of exception and line that raised it)."""
        where = traceback.extract_tb(error.__traceback__)
        kind = what, type(error), where[-1].filename if where else "", where[-1].lineno if where else 0
        with self._lock:
            self.refused += 1
            new = kind not in self._kinds
            self._kinds.add(kind)
        if new:
            self._say(f"{what}: {_sentence(error)} (logged once for each kind of fault)")
        if self._on_refusal is not None:
            try:
                self._on_refusal(error)
            except Exception as fault:  # noqa: BLE001 - as above
                self._say(f"a refusal was not published: {_sentence(fault)}")


def guarded(what: str, gives=None) -> Callable:
    """A method of a block with a `_guard`, which then never raises, and returns `gives`.

    what: says what came of it where it would have raised, such as "rows were not drawn".
    """

    def decorate(method: Callable) -> Callable:
        @functools.wraps(method)
        def run(block, *arguments):
            block._guard.run(method, block, *arguments, what=what)
            return gives

        return run

    return decorate


guarded_start = guarded("the block did not start as it should", gives=True)
"""Of `start()`: it runs in the block's own thread, where an exception is a block that is silently not there."""
guarded_stop = guarded("the block did not stop as it should", gives=True)
"""Of `stop()`, where an exception ends the process."""


def _sentence(error: Exception) -> str:
    """The exception in one line of bounded length: an unknown sender may have written its text."""
    ours = isinstance(error, WfmError) or type(error) is ValueError
    return one_line(str(error) if ours else f"{type(error).__name__}: {error}")
