# SPDX-License-Identifier: GPL-3.0-or-later
"""The thread that infers in one run of a flowgraph; a call that does not come back does not keep the run from ending.

Without GNU Radio.
"""

import threading
import time
from collections.abc import Callable

from wfm_core.base import compute, left_behind
from wfm_core.base.errors import WfmError

LEAST_SECONDS = 1.0
"""That a call may take before it is given up, when its run is to end."""
_TIMES_LONGEST = 3
"""And so many times as long as the longest call so far: a large model takes its time."""
_DRAIN_SECONDS = 1.0
"""For what waits when the run is to end."""
_ELSEWHERE_SECONDS = 3.0
"""For what the thread does beside its calls, which takes milliseconds."""
_GIVEN_UP_SECONDS = 0.5
"""For the thread to notice that its call was given up."""
_POLL_SECONDS = 0.02


class Worker(threading.Thread):
    """Runs `serve(worker)` as a daemon.

    Args:
        serve: what the thread does; it makes its calls by `call`, and returns without a trace once `abandoned` is set.
        longest: seconds that a call is known to take.
    """

    def __init__(self, serve: Callable[["Worker"], None], longest: float):
        super().__init__(name="wfm-engine", daemon=True)
        self._serve = serve
        self.longest = longest
        self.abandoned = False
        """Its run is over, and another one may have begun: whatever it still finds out is nobody's any more."""
        self._lock = threading.Lock()
        self._what, self._since = "", 0.0
        self._leave_at: float | None = None
        self._stuck: threading.Thread | None = None

    def run(self) -> None:
        self._serve(self)

    def call(self, what: str, function: Callable, *arguments):
        """The result of `function(*arguments)`; `what` names it, should it not come back."""
        with self._lock:
            self._what, self._since = what, time.monotonic()
        try:
            return function(*arguments)
        finally:
            with self._lock:
                if not self.abandoned:
                    self.longest = max(self.longest, time.monotonic() - self._since)
                self._what, self._since = "", time.monotonic()

    def is_ending(self) -> bool:
        """Its run is over."""
        return self._leave_at is not None

    def must_end(self) -> bool:
        """Its run is over, and there is no more time for what still waits."""
        return self._leave_at is not None and time.monotonic() > self._leave_at

    def end(self) -> str:
        """Wait for the thread, whose run is over. Returns "", or a sentence when it had to be left behind.

        It has a second for what waits and ends then with the call under way, at most three times the longest call so
        far and a second after that has begun.
        """
        began = time.monotonic()
        self._leave_at = began + _DRAIN_SECONDS
        while not (sentence := self._give_up(began)):
            self.join(_POLL_SECONDS)
            if not self.is_alive():
                return ""
        self._stuck = compute.give_up(self, sentence)
        self.join(_GIVEN_UP_SECONDS)
        if self.is_alive():
            self._stuck = self
            left_behind.remember(self, sentence)
        return sentence

    def is_stuck(self) -> bool:
        """The call that was given up has not come back yet."""
        return self._stuck is not None and self._stuck.is_alive()

    def _give_up(self, began: float) -> str:
        """What is waited for in vain; "" while there is hope. From then on nothing the thread does counts."""
        with self._lock:
            now = time.monotonic()
            if self._what and now - self._since > LEAST_SECONDS + _TIMES_LONGEST * self.longest:
                self.abandoned = True
                return f"{self._what} has not come back for {now - self._since:.1f} s: left behind"
            if not self._what and now - max(began, self._since) > _ELSEWHERE_SECONDS:
                self.abandoned = True
                return f"the thread {self.name} did not end within {_ELSEWHERE_SECONDS:g} s: left behind"
        return ""


class StuckBundles:
    """Those that did not come back from a batch, and would not in the next run."""

    def __init__(self):
        self._stuck: list[tuple[Worker, object]] = []

    def remember(self, worker: Worker, bundle) -> None:
        """`worker` was left behind at a batch for `bundle`."""
        if worker.is_stuck():
            self._stuck.append((worker, bundle))

    def check(self, bundle) -> None:
        """Raises `WfmError` while `bundle` has not come back."""
        self._stuck = [(worker, of) for worker, of in self._stuck if worker.is_stuck()]
        if any(of is bundle for _, of in self._stuck):
            raise WfmError(
                f"{named(bundle)} is still at a batch of an earlier run, which was left behind: choose another bundle, "
                "or start the program again"
            )


def named(bundle) -> str:
    """A bundle in a sentence."""
    return f"bundle {bundle.contract.name} ({bundle.path})"
