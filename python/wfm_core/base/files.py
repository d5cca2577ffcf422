# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or not there, and of a size that is expected."""

import contextlib
import fcntl
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from wfm_core.base.errors import WfmError

_LOCK_SECONDS = 5.0
_PART = ".part"
_MADE_BY_US = re.compile(r"\..+\.[a-z0-9_]{8}\.part", re.DOTALL)
"""Names that `write_atomically` gives: hidden, with mkstemp's eight characters."""
_cleared: set[Path] = set()


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary name beside `path`, then rename: no reader ever sees half a file.

    What is no regular file, such as /dev/null, is not replaced but written. What killed writers left beside `path` is
    removed before the first file that this process writes there.
    """
    if path.exists() and not path.is_file():
        write(path)
        return
    if path.parent.absolute() not in _cleared and clear_leftovers(path.parent):
        _cleared.add(path.parent.absolute())
    with _locked(path.parent, fcntl.LOCK_SH):
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_PART, dir=path.parent)
            os.close(handle)
        except OSError as error:
            raise WfmError(f"cannot write {path}: {error.strerror}; choose another place") from error
        try:
            write(Path(temporary))
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)


def clear_leftovers(folder: Path, pattern: re.Pattern = _MADE_BY_US) -> bool:
    """Remove what killed writers left in `folder`: files whose whole name fits `pattern`.

    While any program writes a file there, and where the file system has no locks, nothing is removed and the answer is
    False: a file could be that program's.
    """
    with _locked(folder, fcntl.LOCK_EX) as alone:
        for entry in os.scandir(folder) if alone else ():
            if pattern.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):  # such as in a folder of someone else's
                    os.unlink(entry.path)
    return alone


@contextlib.contextmanager
def _locked(folder: Path, kind: int) -> Iterator[bool]:
    """Holds a lock on `folder`, shared by those who write in it; says whether there is one. Whoever clears holds its
    own for milliseconds; one that is held for longer is of another program.

    It goes with the process, however that ends, which a process number in a name would not tell on another computer or
    in another container.
    """
    handle = None
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    if handle is None:
        yield False
        return
    held = False
    try:
        with contextlib.suppress(OSError):
            held = lock_within(handle, kind, _LOCK_SECONDS if kind == fcntl.LOCK_SH else 0.0)
        yield held
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)  # a child that was forked meanwhile has the same
        os.close(handle)


def lock_within(handle: int, kind: int, seconds: float) -> bool:
    """Take flock() of the `kind`, for which it waits so long; False where another program keeps it. Raises `OSError`
    where the file system has no locks."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.002)


def user_path(path: str | Path) -> Path:
    """`path` with ~ and ~NAME as the shell has them; as it is where there is no such user."""
    return Path(os.path.expanduser(path))


def open_file(path: Path) -> BinaryIO:
    """An ordinary file, opened for reading; links are followed. It waits for no pipe, and never touches a device.

    Raises `OSError` where it cannot be opened, `WfmError` for a pipe, a device, a folder and what is no name.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to open a device may do something
            raise _no_file(path)
        try:
            # Without waiting: to open a pipe would wait for its writer.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except BlockingIOError:  # a server of files has a lease on it, and gives it back soon
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
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
