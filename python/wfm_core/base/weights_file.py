# SPDX-License-Identifier: GPL-3.0-or-later
"""safetensors files from elsewhere: the header is read and checked here before the library reads the tensors."""

import math
import os
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file
from wfm_core.base.json_text import read_json

FILE_LIMIT = 2 << 30
HEADER_LIMIT = 8 << 20
TENSORS_LIMIT = 50_000
_BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U8": 8, "BOOL": 8}


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name. Raises `WfmError`."""
    return read_weights_and_notes(path)[0]


def read_weights_and_notes(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file by name, and its metadata. Raises `WfmError`.

    The file is read into memory at once, at most 2 GiB: one that is cut while it is read, or that claims more than it
    holds, is an error and not a crash.
    """
    try:
        with open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > FILE_LIMIT:
                raise _bad(path, f"it has {size} bytes, at most {FILE_LIMIT} are read")
            head = file.read(8)
            length = int.from_bytes(head, "little")
            if len(head) < 8 or not 2 <= length <= min(HEADER_LIMIT, size - 8):
                raise _bad(path, f"its header has {length} bytes, expected 2 to {min(HEADER_LIMIT, max(size - 8, 2))}")
            header = file.read(length)
            notes = _check(path, header, size - 8 - length)
            data = head + header + file.read(size - 8 - length)
        if len(data) != size:
            raise _bad(path, "it was cut while it was read")
        return safetensors.torch.load(data), notes
    except (safetensors.SafetensorError, OSError, KeyError) as error:
        raise _bad(path, " ".join(str(error).split())[:160]) from error


def parse_weights(data: bytes, where: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file that is in memory, such as one inside another file. Raises `WfmError`."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or not 2 <= length <= min(HEADER_LIMIT, len(data) - 8):
        raise _bad(where, f"its header has {length} bytes, {len(data)} are there")
    _check(where, data[8 : 8 + length], len(data) - 8 - length)
    try:
        return safetensors.torch.load(data)
    except (safetensors.SafetensorError, KeyError) as error:
        raise _bad(where, " ".join(str(error).split())[:160]) from error


def _check(path: Path | str, header: bytes, size: int) -> dict[str, str]:
    """The metadata of a header whose tensors fill the `size` bytes after it, each one its own."""
    try:
        tensors = read_json(header, "its header")
    except WfmError as error:
        raise _bad(path, str(error).partition(":")[0]) from error
    if not isinstance(tensors, dict) or len(tensors) > TENSORS_LIMIT:
        raise _bad(path, f"its header is no mapping of at most {TENSORS_LIMIT} tensors")
    notes = tensors.pop("__metadata__", {})
    if not isinstance(notes, dict) or not all(isinstance(value, str) for value in notes.values()):
        raise _bad(path, "its metadata are not texts by name")
    end = 0
    for begin, stop, bytes_needed, name in sorted(_place(path, name, about) for name, about in tensors.items()):
        if begin != end or stop - begin != bytes_needed:
            raise _bad(
                path, f"tensor {name[:80]!r} of {bytes_needed} bytes is at {begin} to {stop}, expected from {end}"
            )
        end = stop
    if end != size:
        raise _bad(path, f"its tensors have {end} bytes, {size} are there")
    return notes


def _place(path: Path | str, name: str, about) -> tuple[int, int, int, str]:
    """Begin and end of a tensor's bytes, and how many its shape needs."""
    fields = about if isinstance(about, dict) else {}
    shape, offsets, bits = fields.get("shape"), fields.get("data_offsets"), _BITS.get(str(fields.get("dtype")))
    counts = [*shape, *offsets] if isinstance(shape, list) and isinstance(offsets, list) else [None]
    if bits is None or len(offsets or ()) != 2 or not all(type(n) is int and 0 <= n < 1 << 48 for n in counts):
        raise _bad(path, f"tensor {name[:80]!r} has no known type, shape and place")
    return offsets[0], offsets[1], math.prod(shape) * bits // 8, name


def _bad(path: Path | str, what: str) -> WfmError:
    return WfmError(f"{path} cannot be read as safetensors ({what}); get the file again")
