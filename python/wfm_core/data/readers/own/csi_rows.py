# SPDX-License-Identifier: GPL-3.0-or-later
"""The packets of a CSI log as rows of equal shape: all antennas of each together, and where they do not go on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from wfm_core.data.recordings.csi.log import CsiLog
from wfm_core.data.recordings.csi.packet import CsiPacket

LONGEST_PAUSE = 1.0
"""Seconds; packets that are further apart are not of one window."""

Shape = tuple[tuple[int, ...], int]
"""The numbers of a row's antennas, and how many subcarriers each has."""


@dataclass(frozen=True, eq=False)
class Row:
    """All antennas of one packet: complex64 [antennas, subcarriers]."""

    values: np.ndarray
    numbers: tuple[int, ...]
    time: float | None
    frequency: float | None

    @property
    def shape(self) -> Shape:
        return self.numbers, self.values.shape[1]


def rows(log: CsiLog, antennas: int | None = None) -> Iterator[Row]:
    """Of all packets of `log`, the first `antennas` of each (None: all)."""
    for parts in _together(log.packets()):
        found = {}
        for packet in parts:
            found |= dict(enumerate(packet.vectors(), packet.first))
        numbers = tuple(sorted(found)[:antennas])
        if len({len(found[number]) for number in numbers}) == 1:
            values = np.stack([found[number] for number in numbers])
            yield Row(values, numbers, parts[0].time, parts[0].frequency)


def _together(packets: Iterator[CsiPacket]) -> Iterator[list[CsiPacket]]:
    """Those of one packet on the air, of formats that log each core and stream on its own: one sender, one number."""
    parts: list[CsiPacket] = []
    for packet in packets:
        same = (
            parts
            and packet.number is not None
            and (packet.source, packet.number) == (parts[0].source, parts[0].number)
            and packet.first not in [part.first for part in parts]
        )
        if parts and not same:
            yield parts
            parts = []
        parts.append(packet)
    if parts:
        yield parts


def count_shapes(log: CsiLog, antennas: int | None) -> Counter[Shape]:
    """How many rows there are of each shape."""
    return Counter(row.shape for row in rows(log, antennas))


def amplitudes(
    log: CsiLog, shape: Shape, antennas: int | None, subcarriers: Sequence[int] | None
) -> tuple[np.ndarray, list[int]]:
    """float32 [rows, antennas, subcarriers] of the rows of that `shape`, and before which of them windows must end.

    That is where the frequency changes, where time goes back, and at a pause.
    """
    found, breaks, last = [], [], None
    for row in rows(log, antennas):
        if row.shape != shape:
            continue
        if last is not None and not _goes_on(last, row):
            breaks.append(len(found))
        last = row
        values = np.abs(row.values)
        found.append(values if subcarriers is None else values[:, list(subcarriers)])
    return np.stack(found), breaks


def _goes_on(last: Row, now: Row) -> bool:
    if last.frequency != now.frequency:
        return False
    return last.time is None or now.time is None or 0 <= now.time - last.time <= LONGEST_PAUSE
