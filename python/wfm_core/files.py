# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or not there."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from wfm_core.errors import WfmError


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary name beside `path`, then rename: no reader ever sees half a file.

    What is no regular file, such as /dev/null, is not replaced but written.
    """
    if path.exists() and not path.is_file():
        write(path)
        return
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise WfmError(f"cannot write {path}: {error.strerror}; choose another place") from error
    try:
        write(Path(temporary))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
