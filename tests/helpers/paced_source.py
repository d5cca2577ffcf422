# SPDX-License-Identifier: GPL-3.0-or-later
"""A source that gives as many samples as it is told to, as a radio does that may fall silent."""

import threading

import numpy as np
from gnuradio import gr


class PacedSource(gr.sync_block):
    """Zeros: `give(n)` of them, then it waits; `give(None)` ends the stream."""

    def __init__(self):
        gr.sync_block.__init__(self, "paced_source", None, [np.complex64])
        self._lock, self._left, self._end = threading.Condition(), 0, False

    def start(self) -> bool:
        self._end = False
        return True

    def give(self, samples: int | None) -> None:
        with self._lock:
            self._left += samples or 0
            self._end = samples is None
            self._lock.notify()

    def work(self, input_items, output_items):
        with self._lock:
            self._lock.wait_for(lambda: self._left or self._end, 0.05)
            count = min(self._left, len(output_items[0]))
            self._left -= count
            if not count and self._end:
                return -1  # WORK_DONE, which gr has as no number
            output_items[0][:count] = 0
            return count
