# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines `CSI_DATA,...,[...]` of an ESP32, of ESP32-CSI-Tool and of Espressif's esp-csi."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from .counting import Clock
from .decoder import Decoder, Record
from .packet import CsiPacket, Malformed, wifi_frequency

LONGEST_LINE = 16384
"""Bytes; the longest CSI of an ESP32, 490 values, takes 3000."""
BEGIN = b"CSI_DATA,"
_MOST_VALUES = 2048
_VALUES = re.compile(r"[-0-9, \t]*")
_WHOLE = re.compile(r"-?[0-9]{1,10}")
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


@dataclass(frozen=True)
class _Columns:
    """Where the fields stand; `number` None where there is none. `exact`: `length` is that of the list."""

    channel: int
    clock: int
    length: int
    number: int | None = 1
    exact: bool = True


_LAYOUTS = {
    25: _Columns(channel=16, clock=18, length=24, number=None, exact=False),  # ESP32-CSI-Tool
    24: _Columns(channel=16, clock=18, length=22),  # esp-csi: ESP32, S2, S3, C3
    14: _Columns(channel=8, clock=9, length=12),  # esp-csi: C5, C6, C61
}
"""By the number of fields before the list. The address and the RSSI are the same two in all."""
_SENDER, _RSSI = 2, 3


class Esp32Lines(Decoder):
    """The numbers in the list are imaginary part, real part, in the order that the chip has the subcarriers in.

    Its sequence numbers, of esp-csi alone, are those that the sending example puts into its packets.
    """

    modulus = 1 << 32

    def __init__(self):
        self._clock = Clock()

    def split(self, datagram: bytes) -> list[bytes]:
        if not datagram.isascii():
            return [datagram]
        return [line for line in datagram.splitlines() if line.strip()] or [datagram]

    def decode(self, data: bytes, time: float | None = None) -> CsiPacket | None:
        line = data.strip()
        if not line.startswith(BEGIN):
            if line[:1].isascii() and line.isascii() and len(line) <= LONGEST_LINE:
                return None  # the header line, or another line of the firmware's log
            raise Malformed("bytes that are no line of text")
        if len(line) > LONGEST_LINE or not line.isascii():
            raise Malformed(f"a line of {len(line)} bytes: ASCII of at most {LONGEST_LINE} is expected")
        before, opened, after = line.decode("ascii").partition("[")
        listed, closed, _ = after.partition("]")
        if not opened or not closed:
            raise Malformed("a line without its list in brackets")
        fields = before.rstrip(' ,"').split(",")
        layout = _LAYOUTS.get(len(fields))
        if layout is None:
            known = ", ".join(map(str, _LAYOUTS))
            raise Malformed(f"a line of {len(fields)} fields before the list: one of {known} is expected")
        return self._packet(fields, layout, _complex(listed, _whole(fields, layout.length, 0, 1 << 16), layout.exact))

    def _packet(self, fields: list[str], layout: _Columns, csi: np.ndarray) -> CsiPacket:
        sender = fields[_SENDER].strip().lower()
        if not _MAC.fullmatch(sender):
            raise Malformed("a line without the sender's address")
        rssi = _whole(fields, _RSSI, -128, 127)
        channel = _whole(fields, layout.channel, 0, 255)
        ticks = _whole(fields, layout.clock, 0, (1 << 32) - 1)
        number = None if layout.number is None else _whole(fields, layout.number, 0, self.modulus - 1)
        return CsiPacket(csi, (float(rssi),), self._clock.seconds(ticks), number, sender, wifi_frequency(channel))

    def records(self, file: BinaryIO) -> Iterator[Record]:
        while line := file.readline(LONGEST_LINE + 1):
            yield (line, None) if line.strip() else (None, None)


def _whole(fields: list[str], place: int, least: int, most: int) -> int:
    text = fields[place].strip()
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise Malformed(f"field {place} of a line: a whole number from {least} to {most} is expected")
    return int(text)


def _complex(listed: str, stated: int, exact: bool) -> np.ndarray:
    """[subcarriers, 1, 1] of a list of `stated` numbers, or of the first ones where it need not be `exact`."""
    if not _VALUES.fullmatch(listed):
        raise Malformed("a list of something else than whole numbers")
    parts = listed.replace(",", " ").split()
    count = len(parts)
    if count % 2 or not 2 <= count <= _MOST_VALUES or count > stated or (exact and count != stated):
        raise Malformed(
            f"a list of {count} numbers where the line says {stated}: real and imaginary parts are expected"
        )
    try:
        values = np.array([int(part) for part in parts], np.int64)
    except (ValueError, OverflowError):
        raise Malformed("a list of something else than whole numbers") from None
    if np.abs(values).max() > 1 << 15:
        raise Malformed("a list of numbers of more than 16 bits")
    csi = np.empty(count // 2, np.complex64)
    csi.imag, csi.real = values[::2], values[1::2]
    return csi.reshape(-1, 1, 1)
