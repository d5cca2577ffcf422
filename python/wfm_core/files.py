# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or not there, and of a size that is expected."""

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

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


def user_path(path: str | Path) -> Path:
    """`path` with ~ and ~NAME as the shell has them; as it is where there is no such user."""
    return Path(os.path.expanduser(path))


def open_file(path: Path) -> BinaryIO:
    """An ordinary file, opened for reading; links are followed. It never waits, and never touches a device.

    Raises `OSError` where it cannot be opened, `WfmError` for a pipe, a device, a folder and what is no name.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to open a device may do something
            raise _no_file(path)
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # to open a pipe would wait for its writer
    except ValueError as error:  # a zero in the name, or what the file system's encoding lacks
        raise WfmError(f"{path} is no name of a file ({error}); give the path of one") from error
    file = os.fdopen(handle, "rb")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        file.close()
        raise _no_file(path)
    return file


def _no_file(path: Path) -> WfmError:
    return WfmError(f"{path} is not an ordinary file; give the path of one")


def read_file(path: Path, limit: int) -> bytes:
    """The bytes of an ordinary file. Raises `WfmError`, for one of more than `limit` bytes before any is read."""
    try:
        with open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise WfmError(f"{path} has {size} bytes, at most {limit} are read; check the file")
            return file.read(limit)
    except OSError as error:
        raise WfmError(f"{path} cannot be read ({error.strerror}); check the file") from error
