# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of SigMF recordings whose annotations carry the labels, cut into windows.

Windows are cut inside annotations, from the first sample of each, by the rules of `wfm_core.data.windows`: none
reaches across a break, and none is kept that two labels touch. The recording is the group `source` of its windows.
"""

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.cuts import Cut, cut_annotations, ratio_to, windows_at
from wfm_core.data.readers.folders import existing_folder, found, provenance
from wfm_core.data.readers.measure import iq_signal
from wfm_core.data.recording import Recording, open_recording
from wfm_core.errors import WfmError

_CONTENT = "SigMF recordings (.sigmf-meta beside their data)"


def read(
    source: Path,
    out: Path,
    *,
    label: str,
    window: int,
    hop: int = 0,
    antennas: int | None = None,
    resample: float | None = None,
    task: str | None = None,
) -> Path:
    """Write the data set `out` of all recordings in and under the folder `source`.

    `label` is the annotations' key, such as core:label. `window` and `hop` (0: one window) are in samples, after
    resampling to `resample` Hz where that is given; `antennas` is how many channels are kept, the first ones
    (default: all, and then all recordings must have as many). Raises `WfmError`.
    """
    if window < 1 or hop < 0 or (antennas is not None and antennas < 1):
        raise WfmError(f"--window {window}, --hop {hop}, --antennas {antennas}: samples and channels from 1 are wanted")
    source = existing_folder(source, _CONTENT)
    recordings = [_labelled(path, label) for path in found(source, source.rglob("*.sigmf-meta"), _CONTENT)]
    names = sorted({annotation.label for recording in recordings for annotation in recording.annotations} - {""})
    if not names:
        raise WfmError(f"no annotation in {source} has the key {label}; {_keys_there(recordings)}")
    rate = _one_rate(source, recordings, resample)
    antennas = _one_count(source, recordings, antennas)
    cuts = [cut for recording in recordings for cut in cut_annotations(recording, names, window, hop, rate)]
    _check_yield(source, recordings, names, cuts, window)
    counts = [len(cut.starts) for cut in cuts]
    sources = [cut.recording.meta_path.relative_to(source).as_posix().removesuffix(".sigmf-meta") for cut in cuts]
    return write_dataset(
        out,
        "sample",
        (block for cut in cuts for block in cut.windows(window, antennas)),
        np.repeat([names.index(cut.label) for cut in cuts], counts),
        labels=names,
        groups={"source": np.repeat(sources, counts)},
        task=task or "custom",
        signal=iq_signal(partial(windows_at, cuts=cuts, window=window, antennas=antennas), sum(counts)),
        provenance=provenance(
            "sigmf",
            source,
            len(recordings),
            label=label,
            window=window,
            hop=hop or window,
            antennas=antennas,
            resample=resample,
        ),
        sample_rate=rate,
    )


def _labelled(path: Path, key: str) -> Recording:
    """The recording, each annotation's label that under `key` ("" without it)."""
    recording = open_recording(path)
    entries = json.loads(recording.meta_path.read_text(encoding="utf-8"))["annotations"]
    labels = [str(entry.get(key, "")).strip() for entry in entries]
    annotations = (replace(old, label=label) for old, label in zip(recording.annotations, labels, strict=True))
    return replace(recording, annotations=tuple(annotations))


def _keys_there(recordings: list[Recording]) -> str:
    entries = [json.loads(r.meta_path.read_text(encoding="utf-8"))["annotations"] for r in recordings]
    keys = sorted({key for entry in sum(entries, []) for key in entry} - {"core:sample_start", "core:sample_count"})
    return f"their keys are {', '.join(keys)}: name one with --label" if keys else "annotate the recordings first"


def _one_rate(folder: Path, recordings: list[Recording], resample: float | None) -> float:
    """The rate of the windows in Hz. Without `resample` all recordings must have it, and one datatype."""
    if resample is not None:
        if not 0 < resample < np.inf:
            raise WfmError(f"--resample {resample}: a rate above 0 Hz is wanted")
        for recording in recordings:
            ratio_to(resample, recording)
        return resample
    first = recordings[0]
    for other in recordings[1:]:
        for what, seen in (
            ("sample rates", lambda recording: f"{recording.sample_rate:.12g} Hz"),
            ("datatypes", lambda recording: recording.datatype),
        ):
            if seen(other) != seen(first):
                raise WfmError(
                    f"mixed {what} in {folder}: {first.meta_path.relative_to(folder)} has {seen(first)}, "
                    f"{other.meta_path.relative_to(folder)} has {seen(other)}; a model would learn the difference "
                    "instead of the signal: use one folder for each, or bring all to one rate with --resample HZ"
                )
    return first.sample_rate


def _one_count(folder: Path, recordings: list[Recording], antennas: int | None) -> int:
    fewest = min(recordings, key=lambda recording: recording.channels)
    most = max(recordings, key=lambda recording: recording.channels)
    if antennas is None and fewest.channels < most.channels:
        raise WfmError(
            f"mixed channels in {folder}: {fewest.meta_path.relative_to(folder)} has {fewest.channels}, "
            f"{most.meta_path.relative_to(folder)} has {most.channels}; say how many to use with --antennas"
        )
    if antennas is not None and fewest.channels < antennas:
        raise WfmError(
            f"{fewest.meta_path} has {fewest.channels} channels, {antennas} antennas are asked for; ask for fewer"
        )
    return antennas or fewest.channels


def _check_yield(source: Path, recordings: list[Recording], names: list[str], cuts: list[Cut], window: int) -> None:
    """A label without windows is refused, a recording without windows is said on stderr."""
    for name in names:
        mine = [cut for cut in cuts if cut.label == name]
        if not any(len(cut.starts) for cut in mine):
            longest = max((int((cut.end - cut.begin) * cut.ratio) for cut in mine), default=0)
            raise WfmError(
                f"label {name!r} in {source} has no window of {window} samples that it alone touches (longest "
                f"stretch {longest} samples): ask for a shorter --window or take the label out"
            )
    used = {cut.recording.meta_path for cut in cuts if len(cut.starts)}
    idle = [r.meta_path.relative_to(source).as_posix() for r in recordings if r.meta_path not in used]
    if idle:
        more = " and others" if len(idle) > 5 else ""
        print(
            f"wfm-dataset: warning: {len(idle)} of {len(recordings)} recordings give no window: "
            f"{', '.join(idle[:5])}{more}",
            file=sys.stderr,
        )
