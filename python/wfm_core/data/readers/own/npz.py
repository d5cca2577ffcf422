# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own .npz file, with an array of windows beside arrays of their labels and groups."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file
from wfm_core.data.npz_file import DAMAGED, check_npz
from wfm_core.data.readers.own.table import read_table

MOST_CHARACTER = 0x10FFFF


class _Arrays(Mapping):
    """The arrays of a file by name, each read when it is asked for."""

    def __init__(self, source: Path, file: BinaryIO):
        self._source, self._file = source, file
        self._archive = np.load(file, allow_pickle=False)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._archive.files:
            raise KeyError(name)
        try:
            return _texts_checked(self._archive[name])
        except DAMAGED as error:
            if "allow_pickle" in str(error):
                raise  # an array of objects, of which the reader of tables speaks
            raise _damaged(self._source, error) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._archive.files)

    def __len__(self) -> int:
        return len(self._archive.files)

    def __enter__(self) -> "_Arrays":
        return self

    def __exit__(self, *_error) -> None:
        self._archive.close()
        self._file.close()


def _texts_checked(values: np.ndarray) -> np.ndarray:
    """`values`; raises ValueError for texts with numbers in them that are no characters, over which Python stumbles."""
    if values.dtype.kind == "U" and values.size:
        codes = np.frombuffer(np.ascontiguousarray(values).tobytes(), values.dtype.byteorder.replace("|", "=") + "u4")
        if codes.max() > MOST_CHARACTER:
            raise ValueError("a text that is none")
    return values


def open_npz(source: Path) -> _Arrays:
    """The arrays of the file. Raises `WfmError`."""
    with ExitStack() as closing:
        try:
            file = closing.enter_context(open_file(source))  # once: what is checked is what is read
            if file.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
                raise WfmError(
                    f"{source} is a single array, expected one with labels beside it; write it with numpy.savez"
                )
            file.seek(0)
            check_npz(file, source)
            arrays = _Arrays(source, file)
        except DAMAGED as error:
            raise _damaged(source, error) from error
        closing.pop_all()
        return arrays


def _damaged(source: Path, error: Exception) -> WfmError:
    said = " ".join(str(error).split())[:160]
    return WfmError(f"{source} cannot be read as .npz ({said}); name a file of numpy.savez")


read = partial(read_table, "npz", open_npz)
