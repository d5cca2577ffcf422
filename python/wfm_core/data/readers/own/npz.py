# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own .npz file, with an array of windows beside arrays of their labels and groups."""

from functools import partial

from wfm_core.base.npz_file import open_npz
from wfm_core.data.readers.own.table import read_table

read = partial(read_table, "npz", open_npz)
