# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends of flowgraphs."""

import threading
import time


def stopped_within(seconds: float, top) -> float:
    """Stop and wait in another thread; how long it took."""
    begin = time.monotonic()
    ending = threading.Thread(target=lambda: (top.stop(), top.wait()), daemon=True)
    ending.start()
    ending.join(seconds)
    assert not ending.is_alive(), "the flowgraph does not end"
    return time.monotonic() - begin
