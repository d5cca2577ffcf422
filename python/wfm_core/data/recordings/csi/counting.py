# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks and sequence numbers that begin again."""

_MOST_SENDERS = 1024
_LONGEST_GAP = 1 << 15


class Clock:
    """Microseconds in 32 bits, which begin again after 72 minutes, as seconds that go on."""

    def __init__(self):
        self._last, self._turns = 0, 0

    def seconds(self, ticks: int) -> float:
        """Of the next value. A step back of less than half a turn is a receiver that was started again."""
        if self._last - ticks > 1 << 31:
            self._turns += 1
        self._last = ticks
        return ((self._turns << 32) + ticks) / 1e6


class LostPackets:
    """Counts the numbers that are missing between packets, from 0 to `modulus` - 1, for each sender apart.

    A step of half the modulus, or of 32768, or more is late, repeated or a restart: nothing is known to be lost then.
    """

    def __init__(self, modulus: int):
        self._modulus = modulus
        self._last: dict[str, int] = {}
        self.lost = 0

    def add(self, sender: str, number: int) -> None:
        if len(self._last) >= _MOST_SENDERS and sender not in self._last:
            self._last.clear()  # anybody may invent senders
        step = (number - self._last.get(sender, number)) % self._modulus
        if step < min(self._modulus // 2, _LONGEST_GAP):
            self.lost += max(step - 1, 0)
        self._last[sender] = number

    def forget(self) -> None:
        """What comes next does not go on from what came."""
        self._last.clear()
