# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings in a folder, and the files in it that only some system left there."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.rates import same_rate
from wfm_core.data.recordings.archive import SUFFIX as ARCHIVE
from wfm_core.data.recordings.collection import COLLECTION, streams_in
from wfm_core.data.recordings.raw import Told, is_raw
from wfm_core.data.recordings.record import Recording
from wfm_core.data.recordings.recording import open_recordings

_META = ".sigmf-meta"
_SYSTEM = {
    "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "__macosx", "@eadir",
    "lost+found", "icon\r",
}  # fmt: skip


def without_system_files(paths: Iterable[Path], folder: Path) -> list[Path]:
    """`paths` in and under `folder`, in order, without hidden ones (`._x`, `.DS_Store`) and what Windows, macOS and
    network disks leave in folders."""
    return sorted(path for path in paths if not any(map(_left_by_system, path.relative_to(folder).parts)))


def _left_by_system(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM


def recordings_in(
    source: Path, told: Told | None = None, skip: Callable[[Path, WfmError], None] | None = None
) -> list[Recording]:
    """All recordings in and under a folder, or of one file. Raises WfmError; where there are none, too.

    A folder's SigMF recordings, archives and collections are read (a recording of a collection as a part of it alone);
    raw and WAV files only where it has none of those. `skip` is told of the files of a folder that cannot be read,
    which then stop nothing.
    """
    if os.path.isfile(source):
        return open_recordings(source, told)
    if not os.path.isdir(source):
        raise WfmError(f"no folder {source}: name an existing folder of recordings")
    files = [path for path in without_system_files(source.rglob("*"), source) if os.path.isfile(path)]
    paths = list(_sigmf(files, skip is not None)) or [path for path in files if is_raw(path)]
    if not paths:
        raise WfmError(
            f"{source} holds no recordings: put .sigmf-meta files with their data in or under it, or .sigmf archives, "
            "or raw files whose suffix tells their datatype (.cu8, .cs16, .cf32, .wav and others)"
        )
    recordings = []
    for path in paths:
        try:
            recordings += open_recordings(path, told)
        except WfmError as error:
            if skip is None:
                raise
            skip(path, error)
    return recordings


def one_rate(recordings: list[Recording], folder: Path, advice: str, one_datatype: bool = False) -> float:
    """The sample rate in Hz of all recordings of `folder`, which must have it, and with `one_datatype` a datatype too.

    Raises WfmError, with the `advice`.
    """
    first = recordings[0]
    for other in recordings[1:]:
        for what, same, seen in (
            ("sample rates", same_rate(first.sample_rate, other.sample_rate), lambda r: f"{r.sample_rate:.12g} Hz"),
            ("datatypes", first.datatype == other.datatype or not one_datatype, lambda r: r.datatype),
        ):
            if not same:
                raise WfmError(
                    f"mixed {what} in {folder}: {called_in(folder, first)} has {seen(first)}, "
                    f"{called_in(folder, other)} has {seen(other)}; {advice}"
                )
    return first.sample_rate


def called_in(folder: Path, recording: Recording) -> str:
    """A recording's file as `folder` has it, which may be that file itself."""
    path = recording.meta_path
    return path.relative_to(folder).as_posix() if path != folder else path.name


def _sigmf(files: list[Path], lenient: bool) -> Iterator[Path]:
    """`lenient`: a collection that cannot be read has no recordings; else `WfmError`."""
    taken = set()
    for path in files:
        if path.suffix == COLLECTION:
            with contextlib.suppress(*([WfmError] if lenient else [])):
                taken |= {path.with_name(f"{stream.name}{_META}") for stream in streams_in(path)}
    for path in files:
        if path.suffix in (ARCHIVE, COLLECTION) or (path.suffix == _META and path not in taken):
            yield path
