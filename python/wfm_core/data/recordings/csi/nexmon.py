# SPDX-License-Identifier: GPL-3.0-or-later
"""UDP packets of Nexmon CSI, and captures of them (pcap)."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from .decoder import Decoder, Record, csiread, read_exactly
from .packet import CsiPacket, Malformed, mac_address, wifi_frequency

CHIPS = ("4339", "43455c0", "4358", "4366c0")
"""Names of the chips, as Nexmon has them; 43455c0 is that of the Raspberry Pi 3B+, 4 and 5. How values are packed is
not said in the packets."""
MAGIC = b"\x11\x11"
CAPTURES = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6), b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9), b"\xa1\xb2\x3c\x4d": (">", 1e-9),
}  # fmt: skip
"""First bytes of a capture: the byte order, and what a fraction of a second counts in."""
_HEADER = 18
_BANDWIDTHS = {64: 20, 128: 40, 256: 80}
_CORES = 4
_LONGEST_CAPTURE = 1 << 18
_ETHERNET, _IPV4, _UDP = 1, 0x0800, 17


class NexmonPackets(Decoder):
    """64, 128 or 256 subcarriers in the order of the FFT (0 Hz first). Each has one core and stream: `first` is
    stream * 4 + core. Numbers are those of IEEE 802.11, which each sender counts, over all that it sends.

    Args:
        chip: one of `CHIPS`.

    Raises:
        WfmError: csiread is not installed.
    """

    modulus = 4096
    numbers_by_sender = True

    def __init__(self, chip: str = "43455c0"):
        self._chip, self._kinds = chip, {True: csiread().NexmonPull46, False: csiread().Nexmon}
        self._libraries: dict[tuple, object] = {}

    def decode(self, data: bytes, time: float | None = None) -> CsiPacket | None:
        if not data.startswith(MAGIC) or (len(data) - _HEADER) // 4 not in _BANDWIDTHS or (len(data) - _HEADER) % 4:
            raise Malformed(f"{len(data)} bytes that are no packet of Nexmon CSI of 20, 40 or 80 MHz")
        place = data[12] | data[13]
        core, stream = place & 7, place >> 3 & 7
        if core >= _CORES or stream >= _CORES:
            raise Malformed(f"core {core}, stream {stream}: 0 to {_CORES - 1} are expected")
        # Later firmwares have RSSI and frame control where the first ones had the rest of the magic number.
        with_rssi = data[2:4] != MAGIC
        library = self._library(with_rssi, (len(data) - _HEADER) // 4)
        if library.pmsg(data) not in (0xF100, 0xF101):
            raise Malformed("a packet that csiread does not take")
        return CsiPacket(
            csi=library.csi[0].astype(np.complex64).reshape(-1, 1, 1),
            rssi=(float(int.from_bytes(data[2:3], "little", signed=True)) if with_rssi else float("nan"),),
            time=time,
            number=int.from_bytes(data[10:12], "little") >> 4,  # below it is the number of the fragment
            source=mac_address(data[4:10]),
            frequency=_frequency(int.from_bytes(data[14:16], "little")),
            first=stream * _CORES + core,
        )

    def _library(self, with_rssi: bool, subcarriers: int):
        key = with_rssi, subcarriers
        if key not in self._libraries:
            width = _BANDWIDTHS[subcarriers]
            self._libraries[key] = self._kinds[with_rssi](None, chip=self._chip, bw=width, if_report=False)
        return self._libraries[key]

    def records(self, file: BinaryIO) -> Iterator[Record]:
        head = read_exactly(file, 24, "the header of a capture")
        if head[:4] not in CAPTURES:
            raise Malformed("no pcap capture: a pcapng one is made one by editcap -F pcap")
        order, unit = CAPTURES[head[:4]]
        if (link := struct.unpack(f"{order}I", head[20:24])[0] & 0xFFFF) != _ETHERNET:
            raise Malformed(f"a capture of link type {link}: Ethernet (1) is expected")
        while head := file.read(16):
            if len(head) < 16:
                raise Malformed("the capture ends within a header")
            seconds, fraction, size, _ = struct.unpack(f"{order}4I", head)
            if size > _LONGEST_CAPTURE:
                raise Malformed(f"a frame of {size} bytes in the capture")
            frame = read_exactly(file, size, "a frame")
            yield _payload(frame), seconds + fraction * unit


def _payload(frame: bytes) -> bytes | None:
    """Of the UDP packet in an Ethernet frame, where it seems to be one of Nexmon."""
    if len(frame) < 42 or int.from_bytes(frame[12:14], "big") != _IPV4 or frame[23] != _UDP:
        return None
    begin = 14 + 4 * (frame[14] & 15) + 8
    size = int.from_bytes(frame[begin - 4 : begin - 2], "big") - 8
    payload = frame[begin : begin + max(size, 0)]
    return payload if payload.startswith(MAGIC) else None


def _frequency(chanspec: int) -> float | None:
    """Hz of the channel's centre, by Broadcom's chanspec: 2.4 GHz or 5 GHz, and the number of the centre."""
    band, channel = chanspec & 0xC000, chanspec & 0xFF
    if band == 0xC000:
        return 5e9 + 5e6 * channel
    return wifi_frequency(channel) if band == 0 and channel <= 14 else None
