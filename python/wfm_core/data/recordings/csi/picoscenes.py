# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of PicoScenes, of Intel 5300 and of Atheros QCA9300 devices."""

import os
import struct
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from .decoder import Decoder, Record, csiread, read_exactly
from .packet import CsiPacket, Malformed, mac_address

MAGIC = struct.pack("<I", 0x20150315)
_LONGEST = 1 << 20
_MOST_SEGMENTS = 32
_FRAME = struct.Struct("<I4sHB")
_MAC_HEADER = 24
_BASIC_SIZES = {1: 26, 2: 28, 3: 32}
"""Bytes of the segment RxSBasic, by its version."""
_CSI = struct.Struct("<HbHQQIHBBB")
_CSI_SIZES = {1: 35, 2: 37, 3: 39}
"""Bytes before the values of the segment CSI, by its version; the last four are the size of the values."""
_INTEL, _ATHEROS = 0x5300, 0x9300
_ATHEROS_TONES = {20: (56, 140), 40: (114, 285)}
"""By the bandwidth in MHz: subcarriers, and bytes of one antenna and stream."""
_MOST = 3


class PicoScenesFrames(Decoder):
    """csiread is handed a frame of the two segments that were checked here, and of nothing else of the frame. It takes
    frames out of files alone: it is one in memory, where the system has such files.

    Frames of other devices are malformed: csiread has them not at all (AX200, AX210), or no recording was at hand to
    try them with (USRP). Numbers are those of IEEE 802.11, which each sender counts, over all that it sends.
    """

    modulus = 4096
    numbers_by_sender = True

    def __init__(self):
        self._kind = csiread().Picoscenes
        self._libraries: dict[tuple[int, int, int], object] = {}
        self._file, self._name = _file()

    def decode(self, data: bytes, time: float | None = None) -> CsiPacket | None:
        segments, after = _segments(data)
        if "CSI" not in segments or "RxSBasic" not in segments:
            return None
        version, basic = segments["RxSBasic"]
        if _BASIC_SIZES.get(version) != len(basic):
            raise Malformed(f"a segment RxSBasic of version {version} and {len(basic)} bytes")
        shape = _checked_shape(*segments["CSI"])
        library = self._library(shape)
        frame = _rebuilt(segments)
        self._file.truncate(0)
        self._file.seek(0)
        self._file.write(frame)
        library.seek(self._name, 0, 1)
        if library.count != 1:
            raise Malformed("a frame that csiread does not take")
        found = library.raw[0]
        heard = found["RxSBasic"]
        mpdu = data[after:]
        whole = len(mpdu) >= _MAC_HEADER
        megahertz = int(heard["CenterFreq"])
        return CsiPacket(
            csi=found["CSI"]["CSI"].astype(np.complex64),
            rssi=tuple(float(heard[f"RSSI{antenna + 1}"]) for antenna in range(shape[1])),
            time=int(heard["Timestamp"]) / 1e6,
            number=int.from_bytes(mpdu[22:24], "little") >> 4 if whole else None,
            source=mac_address(mpdu[10:16]) if whole else "",
            frequency=megahertz * 1e6 if megahertz > 0 else None,
        )

    def _library(self, shape: tuple[int, int, int]):
        if shape not in self._libraries:
            self._libraries[shape] = self._kind(None, {"CSI": list(shape)}, if_report=False)
        return self._libraries[shape]

    def records(self, file: BinaryIO) -> Iterator[Record]:
        while head := file.read(4):
            size = int.from_bytes(head, "little")
            if len(head) < 4 or not _FRAME.size - 4 <= size <= _LONGEST:
                raise Malformed("the log has a frame of no possible length")
            yield head + read_exactly(file, size, "a frame"), None


def _file() -> tuple[BinaryIO, str]:
    """A file of our own, unbuffered, and its name; it goes when it is closed."""
    if hasattr(os, "memfd_create"):
        file = os.fdopen(os.memfd_create("wfm-csi"), "r+b", buffering=0)
        return file, f"/proc/self/fd/{file.fileno()}"
    file = tempfile.NamedTemporaryFile(prefix="wfm-csi-", buffering=0)  # noqa: SIM115 - it lives as long as the decoder
    return file, file.name


def _segments(data: bytes) -> tuple[dict[str, tuple[int, bytes]], int]:
    """Version and content of each segment of the receiver, by name; and where what comes after them begins."""
    if len(data) < _FRAME.size:
        raise Malformed(f"{len(data)} bytes are no frame")
    size, magic, version, count = _FRAME.unpack_from(data)
    if size + 4 != len(data) or magic != MAGIC or version != 1 or count > _MOST_SEGMENTS:
        raise Malformed("a frame of another length, mark or version than expected")
    found, place = {}, _FRAME.size
    for _ in range(count):
        end = place + 4 + int.from_bytes(data[place : place + 4], "little")
        begin = place + 7 + (data[place + 4] if place + 4 < len(data) else 0)  # of its content
        if not begin <= end <= len(data):
            raise Malformed("a segment that reaches beyond its frame")
        name = data[place + 5 : begin - 2].rstrip(b"\0").decode("latin-1")
        if name in found:
            raise Malformed("a frame with a segment twice")
        found[name] = int.from_bytes(data[begin - 2 : begin], "little"), data[begin:end]
        place = end
    return found, place


def _checked_shape(version: int, content: bytes) -> tuple[int, int, int]:
    """Subcarriers, receive antennas and streams of a segment CSI that holds them all."""
    head = _CSI_SIZES.get(version, 0)
    if not head or len(content) < head:
        raise Malformed(f"a segment CSI of version {version} and {len(content)} bytes")
    device, form, width, _, _, _, tones, _, receive, _ = _CSI.unpack_from(content)
    size = int.from_bytes(content[head - 4 : head], "little")
    if size != len(content) - head or not 1 <= receive <= _MOST:
        raise Malformed(f"CSI of {len(content) - head} bytes of {receive} receive antennas")
    if device == _INTEL and tones == 30 and width in (20, 40):
        streams = (size - 12) // 60 // receive
        needs = 60 * streams * receive + 12
    elif device == _ATHEROS and form in (1, 2) and _ATHEROS_TONES.get(width, (0,))[0] == tones:
        streams = size // _ATHEROS_TONES[width][1] // receive
        needs = tones * receive * streams * 20 // 8
    else:
        raise Malformed(f"CSI of a device {device:#x}, {tones} subcarriers, {width} MHz, which is not read")
    if not 1 <= streams <= _MOST or needs > size:
        raise Malformed(f"CSI of {size} bytes of {receive} receive antennas and {streams} streams")
    return tones, receive, streams


def _rebuilt(segments: dict[str, tuple[int, bytes]]) -> bytes:
    """A frame of RxSBasic and CSI alone, and a packet of zeros."""
    parts = []
    for name in (b"RxSBasic", b"CSI"):
        version, content = segments[name.decode()]
        parts.append(struct.pack("<IB", 3 + len(name) + len(content), len(name)) + name)
        parts.append(struct.pack("<H", version) + content)
    body = b"".join(parts) + bytes(64)
    return _FRAME.pack(_FRAME.size - 4 + len(body), MAGIC, 1, 2) + body
