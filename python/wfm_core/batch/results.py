# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of results: a file a recording, whole or not there, and the settings that all of them were made with."""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import lock_within, open_file, read_file, write_atomically
from wfm_core.base.plain import shortened
from wfm_core.batch.work import Lines
from wfm_core.data.recordings.recording import Recording
from wfm_core.messages.output import json_line

SETTINGS = "run.json"
_MOST_SETTINGS = 1 << 20
_LONGEST_LAST = 1 << 14
"""Bytes of a result's last line."""


class UnwritableError(WfmError):
    """The folder takes no more, whatever the recording is."""


class ResultFolder:
    """Results in the folder `path`, made with the `settings`, which are plain JSON.

    A result NAME.jsonl has a JSON object a line. The last one says that it is whole: how many `lines` are before it,
    `run`, a hash of the settings, `of`, one of what the recording was, and what the run says of it as a whole.
    """

    def __init__(self, path: Path, settings: dict):
        self.path, self.settings = path, json.loads(json.dumps(settings))
        self._run = _hash(self.settings)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """The folder is there, and this run's alone within. Raises `WfmError`, also for results of other settings."""
        kept = kept_settings(self.path)
        if kept is None:
            self._keep()
        elif kept != self.settings:
            raise WfmError(
                f"{self.path} holds results of other settings ({_difference(kept, self.settings)}), which are not "
                "mixed: name another --out, or give the options as they were"
            )
        with open_file(self.path / SETTINGS) as file:
            if not _locked(file.fileno()):
                raise WfmError(f"another run writes into {self.path}: wait for its end, or name another --out")
            yield

    def _keep(self) -> None:
        text = json.dumps(self.settings, indent=1)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path / SETTINGS, lambda path: path.write_text(f"{text}\n"))
        except OSError as error:
            raise WfmError(f"cannot write into {self.path} ({error.strerror}): name another --out") from error

    def finished(self, name: str, recording: Recording) -> bool:
        """Is the whole result there, with these settings, of the recording as it is now?"""
        try:
            with open_file(self._file(name)) as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _LONGEST_LAST))
                *_, last = file.read().splitlines() or [b""]
            said = json.loads(last)
            return isinstance(said, dict) and (said.get("run"), said.get("of")) == (self._run, _state(recording))
        except (OSError, ValueError, RecursionError, WfmError):
            return False

    def write(self, name: str, recording: Recording, lines: Lines) -> None:
        """The result of a recording, whole or not at all.

        Raises `UnwritableError` for a folder that takes nothing more, and what `lines` raises, which is no `OSError`.
        """
        path, of, begun = self._file(name), _state(recording), False

        def put(temporary: Path) -> None:
            nonlocal begun
            begun = True
            with temporary.open("wb") as file:
                count = 0
                while True:
                    try:
                        line = next(lines)
                    except StopIteration as end:
                        last = {"recording": name, "lines": count, **(end.value or {}), "run": self._run, "of": of}
                        file.write(json_line(last).encode())
                        return
                    file.write(json_line(line).encode())
                    count += 1

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, put)
        except OSError as error:
            raise _unwritable(path, error) from error
        except WfmError as error:
            if begun:
                raise
            raise _unwritable(path, error.__cause__) from error  # no file beside `path`

    def read(self, name: str) -> Lines:
        """The lines of a result, and at last the last one. Raises `WfmError`."""
        path, last = self._file(name), None
        try:
            with open_file(path) as file:
                for line in file:
                    if last is not None:
                        yield last
                    last = json.loads(line)
        except (OSError, ValueError, RecursionError) as error:
            raise WfmError(f"{path} cannot be read ({shortened(str(error))}): remove it and start again") from error
        return last

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.jsonl"


def kept_settings(folder: Path) -> dict | None:
    """Those of the results in `folder`, None where there are none. Raises `WfmError`."""
    path = folder / SETTINGS
    if not path.exists():
        return None
    try:
        kept = json.loads(read_file(path, _MOST_SETTINGS))
        if isinstance(kept, dict):
            return kept
        error = f"{shortened(kept)} instead of a mapping"
    except (ValueError, RecursionError) as wrong:
        error = wrong
    raise WfmError(f"{path} cannot be read ({error}): name another --out, or remove that folder")


def _locked(handle: int) -> bool:
    try:
        return lock_within(handle, fcntl.LOCK_EX, 0.0)
    except OSError:  # the file system has no locks
        return True


def _unwritable(path: Path, error: BaseException | None) -> WfmError:
    reason = getattr(error, "strerror", None) or str(error)
    if getattr(error, "errno", 0) == errno.ENAMETOOLONG:
        return WfmError(f"{path} cannot be written ({reason}): give the recording a shorter name")
    return UnwritableError(f"{path} cannot be written ({reason}): see to it and start again, what is finished is kept")


def _state(recording: Recording) -> str:
    """A hash of what tells a recording from another one that takes its place. Raises `WfmError`."""
    try:
        stats = [os.stat(path) for path in dict.fromkeys(file.path for file in recording.files)]
    except OSError as error:
        raise WfmError(f"{error.filename} cannot be read any more ({error.strerror}): get it again") from error
    files = [(stat.st_size, stat.st_mtime_ns) for stat in stats]
    captures = [asdict(capture) for capture in recording.captures]
    return _hash([recording.sample_rate, recording.samples, recording.datatype, captures, files])


def _hash(value) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _difference(kept: dict, now: dict) -> str:
    """In words, of the first few."""
    names = [name for name in {**kept, **now} if kept.get(name) != now.get(name)]
    return ", ".join(f"{name} {shortened(kept.get(name))}, now {shortened(now.get(name))}" for name in names[:3])
