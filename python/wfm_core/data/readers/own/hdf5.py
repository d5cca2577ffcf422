# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own HDF5 file, MATLAB's -v7.3 among them, with an array of windows beside arrays of their labels and groups.

Arrays are named by their path in the file; the windows are read in pieces, so it may be larger than the memory.
"""

from functools import partial

from wfm_core.data.readers.own.matlab_table import open_table
from wfm_core.data.readers.own.table import read_table

read = partial(read_table, "hdf5", open_table)
