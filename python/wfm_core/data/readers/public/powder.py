# SPDX-License-Identifier: GPL-3.0-or-later
"""POWDER: which of four base stations sent it, one antenna, windows of 512 samples (task `fingerprint`).

Pairs `X.json` and `X.bin`; the JSON is laid out like SigMF without being it: `captures` and `annotations` are
mappings. The bin is complex64. Windows of one recording are alike: split by the group `source`, or the result leaks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file
from wfm_core.base.json_text import read_json
from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.folders import common_rate, files_in, provenance
from wfm_core.data.readers.own.measure import level_signal
from wfm_core.data.recordings.record import SampleFile

LABELS = ("bes", "browning", "honors", "meb")
_CONTENT = "pairs X.json and X.bin"
_METADATA_LIMIT_BYTES = 1 << 20
_DATATYPES = ("cf32", "cf32_le")
_CHUNK = 4096  # windows in memory at a time


@dataclass(frozen=True)
class _Recording:
    file: SampleFile
    source: str
    label: int
    rate: float
    frequency: float
    samples: int


def read(folder: Path, out: Path, *, window: int = 512, hop: int = 0) -> Path:
    """Windows of `window` samples every `hop` samples (0: one `window`), standardised with their own mean and std.

    Groups: `source` (the recording), `sample_rate` and `center_freq` in Hz.
    """
    folder, paths = files_in(folder, _CONTENT, "**/*.json")
    step = hop or window
    if window < 1 or step < 1:
        raise WfmError(f"window {window}, hop {hop} samples: a window of 1 or more and no negative hop are expected")
    recordings = [_recording(folder, path) for path in paths]
    counts = [_windows(recording, window, step) for recording in recordings]
    sources = np.repeat([recording.source for recording in recordings], counts)
    return write_dataset(
        out,
        "sample",
        _cut(recordings, window, step),
        np.repeat([recording.label for recording in recordings], counts),
        labels=LABELS,
        groups={
            "source": sources,
            "sample_rate": np.repeat([f"{recording.rate:.12g}" for recording in recordings], counts),
            "center_freq": np.repeat([f"{recording.frequency:.12g}" for recording in recordings], counts),
        },
        task="fingerprint",
        signal=level_signal,
        provenance=provenance("powder", folder, len(recordings), window=window, hop=step),
        sample_rate=common_rate(recording.rate for recording in recordings),
    )


def _recording(folder: Path, path: Path) -> _Recording:
    metadata = read_json(read_file(path, _METADATA_LIMIT_BYTES), str(path))
    datatype = _field(path, metadata, "global", "core:datatype")
    if datatype not in _DATATYPES:
        raise WfmError(f"{path}: core:datatype {datatype!r}, cf32 is expected; convert the recording or take it out")
    place = str(_field(path, metadata, "annotations", "transmitter", "core:location")).strip().lower()
    if place not in LABELS:
        raise WfmError(f"{path}: core:location {place!r}, expected one of {', '.join(LABELS)}; take the recording out")
    data = path.with_suffix(".bin")
    if not data.is_file():
        raise WfmError(f"{path} has no {data.name} beside it: unpack the data set again or remove the JSON file")
    samples, rest = divmod(data.stat().st_size, np.dtype(np.complex64).itemsize)
    if rest:
        raise WfmError(f"{data} ends within a sample ({rest} bytes over, 8 bytes each): it is cut off, fetch it again")
    return _Recording(
        file=SampleFile(data, "cf32_le", 1, 0),
        source=path.relative_to(folder).with_suffix("").as_posix(),
        label=LABELS.index(place),
        rate=_hertz(path, metadata, "global", "core:sample_rate"),
        frequency=_hertz(path, metadata, "captures", "core:center_frequency"),
        samples=samples,
    )


def _field(path: Path, metadata, *keys: str):
    value = metadata
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise WfmError(f"{path} has no {'.'.join(keys)}: metadata as POWDER ships them are expected; fix it")
        value = value[key]
    return value


def _hertz(path: Path, metadata, *keys: str) -> float:
    value = _field(path, metadata, *keys)
    try:
        hertz = float(value)
    except (TypeError, ValueError, OverflowError):
        hertz = 0.0
    if not 0 < hertz < np.inf:
        raise WfmError(f"{path}: {'.'.join(keys)} is {value!r}, a number of Hz above 0 is expected; fix it")
    return hertz


def _windows(recording: _Recording, window: int, step: int) -> int:
    if recording.samples < window:
        raise WfmError(
            f"{recording.file.path} has {recording.samples} samples, a window takes {window}: take it out or ask for a "
            "shorter window"
        )
    return 1 + (recording.samples - window) // step


def _cut(recordings: list[_Recording], window: int, step: int) -> Iterator[np.ndarray]:
    """complex64 [n, 1, window] for each run of windows, in the order of the recordings."""
    for recording in recordings:
        count = _windows(recording, window, step)
        for start in range(0, count, _CHUNK):
            length = (min(_CHUNK, count - start) - 1) * step + window
            samples = recording.file.read(start * step, length)[0]
            yield np.array(np.lib.stride_tricks.sliding_window_view(samples, window)[::step, None])
