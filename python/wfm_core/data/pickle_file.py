# SPDX-License-Identifier: GPL-3.0-or-later
"""Pickles of others that hold a dict of arrays, read without running anything in them.

A pickle is a program, and Python's own reader of it imports and calls whatever the program names. It is not used here.
The opcodes are followed by this module, and what they build is data of this module alone: texts (their places in the
file), whole numbers, tuples, one dict, and descriptions of arrays. A name in the pickle is compared with `_NAMES` and
never looked up; a call of one of those makes a description, and any other is refused. So there is nothing that could be
imported, called or given a state, and no opcode for anything else is known.

What is read: `{(text, whole number): array}` with arrays of plain numbers, as numpy pickles them in the protocols 0 to
4 of Python 2 and 3. The bytes of an array stay in the file until it is asked for, and are there exactly once, so that
nothing is larger than the file.
"""

import os
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file
from wfm_core.data.pickled_arrays import (
    BadPickle,
    Kind,
    PickledArray,
    Text,
    complete,
    give_order,
    number_type,
    text_bytes,
    values,
)

OPCODES_LIMIT = 1_000_000
NAME_LIMIT = 200
"""Bytes of a text that is a key, a name or a type."""
LINE_LIMIT = 1 << 30
"""Bytes of a line of protocol 0, which has an array in one."""
_NAMES = {
    "numpy.core.multiarray _reconstruct": "array",
    "numpy._core.multiarray _reconstruct": "array",
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
}
"""Names that may be there -> what a call of each describes."""


class _Mark:
    """Where the parts of a tuple or of a dict begin."""


@dataclass
class _Name:
    means: str


@dataclass
class _Dict:
    entries: dict[tuple[str, int], PickledArray] = field(default_factory=dict)


@contextmanager
def open_pickle(path: Path) -> Iterator[tuple[dict[tuple[str, int], PickledArray], Callable]]:
    """What is in the file, arrays by their keys, and what reads one of them into memory. Raises `WfmError`."""
    try:
        file = open_file(path)
    except OSError as error:
        raise WfmError(f"{path} cannot be read ({error.strerror}); check the file") from error
    with file:
        with _named(path):
            entries = _Reader(file).follow()

        def read(array: PickledArray) -> np.ndarray:
            with _named(path):
                return values(file, array)

        yield entries, read


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except (BadPickle, OSError, ValueError, OverflowError, struct.error) as error:
        said = " ".join(str(error).split())[:NAME_LIMIT]
        raise WfmError(
            f"{path} is refused as a pickle of arrays ({said}): only a dict of arrays of numbers by (text, whole "
            "number) is read, and nothing in it is run; get the file from its owners"
        ) from error


class _Reader:
    def __init__(self, file: BinaryIO):
        self.file, self.size = file, os.fstat(file.fileno()).st_size
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def follow(self) -> dict[tuple[str, int], PickledArray]:
        for _ in range(OPCODES_LIMIT):
            code = self.file.read(1)
            if code == b".":
                break
            step = _STEPS.get(code)
            if step is None:
                raise BadPickle(f"opcode {code!r} at byte {self.file.tell() - 1}" if code else "it ends too early")
            step(self)
        else:
            raise BadPickle(f"more than {OPCODES_LIMIT} opcodes")
        if self.file.tell() != self.size:
            raise BadPickle(f"{self.size - self.file.tell()} bytes behind its end")
        (made,) = self._pop(1)
        if self.stack or not isinstance(made, _Dict) or not made.entries:
            raise BadPickle("it holds no dict of arrays")
        return made.entries

    # what is in the file

    def _number(self, form: str) -> int:
        return struct.unpack(form, self.file.read(struct.calcsize(form)))[0]

    def _line(self, limit: int = NAME_LIMIT) -> bytes:
        line = self.file.readline(limit)
        if not line.endswith(b"\n"):
            raise BadPickle(f"a line that does not end within {limit} bytes")
        return line[:-1]

    def _push_whole(self) -> None:
        text = self._line().rstrip(b"L")
        if not re.fullmatch(rb"-?[0-9]{1,20}", text):
            raise BadPickle(f"{text[:20]!r} in place of a whole number")
        self.stack.append({b"00": False, b"01": True}.get(text, int(text)))

    def _push_long(self) -> None:
        self.stack.append(int.from_bytes(self._short(self._number("<B")), "little", signed=True))

    def _short(self, size: int) -> bytes:
        data = self.file.read(size)
        if len(data) != size:
            raise BadPickle("it ends too early")
        return data

    def _push_text(self, form: str, length: str) -> None:
        size, start = self._number(length), self.file.tell()
        if not 0 <= size <= self.size - start:
            raise BadPickle(f"a text of {size} bytes, of which {self.size - start} are there")
        self.stack.append(Text(start, size, form))
        self.file.seek(start + size)

    def _push_line(self, form: str) -> None:
        start = self.file.tell()
        self.stack.append(Text(start, len(self._line(LINE_LIMIT)), form))

    def _skip(self, size: int) -> None:
        self._short(size)

    def _word(self, value: Any) -> str:
        """A short text in ASCII."""
        if not isinstance(value, Text) or value.size > NAME_LIMIT:
            raise BadPickle("a short text is missing")
        here = self.file.tell()
        data = text_bytes(self.file, value)
        self.file.seek(here)
        return data.decode("ascii")

    # what is built

    def _pop(self, count: int) -> list[Any]:
        taken = self.stack[len(self.stack) - count :] if count else []
        if len(taken) < count or any(isinstance(value, _Mark) for value in taken):
            raise BadPickle("too few values")
        del self.stack[len(self.stack) - count :]
        return taken

    def _pop_marked(self) -> list[Any]:
        taken = []
        while self.stack and not isinstance(self.stack[-1], _Mark):
            taken.append(self.stack.pop())
        if not self.stack:
            raise BadPickle("a mark is missing")
        self.stack.pop()
        return taken[::-1]

    def _fill(self, parts: list[Any]) -> None:
        made = self.stack[-1] if self.stack else None
        if not isinstance(made, _Dict) or len(parts) % 2:
            raise BadPickle("entries for no dict")
        for key, value in zip(parts[::2], parts[1::2], strict=True):
            if not isinstance(key, tuple) or len(key) != 2 or type(key[1]) is not int:
                raise BadPickle("a key that is not (text, whole number)")
            found = self._word(key[0]), key[1]
            if not isinstance(value, PickledArray) or value.text is None:
                raise BadPickle(f"{found} is no array of numbers")
            if value.taken or found in made.entries:
                raise BadPickle(f"{found} is there twice")
            value.taken = True
            made.entries[found] = value

    def _push_dict(self) -> None:
        parts = self._pop_marked()
        self.stack.append(_Dict())
        self._fill(parts)

    def _remember(self, place: int) -> None:
        if not self.stack or isinstance(self.stack[-1], _Mark) or place in self.memo:
            raise BadPickle(f"nothing to be remembered at {place}, or something twice")
        self.memo[place] = self.stack[-1]

    def _recall(self, place: int) -> None:
        if place not in self.memo:
            raise BadPickle(f"nothing is remembered at {place}")
        self.stack.append(self.memo[place])

    def _name(self, name: str) -> None:
        if name not in _NAMES:
            shown = "".join(letter if letter.isprintable() else "?" for letter in name).replace(" ", ".")
            raise BadPickle(f"it asks for {shown}")
        self.stack.append(_Name(_NAMES[name]))

    def _name_of_stack(self) -> None:
        module, name = (self._word(part) for part in self._pop(2))
        self._name(f"{module} {name}")

    def _call(self) -> None:
        function, given = self._pop(2)
        means = function.means if isinstance(function, _Name) else ""
        kinds = [type(part) for part in given] if isinstance(given, tuple) else []
        if means == "array" and len(kinds) == 3 and kinds[0] is _Name and given[0].means == "ndarray":
            self.stack.append(PickledArray())
        elif means == "dtype" and kinds[:1] == [Text] and kinds[1:] in ([int, int], [bool, bool]):
            self.stack.append(number_type(self._word(given[0])))
        elif means == "encode" and kinds == [Text, Text] and self._word(given[1]) in ("latin1", "latin-1"):
            self.stack.append(given[0])
        else:
            raise BadPickle("a call of something that is no array, no type of numbers and no text")

    def _build(self) -> None:
        made, state = self._pop(2)
        state = state if isinstance(state, tuple) else ()
        if isinstance(made, Kind) and made.dtype is None and len(state) in (8, 9):
            give_order(made, self._word(state[1]), state[2:5])
        elif isinstance(made, PickledArray) and made.text is None and len(state) == 5:
            complete(made, *state[1:])
        else:
            raise BadPickle("a state for no array")
        self.stack.append(made)


_STEPS: dict[bytes, Callable[[_Reader], None]] = {
    b"\x80": lambda r: r._skip(1),  # the protocol's number
    b"\x95": lambda r: r._skip(8),  # a frame's length
    b"(": lambda r: r.stack.append(_Mark()),
    b"N": lambda r: r.stack.append(None),
    b"\x88": lambda r: r.stack.append(True),
    b"\x89": lambda r: r.stack.append(False),
    b"I": _Reader._push_whole,
    b"L": _Reader._push_whole,
    b"J": lambda r: r.stack.append(r._number("<i")),
    b"K": lambda r: r.stack.append(r._number("<B")),
    b"M": lambda r: r.stack.append(r._number("<H")),
    b"\x8a": _Reader._push_long,
    b"S": lambda r: r._push_line("quoted"),
    b"V": lambda r: r._push_line("raw-unicode-escape"),
    b"T": lambda r: r._push_text("bytes", "<i"),
    b"U": lambda r: r._push_text("bytes", "<B"),
    b"B": lambda r: r._push_text("bytes", "<I"),
    b"C": lambda r: r._push_text("bytes", "<B"),
    b"\x8e": lambda r: r._push_text("bytes", "<Q"),
    b"X": lambda r: r._push_text("utf-8", "<I"),
    b"\x8c": lambda r: r._push_text("utf-8", "<B"),
    b"\x8d": lambda r: r._push_text("utf-8", "<Q"),
    b")": lambda r: r.stack.append(()),
    b"t": lambda r: r.stack.append(tuple(r._pop_marked())),
    b"\x85": lambda r: r.stack.append(tuple(r._pop(1))),
    b"\x86": lambda r: r.stack.append(tuple(r._pop(2))),
    b"\x87": lambda r: r.stack.append(tuple(r._pop(3))),
    b"}": lambda r: r.stack.append(_Dict()),
    b"d": _Reader._push_dict,
    b"s": lambda r: r._fill(r._pop(2)),
    b"u": lambda r: r._fill(r._pop_marked()),
    b"p": lambda r: r._remember(int(r._line())),
    b"q": lambda r: r._remember(r._number("<B")),
    b"r": lambda r: r._remember(r._number("<I")),
    b"\x94": lambda r: r._remember(len(r.memo)),
    b"g": lambda r: r._recall(int(r._line())),
    b"h": lambda r: r._recall(r._number("<B")),
    b"j": lambda r: r._recall(r._number("<I")),
    b"c": lambda r: r._name(f"{r._line().decode('ascii')} {r._line().decode('ascii')}"),
    b"\x93": _Reader._name_of_stack,
    b"R": _Reader._call,
    b"b": _Reader._build,
}
"""Opcode -> what it does; these are all."""
