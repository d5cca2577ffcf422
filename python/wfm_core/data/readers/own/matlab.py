# SPDX-License-Identifier: GPL-3.0-or-later
"""One array of a MATLAB file, whichever of the two formats it is in."""

from pathlib import Path

import h5py
import numpy as np
import scipy.io

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file
from wfm_core.data.hdf5_file import open_hdf5
from wfm_core.data.readers.own.matlab_file import check_matlab


def read_matlab(path: Path, name: str) -> np.ndarray:
    """The array `name` with its axes as MATLAB shows them. Raises `WfmError`.

    From version 5 to 7 a file is MATLAB's own format. From version 7.3 it is HDF5, where MATLAB stores the axes in
    reverse.
    """
    try:
        with open_file(path) as stream:  # once: what is checked is what is read
            if h5py.is_hdf5(path):
                with open_hdf5(path, "fetch it again", "a MATLAB file") as file:
                    names = sorted(file)
                    values = file[name][()].T if name in file else None
            else:
                check_matlab(stream, path, name)
                held = scipy.io.loadmat(stream, variable_names=[name])
                names = [] if name in held else [entry for entry, *_ in scipy.io.whosmat(stream)]
                values = held.get(name)
    except WfmError:
        raise
    except Exception as error:  # of a damaged file either library may raise nearly anything
        raise WfmError(f"{path} cannot be read as a MATLAB file ({error}): fetch it again") from error
    if values is None:
        raise WfmError(f"{path} holds {', '.join(names) or 'nothing'}, {name} is expected; name the right folder")
    return np.asarray(values)
