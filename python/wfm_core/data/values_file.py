# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers out of files of nothing but numbers."""

from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file


def read_values(path: Path, dtype: np.dtype, count: int, offset: int, last: int) -> np.ndarray:
    """`count` numbers of `dtype` from byte `offset` on, up to those of sample `last`, of which errors speak.

    Raises `WfmError` where the file does not have them any more.
    Read and not mapped: what is cut off a mapped file ends the process (SIGBUS).
    """
    try:
        with open_file(path) as stream:
            values = np.fromfile(stream, dtype, count, offset=offset)
    except OSError as error:
        raise WfmError(f"{path} cannot be read any more ({error.strerror}): get it again") from error
    if len(values) < count:
        raise WfmError(f"{path} was cut while it was read: sample {last} is gone; get it again")
    return values
