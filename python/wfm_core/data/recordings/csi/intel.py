# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of the Linux 802.11n CSI Tool: the Intel 5300."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from .counting import Clock
from .decoder import Decoder, Record, csiread, read_exactly
from .packet import CsiPacket, Malformed

CSI, PAYLOAD = 0xBB, 0xC1
"""The codes of records with CSI and with the payload of a packet."""
_HEADER = 21
_MOST = 3
_RSSI_OFFSET = 44
_SUBCARRIERS = 30


class IntelRecords(Decoder):
    """30 groups of subcarriers on up to 3 antennas; numbers count the measurements of the driver, not packets.

    The antennas are in the order A, B, C. Where the log's order of antennas is no order of those that received, the
    CSI is left as it is. rssi is in dBm by the tool's formula: less 44 dB and the gain.
    """

    modulus = 1 << 16

    def __init__(self):
        self._library = csiread().Intel(None, nrxnum=_MOST, ntxnum=_MOST, pl_size=0, if_report=False)
        self._clock = Clock()

    def decode(self, data: bytes, time: float | None = None) -> CsiPacket | None:
        if len(data) > 3 and int.from_bytes(data[:2], "big") == len(data) - 2 and data[2] in (CSI, PAYLOAD):
            data = data[2:]  # with the length, as a log has it
        if not data or data[0] not in (CSI, PAYLOAD):
            raise Malformed("a record of another code than 0xbb and 0xc1")
        if data[0] == PAYLOAD:
            return None
        if len(data) < _HEADER:
            raise Malformed(f"a record of {len(data)} bytes: {_HEADER} or more are expected")
        receive, send = data[9], data[10]
        size = 60 * receive * send + 12
        if not (1 <= receive <= _MOST and 1 <= send <= _MOST):
            raise Malformed(f"{receive} receive antennas and {send} streams: 1 to {_MOST} are expected")
        if int.from_bytes(data[17:19], "little") != size or len(data) != _HEADER + size:
            raise Malformed(f"a record of {len(data)} bytes: {_HEADER + size} are expected")
        order = [data[16] >> 2 * place & 3 for place in range(receive)]
        permuted = sorted(order) == list(range(receive))
        if not permuted:  # it would be written beside its place
            data = data[:16] + bytes([0b100100]) + data[17:]
        if self._library.pmsg(data) != CSI:
            raise Malformed("a record that csiread does not take")
        csi = self._library.csi[0, :_SUBCARRIERS, :receive, :send].astype(np.complex64)
        heard = [data[11 + antenna] if antenna < _MOST else 0 for antenna in (range(receive) if permuted else order)]
        gain = _RSSI_OFFSET + data[15]
        return CsiPacket(
            csi=csi,
            rssi=tuple(float(level - gain) if level else float("nan") for level in heard),
            time=self._clock.seconds(int.from_bytes(data[1:5], "little")),
            number=int.from_bytes(data[5:7], "little"),
        )

    def records(self, file: BinaryIO) -> Iterator[Record]:
        while head := file.read(2):
            size = int.from_bytes(head, "big")
            if len(head) < 2 or not size:
                raise Malformed("the log has a record without a length")
            record = read_exactly(file, size, "a record")
            yield (record, None) if record[0] == CSI else (None, None)
