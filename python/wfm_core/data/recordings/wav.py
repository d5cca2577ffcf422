# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the samples of a WAV file are and what they are: RIFF, and RF64 or BW64 for more than 4 GiB.

The standard library's `wave` knows no floats and SciPy's reader not every RF64; both give values, where a place in the
file is needed that can be mapped into memory. Two channels are I and Q. Chunks by the specifications of Microsoft
(WAVE) and the EBU (Tech 3306); `auxi`, of SpectraVue and programs that follow it, has time and centre frequency.
"""

import os
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_NUMBERS = {(_PCM, 8): "u8", (_PCM, 16): "i16_le", (_PCM, 32): "i32_le", (_FLOAT, 32): "f32_le", (_FLOAT, 64): "f64_le"}
_UNKNOWN = 0xFFFFFFFF
"""A size that stands elsewhere (RF64), or that a writer which was stopped never filled in; so may 0."""
_MOST_CHUNKS = 1000


@dataclass(frozen=True)
class WavHeader:
    """`size` bytes of samples from byte `begin` on: one channel of SigMF's `datatype` at `rate` Hz; start (whole
    seconds since 1970, fraction) and centre frequency in Hz where the file says them."""

    datatype: str
    rate: float
    begin: int
    size: int
    start: tuple[int, float] | None
    center_freq: float | None


def read_header(path: Path) -> WavHeader:
    """Raises WfmError naming what is wrong."""
    try:
        with open_file(path) as stream:
            return _header(path, stream)
    except (OSError, struct.error) as error:
        raise WfmError(f"{path} is not readable as WAV ({error}): record it again") from error


def _header(path: Path, stream: BinaryIO) -> WavHeader:
    magic, _, kind = struct.unpack("<4sI4s", stream.read(12))
    if magic not in (b"RIFF", b"RF64", b"BW64") or kind != b"WAVE":
        raise WfmError(f"{path} does not begin as a WAV file does: give the file the suffix that its samples have")
    end = os.fstat(stream.fileno()).st_size
    chunks: dict[bytes, bytes] = {}
    long_size = None
    for _ in range(_MOST_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            break
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            begin = stream.tell()
            rest = end - begin
            size = long_size if size == _UNKNOWN and long_size is not None else size
            return _checked(path, chunks, begin, rest if size in (0, _UNKNOWN) else size, rest)
        keep = name in (b"fmt ", b"auxi", b"ds64")
        content = stream.read(min(size, 4096)) if keep else b""
        if name == b"ds64":
            long_size = struct.unpack("<QQ", content[:16])[1]
        chunks[name] = content
        stream.seek(size - len(content) + size % 2, os.SEEK_CUR)
    raise WfmError(f"{path} has no data chunk: it is truncated, record it again")


def _checked(path: Path, chunks: dict[bytes, bytes], begin: int, size: int, rest: int) -> WavHeader:
    if b"fmt " not in chunks:
        raise WfmError(f"{path} has no fmt chunk before its data: it is damaged, record it again")
    form, channels, rate, _, _, bits = struct.unpack("<HHIIHH", chunks[b"fmt "][:16])
    if form == _EXTENSIBLE:
        (form,) = struct.unpack("<H", chunks[b"fmt "][24:26])
    if size > rest:
        raise WfmError(f"{path} has {rest} bytes of samples, its header says {size}: it is truncated, fetch it again")
    if (form, bits) not in _NUMBERS:
        raise WfmError(
            f"{path} has samples of {bits} bits in WAV format {form}: integers of 8, 16 or 32 bits or floats of 32 or "
            "64 are expected, convert it (sox IN.wav -b 16 OUT.wav)"
        )
    if channels not in (1, 2) or rate < 1:
        raise WfmError(
            f"{path} has {channels} channels at {rate} Hz: two channels (I and Q), or one of real samples, at 1 Hz or "
            "more are expected"
        )
    start, center_freq = _auxi(chunks.get(b"auxi", b""))
    datatype = ("c" if channels == 2 else "r") + _NUMBERS[form, bits]
    return WavHeader(datatype, float(rate), begin, size, start, center_freq)


def _auxi(content: bytes) -> tuple[tuple[int, float] | None, float | None]:
    """Two times of eight 16-bit fields, begin and end, then the centre frequency in Hz, of which 0 says nothing."""
    if len(content) < 36:
        return None, None
    year, month, _, day, hour, minute, second, milli = struct.unpack("<8H", content[:16])
    (freq,) = struct.unpack("<I", content[32:36])
    try:
        whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        start = None if milli > 999 else (int(whole.timestamp()), milli / 1000)
    except ValueError:
        start = None
    return start, float(freq) or None
