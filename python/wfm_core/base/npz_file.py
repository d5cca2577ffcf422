# SPDX-License-Identifier: GPL-3.0-or-later
"""An .npz file of others, looked at before numpy reads it: every array is stored in full, and none is a bomb."""

import math
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file

FREE_BYTES = 64 << 20
INFLATION_LIMIT = 100
"""An array of more than `FREE_BYTES` may be so many times what is stored of it."""
DIRECTORY_LIMIT = 16 << 20
MOST_CHARACTER = 0x10FFFF
_END = struct.Struct("<4s4H2LH")
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, RuntimeError, KeyError, TypeError,
    IndexError, OverflowError, MemoryError, SyntaxError, RecursionError, tokenize.TokenError,
)  # fmt: skip
"""What zipfile and numpy raise for damaged files."""


@contextmanager
def open_npz(source: Path) -> Iterator[tuple[list[str], Callable[[str], np.ndarray]]]:
    """The names of the file's arrays, and what reads one of them. Raises `WfmError`."""
    with ExitStack() as closing:
        try:
            file = closing.enter_context(open_file(source))  # once: what is checked is what is read
            if file.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
                raise WfmError(
                    f"{source} is a single array, expected one with labels beside it; write it with numpy.savez"
                )
            file.seek(0)
            check_npz(file, source)
            archive = closing.enter_context(np.load(file, allow_pickle=False))
        except DAMAGED as error:
            raise _damaged(source, error) from error
        yield archive.files, partial(_array, archive, source)


def _array(archive: np.lib.npyio.NpzFile, source: Path, name: str) -> np.ndarray:
    if name not in archive.files:
        raise KeyError(name)
    try:
        return _texts_checked(archive[name])
    except DAMAGED as error:
        if "allow_pickle" in str(error):
            raise  # an array of objects, of which the reader of tables speaks
        raise _damaged(source, error) from error


def _texts_checked(values: np.ndarray) -> np.ndarray:
    """`values`; raises ValueError for texts with numbers in them that are no characters, over which Python stumbles."""
    if values.dtype.kind == "U" and values.size:
        codes = np.frombuffer(np.ascontiguousarray(values).tobytes(), values.dtype.byteorder.replace("|", "=") + "u4")
        if codes.max() > MOST_CHARACTER:
            raise ValueError("a text that is none")
    return values


def _damaged(source: Path, error: Exception) -> WfmError:
    said = " ".join(str(error).split())[:160]
    return WfmError(f"{source} cannot be read as .npz ({said}); name a file of numpy.savez")


def check_npz(file: BinaryIO, path: Path) -> None:
    """Raise `ValueError` or another of `DAMAGED` for a damaged archive, `WfmError` for one that is refused.

    `file` is open at its begin, and is so afterwards; `path` is what it is called.
    """
    _check_directory(file)
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len({member.filename for member in members}) != len(members):
            raise ValueError("two arrays of one name")
        for member in members:
            _check_member(archive, member, path)
    file.seek(0)


def _check_directory(file: BinaryIO) -> None:
    """Its size, before zipfile makes objects of all its entries."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _END.size, 0))
    tail = file.read()
    if len(tail) == _END.size and tail.startswith(b"PK\x05\x06"):
        length = _END.unpack(tail)[5]
        if length > DIRECTORY_LIMIT:
            raise ValueError(f"a directory of {length} bytes, at most {DIRECTORY_LIMIT} are read")
    else:
        raise zipfile.BadZipFile("no end of a zip file")
    file.seek(0)


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    name = member.filename
    if not name.endswith(".npy"):
        raise ValueError(f"{name[:80]!r}, which is no array")
    if member.file_size > FREE_BYTES and member.file_size > INFLATION_LIMIT * member.compress_size:
        raise WfmError(
            f"{path}: {name[:80]!r} inflates from {member.compress_size} to {member.file_size} bytes, at most "
            f"{INFLATION_LIMIT} times as many are read; write it with numpy.savez"
        )
    with archive.open(member) as content:
        version = np.lib.format.read_magic(content)
        if version not in _HEADERS:
            raise ValueError(f"{name[:80]!r} of version {version}")
        shape, _, kind = _HEADERS[version](content)
        if kind.hasobject:
            return  # numpy refuses it where it is asked for
        needed = content.tell() + math.prod(shape) * kind.itemsize
        if needed != member.file_size or any(length < 0 for length in shape):
            raise ValueError(f"{name[:80]!r} of {list(shape)} needs {needed} bytes, {member.file_size} are there")
