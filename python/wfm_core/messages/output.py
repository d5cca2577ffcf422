# SPDX-License-Identifier: GPL-3.0-or-later
"""Where results go: JSON lines in a file, and text on standard output. What fails there ends nothing else."""

import errno
import json
import os
import stat
import sys

from wfm_core.base.errors import WfmError
from wfm_core.messages.decisions import plain_json

STDOUT = "-"


def json_line(fields: dict) -> str:
    """A line with its end. Numbers that JSON lacks become null."""
    try:
        text = json.dumps(fields, allow_nan=False)  # in ASCII, so every encoding has it
    except ValueError:
        text = json.dumps(plain_json(fields))
    return f"{text}\n"


class JsonLines:
    """JSON objects, one a line. A line is whole in its file when `write` returns, and never there in part.

    The first failure ends the writing: it is kept in `failure`, and what was written before stays.

    Args:
        path: the file, replaced if it exists; "-" for standard output.
        way_out: what the user can do about a file that cannot be opened, for the sentence.

    Raises:
        WfmError: the file cannot be opened.
    """

    def __init__(self, path: str, way_out: str = "name a file in an existing folder"):
        self.path = path
        self.failure = ""
        """One sentence on why lines are missing, or ""."""
        self.reader_left = False
        """Whether that was standard output's reader, such as `head`, that had enough."""
        self.lines = 0
        """Written so far."""
        self._file = None
        if path == STDOUT:
            return
        try:
            self._file = open(path, "wb", buffering=0, opener=_at_once)  # noqa: SIM115 - as long as decisions come
        except (OSError, ValueError) as error:  # ValueError: a zero in the name
            reason = getattr(error, "strerror", None) or str(error)
            if getattr(error, "errno", 0) == errno.ENXIO:
                reason, way_out = "no program reads this pipe", "start the one that does first"
            raise WfmError(f"decisions cannot be written to {path} ({reason}): {way_out}") from error
        self._cuts = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)

    def write(self, fields: dict) -> bool:
        """Returns whether the line was written; after a failure nothing is. Numbers that JSON lacks become null."""
        if self.failure:
            return False
        line = json_line(fields)
        try:
            if self._file is None:
                sys.stdout.write(line)
                sys.stdout.flush()
            else:
                self._append(line.encode())
        except (OSError, ValueError) as error:  # ValueError: standard output was closed
            self._fail(error)
            return False
        self.lines += 1
        return True

    def _append(self, data: bytes) -> None:
        begin, done = self._file.tell() if self._cuts else 0, 0
        try:
            while done < len(data):
                done += self._file.write(data[done:])
        except OSError:
            if self._cuts and done:
                self._file.truncate(begin)
            raise

    def _fail(self, error: Exception) -> None:
        self.reader_left = self._file is None and isinstance(error, BrokenPipeError)
        reason = getattr(error, "strerror", None) or str(error)
        where = "standard output" if self._file is None else self.path
        self.failure = f"decisions after the first {self.lines} lines were not written to {where} ({reason})"
        if self._file is None:
            abandon_stdout()

    def close(self) -> None:
        """Never raises; what a network file system refuses only now is a failure, too."""
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError as error:
            if not self.failure:
                self._fail(error)


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for a pipe's reader, who may never come."""
    descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
    os.set_blocking(descriptor, True)
    return descriptor


class Terminal:
    """Text on standard output. Once that fails nothing more is printed."""

    def __init__(self):
        self._failure = ""

    def failure(self) -> str:
        """One sentence on why text is missing, or ""."""
        return self._failure

    def say(self, text: str) -> None:
        """Print `text` and a line end in one piece, as other threads print too; letters that the encoding lacks are
        escaped."""
        if self._failure:
            return
        try:
            encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
            sys.stdout.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))
            sys.stdout.flush()
        except (OSError, ValueError) as error:  # ValueError: standard output was closed
            self._failure = f"not all was printed on standard output ({getattr(error, 'strerror', None) or error})"
            abandon_stdout()


def abandon_stdout() -> None:
    """What is still buffered for standard output goes nowhere: it must not fail once more at the interpreter's end."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError, AttributeError):
        pass  # no file stands behind it
