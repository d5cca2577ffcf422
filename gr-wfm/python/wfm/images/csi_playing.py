# SPDX-License-Identifier: GPL-3.0-or-later
"""When the packets of a log are due. No GNU Radio."""

import time

LONGEST_PAUSE = 10.0
"""Seconds; a longer pause of a log, or a step back of its clock, is not waited for."""


class Pacer:
    """Of packets with times, at the pace of their times; `begin` is called again where a log begins again."""

    def __init__(self):
        self.begin()

    def begin(self) -> None:
        self._time: float | None = None
        self._due = time.monotonic()

    def wait_for(self, packet_time: float | None) -> float:
        """Seconds until the packet of that time is due; 0 where it has none."""
        if packet_time is None:
            return 0.0
        step = 0.0 if self._time is None else packet_time - self._time
        self._time = packet_time
        if 0 <= step <= LONGEST_PAUSE:
            self._due += step
        else:
            self._due = time.monotonic()
        return max(self._due - time.monotonic(), 0.0)
