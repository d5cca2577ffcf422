# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a condition."""

import threading
import time
from collections.abc import Callable

_POLL_SECONDS = 0.005


def wait_for(condition: Callable[[], object], seconds: float = 60.0, otherwise: Callable[[], str] = lambda: ""):
    """Wait until `condition()` is true, and return it; fail when it is not so in time, with what `otherwise` says."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not so within {seconds:g} s: {otherwise()}"
        time.sleep(_POLL_SECONDS)
    return found


def thread(name: str) -> threading.Thread | None:
    """The one thread of this name that runs, or None."""
    found = [one for one in threading.enumerate() if one.name == name]
    assert len(found) < 2, found
    return found[0] if found else None
