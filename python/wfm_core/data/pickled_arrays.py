# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pickle says of an array, whose bytes stay in the file until they are asked for."""

import codecs
import math
import re
import warnings
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

_NUMBERS = re.compile(r"f[248]|[iu][1248]|c8|c16")
_MOST_AXES = 8
_MOST_ESCAPED = 6
"""A byte of an array takes so many at most in a text of protocol 0: `\\u005c`."""


class BadPickle(Exception):
    """What is wrong with a pickle."""


@dataclass
class Text:
    """`size` bytes at `start` of the file, as "bytes", "utf-8", "raw-unicode-escape", or "quoted" by Python 2."""

    start: int
    size: int
    form: str
    taken: bool = False


@dataclass
class Kind:
    """A type of numbers, complete once its byte order is known."""

    code: str
    dtype: np.dtype | None = None


def number_type(code: str) -> Kind:
    """What `numpy.dtype(code, ...)` stands for."""
    if not _NUMBERS.fullmatch(code):
        raise BadPickle(f"an array of type {code}, not of numbers")
    return Kind(code)


def give_order(made: Kind, order: str, parts: tuple) -> None:
    """`parts` is what the type may be made of: the type within arrays, names of fields, fields."""
    if order not in ("<", ">", "|", "=") or any(part is not None for part in parts):
        raise BadPickle(f"an array of type {made.code} with parts")
    made.dtype = np.dtype(order.replace("|", "=") + made.code)


@dataclass
class PickledArray:
    """An array that is still in the file."""

    dtype: np.dtype | None = None
    shape: tuple[int, ...] = ()
    is_fortran: bool = False
    text: Text | None = None
    taken: bool = False


def complete(made: PickledArray, shape: Any, kind: Any, is_fortran: Any, text: Any) -> None:
    """Fill in what numpy keeps of an array, if all its bytes are there and no other array has them."""
    fits = isinstance(shape, tuple) and len(shape) <= _MOST_AXES and all(type(length) is int for length in shape)
    if not fits or not isinstance(kind, Kind) or kind.dtype is None or not isinstance(text, Text) or text.taken:
        raise BadPickle("an array of numbers that has no shape, no type or no bytes of its own")
    if type(is_fortran) not in (bool, int) or any(length < 1 for length in shape):
        raise BadPickle(f"an array of {list(shape)}")
    needed = kind.dtype.itemsize * math.prod(shape)
    if not needed <= text.size <= (needed if text.form == "bytes" else _MOST_ESCAPED * needed + 2):
        raise BadPickle(f"an array of {list(shape)} needs {needed} bytes, {text.size} are there")
    text.taken = True
    made.dtype, made.shape, made.is_fortran, made.text = kind.dtype, shape, bool(is_fortran), text


def values(file: BinaryIO, array: PickledArray) -> np.ndarray:
    """The array, out of the file."""
    data = text_bytes(file, array.text)
    needed = array.dtype.itemsize * math.prod(array.shape)
    if len(data) != needed:
        raise BadPickle(f"an array of {list(array.shape)} needs {needed} bytes, {len(data)} are there")
    return np.frombuffer(data, array.dtype).reshape(array.shape, order="F" if array.is_fortran else "C")


def text_bytes(file: BinaryIO, text: Text) -> bytes:
    """What the text stands for, which is characters up to 255, a byte each; the file's place is another afterwards."""
    file.seek(text.start)
    data = file.read(text.size)
    if len(data) != text.size:
        raise BadPickle("it ends too early")
    if text.form == "quoted":
        if len(data) < 2 or data[:1] not in (b"'", b'"') or data[-1:] != data[:1]:
            raise BadPickle("a text without its quotes")
        with warnings.catch_warnings(action="ignore"):  # of escapes that nothing writes
            return codecs.escape_decode(data[1:-1])[0]
    return data if text.form == "bytes" else data.decode(text.form).encode("latin-1")
