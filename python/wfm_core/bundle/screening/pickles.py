# SPDX-License-Identifier: GPL-3.0-or-later
"""The pickles of a TorchScript archive, followed without building anything.

torch's own reader of them is C++ that trusts what wfm-export would have written: it gives a tensor whatever shape the
pickle states, however few bytes are stored for it, and memory for whatever place a value is to be remembered at. So
the pickle is followed here first, by the opcodes that torch writes and no others.
"""

import math
import pickletools
import re
from dataclasses import dataclass
from typing import Any

from wfm_core.base.errors import WfmError
from wfm_core.bundle.screening.archive import forbidden

DEPTH_LIMIT = 64
"""Values inside values: torch takes them apart by recursion."""
SIZE_LIMIT = 1_000_000
"""Values in a value, each counted as often as it is referred to."""
WORK_LIMIT = 20 * SIZE_LIMIT
"""The same of all values that the pickle makes together."""
MODULE = "__torch__."
GLOBALS = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "torch.jit._pickle build_intlist",
    "torch.jit._pickle build_doublelist",
    "torch.jit._pickle build_boollist",
    "torch.jit._pickle build_tensorlist",
    "torch.jit._pickle restore_type_tag",
}
STORAGES = {
    "torch FloatStorage": 4,
    "torch DoubleStorage": 8,
    "torch HalfStorage": 2,
    "torch BFloat16Storage": 2,
    "torch LongStorage": 8,
    "torch IntStorage": 4,
    "torch ShortStorage": 2,
    "torch CharStorage": 1,
    "torch ByteStorage": 1,
    "torch BoolStorage": 1,
    "torch ComplexFloatStorage": 8,
    "torch ComplexDoubleStorage": 16,
}
"""Bytes of an element."""
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TEXT_AND_NUMBERS = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_GLOBAL = re.compile(r"[A-Za-z0-9_.]+ [A-Za-z0-9_]+")


@dataclass
class _Value:
    """Something on the stack: `what` is "mark", "global", "storage", "tuple", "list", "dict", "object" or "plain"."""

    what: str
    value: Any = None
    depth: int = 0
    size: int = 1
    done: bool = False
    """Remembered, after which nothing may be put into it: no value holds itself."""


class _Bad(Exception):
    """What is wrong with a pickle."""


def screen_pickle(members: dict[str, bytes], folder: str, where: str) -> set[str]:
    """Follow the pickle FOLDER.pkl, whose tensors are stored under `folder`; returns the files they are in.

    Raises `WfmError` for a pickle that builds anything but modules of this archive, tensors that are stored in full,
    numbers, text and lists of them.
    """
    reader = _Reader(members, folder, where)
    try:
        reader.follow(members[f"{folder}.pkl"])
    except (_Bad, ValueError, OverflowError) as error:
        said = " ".join(str(error).split())[:160]
        raise WfmError(f"{where} holds a damaged {folder}.pkl ({said}); get the bundle again") from error
    return reader.used


class _Reader:
    def __init__(self, members: dict[str, bytes], folder: str, where: str):
        self.members, self.folder, self.where = members, folder, where
        self.stack: list[_Value] = []
        self.memo: list[_Value] = []
        self.used: set[str] = set()
        self.work = 0

    def follow(self, data: bytes) -> None:
        end = 0
        for number, (opcode, argument, place) in enumerate(pickletools.genops(data)):
            if number == 0 and (opcode.name, argument) != ("PROTO", 2):
                texts = [str(text)[:60] for _, text, _ in pickletools.genops(data) if isinstance(text, str)]
                raise forbidden(self.where, f"a pickled {' '.join(texts[:2])} of another protocol than torch's")
            if number:
                self._step(opcode.name, argument)
            end = place + 1
        if len(self.stack) != 1 or end != len(data):
            raise _Bad("it does not end where it should")

    def _step(self, name: str, argument: Any) -> None:
        if name in _CONSTANTS or name in _TEXT_AND_NUMBERS:
            self.stack.append(_Value("plain", _CONSTANTS.get(name, argument)))
        elif name == "GLOBAL":
            self.stack.append(_Value("global", self._known(str(argument))))
        elif name == "MARK":
            self.stack.append(_Value("mark"))
        elif name in _TUPLES:
            self._push("tuple", self._pop(_TUPLES[name]))
        elif name == "TUPLE":
            self._push("tuple", self._pop_marked())
        elif name in ("EMPTY_LIST", "EMPTY_DICT"):
            self._push(name[6:].lower(), [])
        elif name in ("APPEND", "APPENDS", "SETITEM", "SETITEMS"):
            self._fill(name)
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._remember(argument)
        elif name in ("BINGET", "LONG_BINGET"):
            self._recall(argument)
        elif name in ("BINPERSID", "REDUCE", "NEWOBJ", "BUILD"):
            getattr(self, f"_{name.lower()}")()
        elif name != "STOP":
            raise forbidden(self.where, f"a pickle with {name}")

    def _known(self, name: str) -> str:
        if not _GLOBAL.fullmatch(name):
            raise forbidden(self.where, f"a pickled {name[:80]!r}")
        own = name.startswith(MODULE) and not name.startswith(f"{MODULE}torch.classes")
        if not own and name not in GLOBALS and name not in STORAGES:
            raise forbidden(self.where, f"a pickled {name[:80]}")
        return name

    def _push(self, what: str, parts: list[_Value]) -> None:
        made = _Value(what, parts)
        for part in parts:
            self._grow(made, part)
        self.stack.append(made)

    def _grow(self, made: _Value, part: _Value) -> None:
        made.depth = max(made.depth, part.depth + 1)
        made.size += part.size
        self.work += part.size
        if made.depth > DEPTH_LIMIT or made.size > SIZE_LIMIT or self.work > WORK_LIMIT:
            raise _Bad(f"more than {DEPTH_LIMIT} values inside each other, or {SIZE_LIMIT} in one")

    def _pop(self, count: int) -> list[_Value]:
        if len(self.stack) < count or any(value.what == "mark" for value in self.stack[len(self.stack) - count :]):
            raise _Bad("too few values")
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken

    def _pop_marked(self) -> list[_Value]:
        taken: list[_Value] = []
        while self.stack and self.stack[-1].what != "mark":
            taken.append(self.stack.pop())
        if not self.stack:
            raise _Bad("a mark is missing")
        self.stack.pop()
        return taken[::-1]

    def _fill(self, name: str) -> None:
        parts = self._pop_marked() if name.endswith("S") else self._pop(1 if name == "APPEND" else 2)
        wanted = "list" if name.startswith("APPEND") else "dict"
        if not self.stack or self.stack[-1].what != wanted or self.stack[-1].done:
            raise _Bad(f"values for a {wanted} that is not there")
        if wanted == "dict" and (len(parts) % 2 or any(key.what != "plain" for key in parts[::2])):
            raise _Bad("a dict without keys")
        made = self.stack[-1]
        for part in parts:
            self._grow(made, part)
        made.value.extend(parts)

    def _remember(self, place: int) -> None:
        if not self.stack or self.stack[-1].what == "mark" or place != len(self.memo):
            raise _Bad(f"a value remembered at {place}, expected {len(self.memo)}")
        self.stack[-1].done = True
        self.memo.append(self.stack[-1])

    def _recall(self, place: int) -> None:
        if not 0 <= place < len(self.memo):
            raise _Bad(f"a value recalled from {place} of {len(self.memo)}")
        self.stack.append(self.memo[place])

    def _newobj(self) -> None:
        kind, arguments = self._pop(2)
        if kind.what != "global" or not str(kind.value).startswith(MODULE) or arguments.value != []:
            raise _Bad("an object of no class")
        self._push("object", [])

    def _build(self) -> None:
        made, state = self._pop(2)
        if made.what != "object" or made.done or state.what != "dict":
            raise _Bad("a state for no object")
        self._grow(made, state)
        self.stack.append(made)

    def _binpersid(self) -> None:
        (found,) = self._pop(1)
        parts = found.value if found.what == "tuple" else []
        kinds = [part.what for part in parts]
        if kinds != ["plain", "global", "plain", "plain", "plain"] or parts[1].value not in STORAGES:
            raise _Bad("a storage that is none")
        start, kind, key, device, count = (part.value for part in parts)
        name = f"{self.folder}/{key}"
        if start != "storage" or device != "cpu" or not _is_count(count):
            raise _Bad("a storage that is none")
        stored = len(self.members.get(name, b""))
        if name not in self.members or stored != count * STORAGES[kind]:
            raise _Bad(f"{name} has {stored} bytes, {count} values of {STORAGES[kind]} bytes are stated")
        self.used.add(name)
        self.stack.append(_Value("storage", count))

    def _reduce(self) -> None:
        function, arguments = self._pop(2)
        if function.what != "global" or function.value not in GLOBALS or arguments.what != "tuple":
            raise _Bad("a call of no known function")
        what = function.value.partition(" ")[2]
        if what == "_rebuild_tensor_v2":
            _check_tensor(arguments.value)
        elif what == "_rebuild_parameter":
            if [part.what for part in arguments.value[:1]] != ["tensor"] or len(arguments.value) != 3:
                raise _Bad("a parameter of no tensor")
        elif what == "OrderedDict":
            if arguments.value:
                raise _Bad("an OrderedDict with contents")
        elif what == "restore_type_tag":
            self._check_tag(arguments.value)
        else:
            self._check_list(what, arguments.value)
        made = "tensor" if what.startswith("_rebuild") else "hooks" if what == "OrderedDict" else "list"
        self._push(made, arguments.value if made == "list" else [])

    @staticmethod
    def _check_tag(parts: list[_Value]) -> None:
        kinds = [part.what for part in parts]
        if len(parts) != 2 or kinds[0] not in ("list", "dict") or not isinstance(parts[1].value, str):
            raise _Bad("a type for no list")
        if not re.fullmatch(r"[A-Za-z_.\[\], ]{1,200}", parts[1].value):
            raise _Bad("a type that is none")

    @staticmethod
    def _check_list(what: str, parts: list[_Value]) -> None:
        if [part.what for part in parts] != ["list"]:
            raise _Bad("a list of nothing")
        kinds = {"build_intlist": int, "build_doublelist": float, "build_boollist": bool}
        for part in parts[0].value:
            fits = part.what == "tensor" if what == "build_tensorlist" else type(part.value) is kinds[what]
            if not fits:
                raise _Bad(f"another value in {what}")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 40


def _check_tensor(parts: list[_Value]) -> None:
    """Whether all of the tensor lies in its storage, and every value of it is a stored one of its own."""
    if [part.what for part in parts] != ["storage", "plain", "tuple", "tuple", "plain", "hooks"]:
        raise _Bad("a tensor of other parts")
    count, offset = parts[0].value, parts[1].value
    size, stride = ([part.value for part in parts[place].value] for place in (2, 3))
    whole = all(map(_is_count, [offset, *size, *stride])) and len(size) == len(stride) <= 16
    if not whole or any(part.what != "plain" for place in (2, 3) for part in parts[place].value):
        raise _Bad("a tensor without a shape")
    values = math.prod(size)
    last = offset
    if values:
        last += sum((length - 1) * step for length, step in zip(size, stride, strict=True)) + 1
    if last > count or values > count:
        raise _Bad(f"a tensor of {values} values up to {last} in a storage of {count}")
