# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of ends share."""

import threading
import time


def wait_for(condition, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def stopped_within(seconds: float, top) -> float:
    """Stop and wait in another thread; how long it took."""
    begin = time.monotonic()
    ending = threading.Thread(target=lambda: (top.stop(), top.wait()), daemon=True)
    ending.start()
    ending.join(seconds)
    assert not ending.is_alive(), "the flowgraph does not end"
    return time.monotonic() - begin
