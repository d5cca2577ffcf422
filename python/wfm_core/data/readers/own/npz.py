# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own .npz file, with an array of windows beside arrays of their labels and groups."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file
from wfm_core.data.npz_file import DAMAGED, check_npz
from wfm_core.data.readers.own.table import read_table

MOST_CHARACTER = 0x10FFFF


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


read = partial(read_table, "npz", open_npz)
