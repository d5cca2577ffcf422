# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of recordings, or one, cut into windows; annotations carry the labels, or folders the names of classes.

Without labels the whole of every recording is cut. With them windows are cut inside annotations, from the first sample
of each, by the rules of `data.recordings.windows`: none reaches across a break, and none is kept that two labels touch.
The recording is the group `source` of its windows.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.cuts import Cut, cut_annotations, ratio_to
from wfm_core.data.readers.own.folders import provenance
from wfm_core.data.readers.own.measure import iq_signal
from wfm_core.data.recordings.folder import called_in, one_rate, recordings_in
from wfm_core.data.recordings.recording import Annotation, Recording, Told

FOLDER_LABEL = "folder"
"""As `label`: a recording's class is the name of the folder that it lies in, and holds for the whole of it."""
UNLABELLED = "the whole of it"
"""What a message calls the label of a recording in a set without labels."""


def read(
    source: Path,
    out: Path,
    *,
    label: str | None = None,
    window: int,
    hop: int = 0,
    antennas: int | None = None,
    resample: float | None = None,
    task: str | None = None,
    rate: float | None = None,
    freq: float | None = None,
    real: str = "refuse",
) -> Path:
    """Write the data set `out` of all recordings in and under the folder `source`, or of the one that it names.

    `label` is the annotations' key, such as core:label, or "folder"; None makes a set without labels. `rate`, `freq`
    (Hz) and `real` are those of `Told`, for recordings that do not say it themselves. `window` and `hop` (0: one
    window) are in samples, after resampling to `resample` Hz where that is given; `antennas` is how many channels are
    kept, the first ones (default: all, and then all recordings must have as many). Raises `WfmError`.
    """
    if window < 1 or hop < 0 or (antennas is not None and antennas < 1):
        raise WfmError(f"--window {window}, --hop {hop}, --antennas {antennas}: numbers from 1 are expected")
    source = user_path(source)
    recordings = recordings_in(source, Told(rate, freq, real))
    if label not in (None, FOLDER_LABEL) and not any(recording.annotations for recording in recordings):
        raise WfmError(
            f"no recording in {source} has annotations: annotate them, or put the recordings of each class in a folder "
            f"of its name and say --label {FOLDER_LABEL}"
        )
    keys = _keys_there(recordings)
    recordings = [_labelled(recording, label) for recording in recordings]
    names = sorted({annotation.label for recording in recordings for annotation in recording.annotations} - {""})
    if not names:
        raise WfmError(f"no annotation in {source} has the key {label}; {keys}")
    window_rate = _one_rate(source, recordings, resample)
    antennas = _one_count(source, recordings, antennas)
    cuts = [cut for recording in recordings for cut in cut_annotations(recording, names, window, hop, window_rate)]
    _check_yield(source, recordings, names, cuts, window)
    counts = [len(cut.starts) for cut in cuts]
    sources = [called_in(source, cut.recording).removesuffix(".sigmf-meta") for cut in cuts]
    number = {name: index for index, name in enumerate(names)}
    return write_dataset(
        out,
        "sample",
        (block for cut in cuts for block in cut.windows(window, antennas)),
        None if label is None else np.repeat([number[cut.label] for cut in cuts], counts),
        labels=None if label is None else names,
        groups={"source": np.repeat(sources, counts)},
        task=task or "custom",
        signal=iq_signal,
        provenance=provenance(
            "sigmf",
            source,
            len(recordings),
            label=label,
            window=window,
            hop=hop or window,
            antennas=antennas,
            resample=resample,
            **{name: value for name, value in (("rate", rate), ("freq", freq)) if value is not None},
        ),
        sample_rate=window_rate,
        count=sum(counts),
    )


def _labelled(recording: Recording, key: str | None) -> Recording:
    """The recording, each annotation's label that under `key` ("" without it); or all of it labelled by its folder."""
    if key is None:
        return replace(recording, annotations=(Annotation(0, recording.samples, UNLABELLED),))
    if key == FOLDER_LABEL:
        folder = Path(os.path.abspath(recording.data_path)).parent.name  # not where a link leads: git-annex's store
        return replace(recording, annotations=(Annotation(0, recording.samples, folder),))
    annotations = (replace(old, label=str(old.fields.get(key, "")).strip()) for old in recording.annotations)
    return replace(recording, annotations=tuple(annotations))


def _keys_there(recordings: list[Recording]) -> str:
    fields = {key for recording in recordings for annotation in recording.annotations for key in annotation.fields}
    keys = sorted(fields - {"core:sample_start", "core:sample_count"})
    return f"their keys are {', '.join(keys)}: name one with --label" if keys else "annotate the recordings first"


def _one_rate(folder: Path, recordings: list[Recording], resample: float | None) -> float:
    """The rate of the windows in Hz. Without `resample` all recordings must have it, and one datatype."""
    if resample is not None:
        if not 0 < resample < np.inf:
            raise WfmError(f"--resample {resample}: a rate above 0 Hz is expected")
        for recording in recordings:
            ratio_to(resample, recording)
        return resample
    advice = (
        "a model would learn the difference instead of the signal: use one folder for each, or bring all to one rate "
        "with --resample HZ"
    )
    return one_rate(recordings, folder, advice, one_datatype=True)


def _one_count(folder: Path, recordings: list[Recording], antennas: int | None) -> int:
    fewest = min(recordings, key=lambda recording: recording.channels)
    most = max(recordings, key=lambda recording: recording.channels)
    if antennas is None and fewest.channels < most.channels:
        raise WfmError(
            f"mixed channels in {folder}: {called_in(folder, fewest)} has {fewest.channels}, "
            f"{called_in(folder, most)} has {most.channels}; say how many to use with --antennas"
        )
    if antennas is not None and fewest.channels < antennas:
        raise WfmError(
            f"{fewest.meta_path} has {fewest.channels} channels, {antennas} antennas are asked for; ask for fewer"
        )
    return antennas or fewest.channels


def _check_yield(source: Path, recordings: list[Recording], names: list[str], cuts: list[Cut], window: int) -> None:
    """A label without windows is refused, a recording without windows is said on stderr."""
    given = {cut.label for cut in cuts if len(cut.starts)}
    for name in names:
        if name not in given:
            longest = max((int((cut.end - cut.begin) * cut.ratio) for cut in cuts if cut.label == name), default=0)
            raise WfmError(
                f"label {name!r} in {source} has no window of {window} samples that it alone touches (longest "
                f"stretch {longest} samples): ask for a shorter --window or take the label out"
            )
    used = {cut.recording.meta_path for cut in cuts if len(cut.starts)}
    idle = [called_in(source, r) for r in recordings if r.meta_path not in used]
    if idle:
        more = " and others" if len(idle) > 5 else ""
        print(
            f"wfm-dataset: warning: {len(idle)} of {len(recordings)} recordings give no window: "
            f"{', '.join(idle[:5])}{more}",
            file=sys.stderr,
        )
