# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of every kind: SigMF, its archives and collections, raw files and WAV. The one way in for all readers."""

import os
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.data.recordings.archive import SUFFIX as ARCHIVE
from wfm_core.data.recordings.archive import read_archive
from wfm_core.data.recordings.captures import Capture
from wfm_core.data.recordings.collection import COLLECTION, read_collection
from wfm_core.data.recordings.raw import Told, is_raw, read_raw
from wfm_core.data.recordings.record import (
    HIGHEST_RATE,
    LONGEST_SECONDS,
    MOST_CHANNELS,
    Annotation,
    Recording,
    SampleFile,
)
from wfm_core.data.recordings.sigmf_meta import read_sigmf

__all__ = [
    "Annotation",
    "Capture",
    "Recording",
    "SampleFile",
    "Told",
    "open_recording",
    "open_recordings",
]

_SIGMF = (".sigmf-meta", ".sigmf-data")


def open_recording(path: str | Path, told: Told | None = None) -> Recording:
    """Open and check a recording. Raises WfmError naming what is wrong.

    `path` is `X.sigmf-meta` (or its `X.sigmf-data`, or `X`), an archive `X.sigmf` of one recording, a
    `X.sigmf-collection`, whose recordings become the channels of one, a raw file (`data.recordings.raw`) or a WAV file.
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
    path, told = user_path(path), told or Told()
    suffix = path.suffix.lower()
    if suffix == ARCHIVE:
        recordings = read_archive(path)
    elif suffix == COLLECTION:
        recordings = [read_collection(path)]
    elif is_raw(path) and not _is_base_name(path):
        recordings = [read_raw(path, told)]
    elif os.path.isfile(path) and suffix not in _SIGMF and not _is_base_name(path):
        raise WfmError(
            f"{path}: its suffix tells no kind of recording; name a .sigmf-meta, .sigmf or {COLLECTION} file, or give "
            "it that of its samples: .cu8, .cs8, .cs16, .cs32, .cf32, .cf64, .wav"
        )
    else:
        recordings = [read_sigmf(path)]
    return [_checked(recording, told) for recording in recordings]


def _is_base_name(path: Path) -> bool:
    """X of X.sigmf-meta, whatever dots are in it."""
    return os.path.isfile(path.with_name(f"{path.name}.sigmf-meta"))


def _checked(recording: Recording, told: Told) -> Recording:
    """The recording, if every reader can play it, the C++ player as well."""
    if recording.channels > MOST_CHANNELS:
        raise WfmError(
            f"{recording.meta_path} has {recording.channels} channels, {MOST_CHANNELS} at most are read: split it"
        )
    if not 0 < recording.sample_rate <= HIGHEST_RATE:
        raise WfmError(
            f"{recording.meta_path} has a sample rate of {recording.sample_rate:g} Hz, more than 0 and at most "
            f"{HIGHEST_RATE:g} Hz are expected: say the right one"
        )
    if recording.samples > recording.sample_rate * LONGEST_SECONDS:
        raise WfmError(
            f"{recording.meta_path} would last more than {LONGEST_SECONDS:g} s at its sample rate of "
            f"{recording.sample_rate:g} Hz: say the right one"
        )
    if recording.is_real and told.real == "refuse":
        raise WfmError(
            f"{recording.meta_path} holds real samples ({recording.datatype}), I and Q are expected: make them "
            "analytic with --real analytic (as a source: file:PATH?real=analytic)"
        )
    return recording
