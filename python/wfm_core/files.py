# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or not there, and of a size that is expected."""

import os
import stat
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


def read_file(path: Path, limit: int) -> bytes:
    """The bytes of an ordinary file. Raises `WfmError`, for one of more than `limit` bytes before any is read."""
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise WfmError(f"{path} is not an ordinary file; give the path of one")
            if found.st_size > limit:
                raise WfmError(f"{path} has {found.st_size} bytes, at most {limit} are read; check the file")
            return file.read(limit)
    except OSError as error:
        raise WfmError(f"{path} cannot be read ({error.strerror}); check the file") from error
