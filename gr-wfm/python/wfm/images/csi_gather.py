# SPDX-License-Identifier: GPL-3.0-or-later
"""From channel vectors, one a packet and antenna, to windows of packets without holes. Pure logic, no GNU Radio."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from wfm_core.base.errors import WfmError

from .image import Image

_MOST_OPEN = 64
"""Packets of which not all antennas have come yet; the oldest of more is given up."""


@dataclass(frozen=True)
class ChannelVector:
    """What one antenna saw of one packet: complex [subcarriers].

    number: the packet's sequence number, or None; rx_time: (whole seconds, fraction) or None; rx_freq: Hz or None.
    """

    values: np.ndarray
    antenna: int = 0
    number: int | None = None
    rx_time: tuple[int, float] | None = None
    rx_freq: float | None = None


@dataclass(frozen=True)
class _Column:
    pixels: np.ndarray
    lost: bool
    rx_time: tuple[int, float] | None = None


class CsiGather:
    """Puts the antennas of a packet together, counts lost packets, and cuts windows of packets.

    A gap of up to `max_gap` lost packets is filled in: linearly in amplitude, and complex values with those of the
    packet before, as phases of two packets have nothing to do with each other. A window never spans a longer gap, a
    restart of the sequence numbers or another rx_freq: what was gathered is dropped and counted. Packets are lost by
    their sequence numbers, or where there are none by rx_time and `packet_rate`; without either nothing is missed.
    A packet that is not further than its predecessor, by up to `max_gap`, is late or repeated: counted, left out.

    Args:
        antennas: vectors that make a packet.
        packets: columns of a window.
        hop: packets between the starts of two windows, 0 for back to back.
        max_gap: lost packets in a row that are filled in.
        modulus: sequence numbers go from 0 to modulus - 1.
        packet_rate: packets a second, 0 for unknown.
        complex_values: keep real parts of all antennas, then imaginary ones, in place of amplitudes.

    Raises:
        WfmError: a parameter out of its range.
    """

    def __init__(
        self,
        antennas: int,
        packets: int,
        hop: int = 0,
        max_gap: int = 4,
        modulus: int = 4096,
        packet_rate: float = 0.0,
        complex_values: bool = False,
    ):
        if min(antennas, packets) < 1 or hop < 0:
            raise WfmError(
                f"{antennas} antennas, {packets} packets, hop {hop}: 1 antenna, 1 packet and hop 0 or more are expected"
            )
        if not 0 <= max_gap < modulus // 4:
            raise WfmError(f"max_gap {max_gap}: 0 to less than a quarter of the modulus {modulus} is expected")
        if packet_rate < 0:
            raise WfmError(f"packet_rate {packet_rate:g}: packets a second, or 0 for unknown, are expected")
        self._antennas, self._packets, self._hop = antennas, packets, hop or packets
        self._max_gap, self._modulus, self._rate = max_gap, modulus, packet_rate
        self._complex = complex_values
        self._open: dict[int, dict[int, ChannelVector]] = {}
        self._own_number = -1
        self._last: ChannelVector | None = None
        self._place = -1
        self._columns: deque[_Column] = deque(maxlen=packets)
        self._wanted = packets
        self._unused = 0  # columns that are in no window yet
        self.counts = {
            "packets_in": 0,
            "packets_lost": 0,
            "packets_late": 0,
            "packets_incomplete": 0,
            "breaks": 0,
            "packets_flushed": 0,
            "images_out": 0,
        }

    def add(self, vector: ChannelVector) -> list[Image]:
        """The next vector; returns the windows that it completes. Raises `ValueError` for an antenna out of range."""
        if not 0 <= vector.antenna < self._antennas:
            raise ValueError(f"antenna {vector.antenna}: 0 to {self._antennas - 1} is expected")
        number = self._number_of(vector)
        parts = self._open.setdefault(number, {})
        parts[vector.antenna] = vector
        if len(parts) == self._antennas:
            self._give_up_before(number)
            del self._open[number]
            return self._add_packet([parts[antenna] for antenna in range(self._antennas)])
        if len(self._open) > _MOST_OPEN:
            del self._open[next(iter(self._open))]
            self.counts["packets_incomplete"] += 1
        return []

    def _number_of(self, vector: ChannelVector) -> int:
        """Which packet the vector belongs to; without numbers, an antenna that comes again begins the next one."""
        if vector.number is not None:
            return vector.number % self._modulus
        if vector.antenna in self._open.get(self._own_number, {}) or self._own_number not in self._open:
            self._own_number += 1
        return self._own_number

    def _give_up_before(self, number: int) -> None:
        """Packets that were begun before `number` will not be completed any more."""
        while next(iter(self._open)) != number:
            del self._open[next(iter(self._open))]
            self.counts["packets_incomplete"] += 1

    def _add_packet(self, vectors: list[ChannelVector]) -> list[Image]:
        first, last = vectors[0], self._last
        step = 1 if last is None else self._step(last, first)
        if step == 0:
            self.counts["packets_late"] += 1
            return []
        self._last = first
        self.counts["packets_in"] += 1
        self.counts["packets_lost"] += max(step - 1, 0)
        values = np.stack([v.values for v in vectors])
        pixels = np.concatenate([values.real, values.imag]) if self._complex else np.abs(values)
        column = _Column(pixels.astype(np.float32), False, first.rx_time)
        windows = []
        if step < 0 or step > self._max_gap + 1 or (last is not None and last.rx_freq != first.rx_freq):
            self._flush()
            self._place += max(step - 1, 0)
        elif step > 1:
            windows = self._fill(column.pixels, step)
        return windows + self._append(column)

    def _step(self, last: ChannelVector, now: ChannelVector) -> int:
        """By how many packets `now` is further than `last`; 0 for late or repeated, -1 for a restart."""
        if last.number is not None and now.number is not None:
            step = (now.number - last.number) % self._modulus
            if step == 0 or step >= self._modulus - self._max_gap:
                return 0
            return step if step < self._modulus // 2 else -1
        if not self._rate or last.rx_time is None or now.rx_time is None:
            return 1
        seconds = (now.rx_time[0] - last.rx_time[0]) + (now.rx_time[1] - last.rx_time[1])
        return max(1, round(seconds * self._rate)) if seconds > 0 else -1

    def _flush(self) -> None:
        self.counts["breaks"] += 1
        self.counts["packets_flushed"] += self._unused
        self._columns.clear()
        self._wanted, self._unused = self._packets, 0

    def _fill(self, after: np.ndarray, step: int) -> list[Image]:
        before = self._columns[-1].pixels
        change = 0 * before if self._complex else after - before
        return [
            window for i in range(1, step) for window in self._append(_Column(before + change * (i / step), lost=True))
        ]

    def _append(self, column: _Column) -> list[Image]:
        self._columns.append(column)
        self._place += 1
        self._wanted -= 1
        self._unused += 1
        if self._wanted:
            return []
        self._wanted, self._unused = self._hop, 0
        self.counts["images_out"] += 1
        return [
            Image(
                pixels=np.stack([column.pixels for column in self._columns], axis=-1),
                sample_start=self._place - self._packets + 1,
                sample_count=self._packets,
                rx_time=self._columns[0].rx_time,
                rx_freq=self._last.rx_freq,
                packets_lost=sum(column.lost for column in self._columns),
                lost_so_far=self.counts["packets_lost"],
            )
        ]
