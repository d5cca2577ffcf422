# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a MATLAB file of others before SciPy reads it: nothing in it is a bomb, and what is asked for is numbers.

The layout is that of MathWorks' "MAT-File Format" for versions 5 to 7: elements of a type, a size and content, of which
one of type 15 holds another, packed by zlib.
"""

import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from wfm_core.base.errors import WfmError

FREE_BYTES = 64 << 20
INFLATION_LIMIT = 100
"""A variable of more than `FREE_BYTES` may be so many times what is stored of it."""
VARIABLES_LIMIT = 10_000
_HEAD = 128
_MATRIX, _PACKED = 14, 15
_NUMBERS = range(6, 16)
_CLASSES = {
    1: "a cell array", 2: "a struct", 3: "an object", 4: "text", 5: "a sparse matrix", 16: "a function", 17: "an object"
}  # fmt: skip
_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
"""Type of an element -> bytes of a number."""
_BLOCK = 1 << 20
_BEGIN = 4096
"""So many bytes of a variable hold its class, shape and name."""


def check_matlab(file: BinaryIO, path: Path, name: str) -> None:
    """Raise `ValueError`, `struct.error` or `zlib.error` for a damaged file, `WfmError` for one that is refused.

    `file` is open at its begin, and is so afterwards; `name` is the variable that will be read.
    """
    head = file.read(_HEAD)
    order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
    if order is None or 0 in head[:4]:
        raise ValueError("no file of MATLAB 5 to 7.3")
    seen: set[str] = set()
    while tag := file.read(8):
        kind, size = struct.unpack(f"{order}2I", tag)
        place = file.tell()
        begin = _unpacked(file, size, path) if kind == _PACKED else tag + file.read(min(size, _BEGIN))
        _check_variable(begin, order, path, name, seen)
        if file.seek(0, 2) < place + size:
            raise ValueError(f"a variable of {size} bytes, of which {file.tell() - place} are there")
        file.seek(place + size)
    file.seek(0)


def _unpacked(file: BinaryIO, size: int, path: Path) -> bytes:
    """The begin of what `size` bytes inflate to; all of it is inflated once, and counted."""
    packed, begin, total, left = zlib.decompressobj(), b"", 0, size
    most = max(FREE_BYTES, INFLATION_LIMIT * size)
    while not packed.eof:
        block = packed.unconsumed_tail or file.read(min(left, _BLOCK))
        if not packed.unconsumed_tail:
            left -= len(block)
        found = packed.decompress(block, _BLOCK)
        if not block and not found:
            raise ValueError("a packed variable that does not end")
        total += len(found)
        begin += found[: max(_BEGIN - len(begin), 0)]
        if total > most:
            raise WfmError(
                f"{path}: a variable inflates from {size} to more than {most} bytes, at most {INFLATION_LIMIT} times "
                "as many are read; save it without compression (in MATLAB: save -v7 -nocompression)"
            )
    return begin


def _check_variable(begin: bytes, order: str, path: Path, name: str, seen: set[str]) -> None:
    if struct.unpack(f"{order}I", begin[:4])[0] != _MATRIX:
        raise ValueError("an element that is no variable")
    if len(seen) >= VARIABLES_LIMIT:
        raise ValueError(f"more than {VARIABLES_LIMIT} variables")
    (_, flags), place = _element(begin, 8, order)
    (_, shape), place = _element(begin, place, order)
    (_, text), place = _element(begin, place, order)
    found = text.decode("latin-1")
    if found in seen:
        raise ValueError(f"two variables {found[:80]!r}")
    seen.add(found)
    if found != name:
        return
    kind = struct.unpack(f"{order}I", flags[:4])[0] & 0xFF
    if kind not in _NUMBERS:
        raise WfmError(f"{path}: {name} is {_CLASSES.get(kind, f'of class {kind}')}, an array of numbers is expected")
    lengths = struct.unpack(f"{order}{len(shape) // 4}i", shape)
    stored, size = _tag(begin, place, order)[:2]
    if stored not in _BYTES or min(lengths, default=-1) < 0 or math.prod(lengths) * _BYTES[stored] != size:
        raise ValueError(f"{name} of {list(lengths)} with {size} bytes")


def _element(data: bytes, place: int, order: str) -> tuple[tuple[int, bytes], int]:
    """Type and content of the element at `place`, and where the next one is."""
    kind, size, begin = _tag(data, place, order)
    if begin + size > len(data):
        raise ValueError("a variable without a name")
    small = begin == place + 4
    return (kind, data[begin : begin + size]), place + 8 if small else begin + size + -size % 8


def _tag(data: bytes, place: int, order: str) -> tuple[int, int, int]:
    """Type, size and place of an element's content; up to four bytes are within the tag itself."""
    kind, size = struct.unpack(f"{order}2I", data[place : place + 8])
    if kind >> 16:
        return kind & 0xFFFF, kind >> 16, place + 4
    return kind, size, place + 8
