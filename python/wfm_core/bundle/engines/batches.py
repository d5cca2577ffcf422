# SPDX-License-Identifier: GPL-3.0-or-later
"""How many windows of a stream are computed at once, chosen by the time that they take while the stream runs."""

import statistics
from collections import deque

WORTH = 1.02
"""A larger batch must be this many times faster a window: it has the longer latency."""
_KEPT = 9
"""Times of each size, the last ones: the median of so many is little moved by one slow batch."""
_AGAIN = 96
"""The first full batches of so many have another size, which is measured again."""
_PROBES = 3
"""So many of them: where one batch is taken while another is computed, the first of a size has the pace of both."""


class Batches:
    """Which of `most`, its half and its quarter to take at once.

    Only full batches count: where fewer windows wait, inference keeps up, and takes what there is.
    """

    def __init__(self, most: int):
        sizes = sorted({most, max(1, most // 2), max(1, most // 4)}, reverse=True)
        self._seconds: dict[int, deque[float]] = {size: deque(maxlen=_KEPT) for size in sizes}
        self._full = 0
        self._last = 0
        self.chosen = most
        """The fewest windows with which one takes hardly longer than with the best number; `most` until that is
        known."""
        self.size = most
        """How many to take next."""

    def add(self, count: int, seconds: float) -> None:
        """A batch of `count` windows took so long, all that belongs to it included."""
        steady, self._last = count == self._last, count
        if count != self.size or not steady:
            return
        self._full += 1
        self._seconds[count].append(seconds / count)
        fewest = min(self._seconds, key=lambda size: len(self._seconds[size]))
        if len(self._seconds[fewest]) < _KEPT:
            self.size = fewest
            return
        middle = {size: statistics.median(times) for size, times in self._seconds.items()}
        best = min(middle.values())
        self.chosen = min(size for size in middle if middle[size] <= WORTH * best)
        self.size = self.chosen
        if self._full % _AGAIN < _PROBES:
            others = [size for size in middle if size != self.chosen] or [self.chosen]
            self.size = others[self._full // _AGAIN % len(others)]
