# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own HDF5 file, with an array of windows beside arrays of their labels and groups.

Arrays are named by their path in the file; the windows are read in pieces, so it may be larger than the memory.
"""

from functools import partial
from pathlib import Path

import h5py

from wfm_core.data import hdf5_file
from wfm_core.data.readers.table import read_table
from wfm_core.errors import WfmError


def open_hdf5(source: Path) -> h5py.File:
    """The file, for reading. Raises `WfmError`."""
    try:
        return hdf5_file.open_hdf5(source)
    except OSError as error:
        raise WfmError(f"{source} cannot be read as HDF5 ({error}); name an existing HDF5 file") from error


read = partial(read_table, "hdf5", open_hdf5)
