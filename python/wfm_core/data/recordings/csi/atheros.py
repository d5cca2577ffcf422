# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of the Atheros CSI Tool."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from .decoder import Decoder, Record, csiread, read_exactly
from .packet import CsiPacket, Malformed

_HEADER = 25
_MOST = 3
_TONES = (56, 114)
_BITS = 20
"""Of a value: 10 each of imaginary and real part."""


class AtherosRecords(Decoder):
    """56 or 114 subcarriers (20 or 40 MHz) on up to 3 antennas. rssi is in dB as the log has it: no level is known.

    Records of both byte orders: of PCs (little) and of routers (big).
    """

    def __init__(self):
        self._libraries = {
            tones: csiread().Atheros(None, nrxnum=_MOST, ntxnum=_MOST, pl_size=0, tones=tones, if_report=False)
            for tones in _TONES
        }

    def decode(self, data: bytes, time: float | None = None) -> CsiPacket | None:
        order = _byte_order(data)
        if order is None and len(data) > 2:
            size = data[:2]
            if len(data) - 2 in (int.from_bytes(size, "little"), int.from_bytes(size, "big")):
                data = data[2:]  # with the length, as a log has it
                order = _byte_order(data)
        if order is None:
            raise Malformed("a record whose parts are not as long as it says")
        size = int.from_bytes(data[8:10], order)
        if not size:
            return None
        tones, receive, send = data[16:19]
        if tones not in _TONES or not (1 <= receive <= _MOST and 1 <= send <= _MOST):
            raise Malformed(
                f"{tones} subcarriers, {receive} antennas, {send} streams: 56 or 114, 1 to 3 and 1 to 3 are expected"
            )
        if size < -(-tones * receive * send * _BITS // 8):
            raise Malformed(f"CSI of {size} bytes, which do not hold {tones} x {receive} x {send} values")
        library = self._libraries[tones]
        if library.pmsg(data + bytes(4), order) != 0xFF00:  # it reads two bytes at a time
            raise Malformed("a record that csiread does not take")
        csi = library.csi[0, :tones, :receive, :send].astype(np.complex64)
        megahertz = int.from_bytes(data[10:12], order)
        return CsiPacket(
            csi=csi,
            rssi=tuple(float(level) if level < 128 else float("nan") for level in data[20 : 20 + receive]),
            time=int.from_bytes(data[:8], order) / 1e6,
            frequency=megahertz * 1e6 or None,
        )

    def records(self, file: BinaryIO) -> Iterator[Record]:
        order = ""
        while head := file.read(2):
            if len(head) < 2:
                raise Malformed("the log ends within a length")
            if not order:
                rest = file.read(_HEADER)
                order = next((o for o in ("little", "big") if _size(rest, o) == int.from_bytes(head, o)), "")
                if not order:
                    raise Malformed("the log begins with no record")
                yield rest + read_exactly(file, int.from_bytes(head, order) - _HEADER, "a record"), None
                continue
            yield read_exactly(file, int.from_bytes(head, order), "a record"), None


def _size(data: bytes, order: str) -> int:
    """Bytes of a record, by what it says of its parts; 0 where it is too short to say it."""
    if len(data) < _HEADER:
        return 0
    return _HEADER + int.from_bytes(data[8:10], order) + int.from_bytes(data[23:25], order)


def _byte_order(data: bytes) -> str | None:
    return next((order for order in ("little", "big") if data and _size(data, order) == len(data)), None)
