# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of every kind: SigMF, its archives and collections, raw files and WAV. The one way in for all readers."""

from pathlib import Path

from wfm_core.data.archive import SUFFIX as ARCHIVE
from wfm_core.data.archive import read_archive
from wfm_core.data.captures import Capture
from wfm_core.data.collection import COLLECTION, read_collection
from wfm_core.data.raw import Told, is_raw, read_raw
from wfm_core.data.record import RATE_TOLERANCE, Annotation, Recording, SampleFile, same_rate
from wfm_core.data.sigmf_meta import read_sigmf
from wfm_core.errors import WfmError

__all__ = [
    "RATE_TOLERANCE",
    "Annotation",
    "Capture",
    "Recording",
    "SampleFile",
    "Told",
    "open_recording",
    "open_recordings",
    "same_rate",
]

_SIGMF = (".sigmf-meta", ".sigmf-data")


def open_recording(path: str | Path, told: Told | None = None) -> Recording:
    """Open and check a recording. Raises WfmError naming what is wrong.

    `path` is `X.sigmf-meta` (or its `X.sigmf-data`, or `X`), an archive `X.sigmf` of one recording, a
    `X.sigmf-collection`, whose recordings become the channels of one, a raw file (`wfm_core.data.raw`) or a WAV file.
    `told` says what a file does not say itself, and whether real samples are made analytic or refused.
    """
    recordings = open_recordings(path, told)
    if len(recordings) > 1:
        named = ", ".join(recording.meta_path.name for recording in recordings[:5])
        raise WfmError(
            f"{path} holds {len(recordings)} recordings ({named}): unpack it (tar -xf) and name one, or read all of "
            "them with a command that takes a folder"
        )
    return recordings[0]


def open_recordings(path: str | Path, told: Told | None = None) -> list[Recording]:
    """As `open_recording`; an archive may hold several."""
    path, told = Path(path).expanduser(), told or Told()
    suffix = path.suffix.lower()
    if suffix == ARCHIVE:
        recordings = read_archive(path)
    elif suffix == COLLECTION:
        recordings = [read_collection(path)]
    elif is_raw(path) and not _is_base_name(path):
        recordings = [read_raw(path, told)]
    elif path.is_file() and suffix not in _SIGMF and not _is_base_name(path):
        raise WfmError(
            f"{path}: its suffix tells no kind of recording; name a .sigmf-meta, .sigmf or {COLLECTION} file, or give "
            "it that of its samples: .cu8, .cs8, .cs16, .cs32, .cf32, .cf64, .wav"
        )
    else:
        recordings = [read_sigmf(path)]
    return [_complex(recording, told) for recording in recordings]


def _is_base_name(path: Path) -> bool:
    """X of X.sigmf-meta, whatever dots are in it."""
    return path.with_name(f"{path.name}.sigmf-meta").is_file()


def _complex(recording: Recording, told: Told) -> Recording:
    if recording.is_real and told.real == "refuse":
        raise WfmError(
            f"{recording.meta_path} holds real samples ({recording.datatype}), I and Q are expected: make them "
            "analytic with --real analytic (as a source: file:PATH?real=analytic)"
        )
    return recording
