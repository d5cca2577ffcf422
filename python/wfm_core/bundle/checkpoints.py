# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights files from elsewhere, read without running anything that they hold."""

import io
import pickle
import re
import struct
import warnings
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file
from wfm_core.base.weights_file import read_weights

FILE_LIMIT = 4 << 30
PICKLE_LIMIT = 64 << 20
_DAMAGED = (
    RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, AttributeError, TypeError, MemoryError,
    OverflowError, RecursionError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
"""What zipfile, pickle and torch raise for damaged files."""


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict]:
    """State dict and training options (empty where there are none) of a .safetensors, .pt or .pth file.

    A PyTorch file may be a state dict, or a mapping that has one under `model` and options under `args`. It is read
    with `weights_only=True`: a file that would run code is refused. Raises `WfmError`.
    """
    if not path.exists():
        raise WfmError(f"{path} does not exist; give the checkpoint's file")
    try:
        if path.suffix == ".safetensors":
            return read_weights(path), {}
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # of strange pickles, refused anyway
            data = read_file(path, FILE_LIMIT)
            if zipfile.is_zipfile(io.BytesIO(data)):
                _check_storages(data)
            held = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        what = f" ({named[1]})" if named else ""
        raise WfmError(
            f"{path} is no file of weights only, and loading it could run code that it brings{what}, so it is "
            "refused; save the model's state dict as safetensors where you trust it, and give that"
        ) from error
    except _DAMAGED as error:
        first = " ".join(str(error).split())[:160]
        raise WfmError(f"{path} cannot be read as a checkpoint ({first}); get the file again") from error
    state = held.get("model", held) if isinstance(held, dict) else held
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WfmError(
            f"{path} holds {type(held).__name__} without a state dict; expected tensors by name, or a mapping that has "
            "them under 'model': save the model's state_dict()"
        )
    options = held.get("args")
    return state, options if isinstance(options, dict) else {}


class _Inert(dict):
    """Stands for whatever a checkpoint's pickle makes; takes everything and does nothing."""

    def __init__(self, *_arguments, **_options):
        super().__init__()

    def __setstate__(self, _state):
        pass

    def append(self, _item):
        pass

    def extend(self, _items):
        pass


class _Storages(pickle._Unpickler):  # the one in Python: the other allocates for whatever memo place is named
    """Follows a pickle, makes nothing of it, and notes the storages that it names: key -> (type, elements)."""

    def __init__(self, file):
        super().__init__(file)
        self.found: list[tuple] = []

    def find_class(self, module: str, name: str):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        return type(f"{module}.{name}", (_Inert,), {})

    def persistent_load(self, pid):
        self.found.append(pid)
        return _Inert()


def _check_storages(data: bytes) -> None:
    """Raise ValueError where a storage has not the bytes that its pickle states: torch would read on behind it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = {name.partition("/")[2]: name for name in archive.namelist()}
        if len({name.casefold() for name in names}) != len(archive.namelist()):
            raise ValueError("two files of one name")
        if "data.pkl" not in names:
            return
        if archive.getinfo(names["data.pkl"]).file_size > PICKLE_LIMIT:
            raise ValueError(f"a pickle of more than {PICKLE_LIMIT} bytes")
        reader = _Storages(io.BytesIO(archive.read(names["data.pkl"])))
        reader.load()
        for _, kind, key, _, count in reader.found:
            size = getattr(torch, kind.__name__.rpartition(".")[2]).dtype.itemsize
            stored = archive.getinfo(names[f"data/{key}"]).file_size
            if stored != count * size:
                raise ValueError(f"data/{key} has {stored} bytes, {count * size} are stated")
