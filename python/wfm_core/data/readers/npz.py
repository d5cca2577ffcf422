# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own .npz file, with an array of windows beside arrays of their labels and groups."""

import zipfile
from functools import partial
from pathlib import Path

import numpy as np

from wfm_core.data.readers.table import read_table
from wfm_core.errors import WfmError


def open_npz(source: Path) -> np.lib.npyio.NpzFile:
    """The arrays of the file by name, each read when it is asked for. Raises `WfmError`."""
    try:
        archive = np.load(source, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise WfmError(f"{source} cannot be read as .npz ({error}); name a file of numpy.savez") from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise WfmError(f"{source} is a single array, one with labels beside it is wanted; write it with numpy.savez")
    return archive


read = partial(read_table, "npz", open_npz)
