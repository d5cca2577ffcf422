# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a server that does not answer, once an outage, and what is done about it.

Without GNU Radio.
"""

import contextlib
import time
from collections.abc import Callable

from wfm_core.base.errors import WfmError
from wfm_core.serving.remote import OtherBundleError, Remote, UnansweredError

from .hot_swap import BundleSwap

_LOOK_SECONDS = 10.0
"""Between questions for another bundle that the server has."""
PATIENCE_SECONDS = 10.0
"""For which a question is asked again, where the flowgraph ends without an answer."""


class Outage:
    """`notice(event, text)` is told when answers cease and when they come again.

    A server that has another bundle now is asked for that one, which is taken where its contract agrees: see
    `BundleSwap`.
    """

    def __init__(self, swap: BundleSwap, notice: Callable[[str, str], None]):
        self._swap, self._notice = swap, notice
        self._next_look = 0.0
        self.reason = ""
        """Why nothing is decided at present, or ""."""

    def unanswered(self, bundle, error: UnansweredError) -> None:
        if not self.reason:
            self._notice("unanswered", f"{error}; windows pass undecided")
        self.reason = str(error)
        if isinstance(error, OtherBundleError) and time.monotonic() > self._next_look:
            self._next_look = time.monotonic() + _LOOK_SECONDS
            with contextlib.suppress(WfmError):  # it is being loaded
                self._swap.request(bundle.name)

    def answered(self) -> None:
        if self.reason:
            self.reason = ""
            self._notice("answered", "the server answers again")


def call_seconds(bundle) -> float:
    """What a call may take that is asked of a server; 0.0 where the bundle computes here."""
    return bundle.call_seconds if isinstance(bundle, Remote) else 0.0


def spent(bundle) -> tuple[float, float]:
    """See `Remote.spent`."""
    return bundle.spent() if isinstance(bundle, Remote) else (0.0, 0.0)


def limit(bundle, seconds: float | None) -> None:
    """See `Remote.limit`."""
    if isinstance(bundle, Remote):
        bundle.limit(seconds)


def server_version(bundle) -> str:
    """Of the server, "" where the bundle computes here."""
    return bundle.server_version if isinstance(bundle, Remote) else ""


def replica(bundle) -> str:
    """Of the server, that gave the last answer, "" where the bundle computes here."""
    return bundle.replica if isinstance(bundle, Remote) else ""
