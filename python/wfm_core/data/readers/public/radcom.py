# SPDX-License-Identifier: GPL-3.0-or-later
"""RadarCommDataset: radar and communication signals, frames of 128 samples at 10 MS/s (tasks `radcom`, `modulation`).

`RadComOta2.45GHz.hdf5` (over the air), `RadComAWGN.hdf5` or `RadComDynamic.hdf5`: an array of 256 values a frame, 128
of I and then 128 of Q, named by the text of a tuple, `('AM-DSB', 'AM radio', '-20', '17')`: modulation, kind of
signal, SNR in dB, number. 700 frames of each of 9 waveforms at SNRs from -20 to 18 dB. A. Jagannath and J. Jagannath,
"Multi-task Learning Approach for Automatic Modulation and Wireless Signal Classification", IEEE ICC 2021;
https://github.com/ANDROComputationalSolutions/RadarCommDataset.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import write_dataset
from wfm_core.data.hdf5_file import open_hdf5
from wfm_core.data.readers.own.folders import files_in, provenance
from wfm_core.data.readers.own.measure import level_signal
from wfm_core.data.readers.public.modulations import CHUNK, check_part, none_left

SAMPLE_RATE = 10e6
SAMPLES = 128
CLASSES = {"both": (0, 1), "modulation": (0,), "signal": (1,)}
"""What `label` may be -> the names of a waveform that are the class."""
OBJECTS_LIMIT = 1_000_000
"""A frame is an array of its own, so there are more than in other HDF5 files."""
_CONTENT = "RadCom*.hdf5"
_KEY = re.compile(r"\(u?'([^']{1,64})', *u?'([^']{1,64})', *u?'?(-?\d{1,4}(?:\.\d{1,4})?)'?, *u?'?\d{1,9}'?\)")
_NAME_LIMIT = 200


def read(folder: Path, out: Path, *, label: str = "both", min_snr: float | None = None, per_class: int = 0) -> Path:
    """All frames of `min_snr` dB or more, or the first `per_class` of each waveform at each SNR, standardised together.

    `label`: "both", modulation and kind of signal as one class (9 of them), or the "modulation" or the "signal" alone.
    Groups: `file`, `modulation`, `signal`, `snr_db`.
    """
    folder, paths = files_in(folder, _CONTENT, "**/RadCom*.hdf5", "**/RadCom*.h5")
    check_part(min_snr, per_class)
    task = task_of(label)
    frames = [(path, *frame) for path in paths for frame in _frames_named(path)]
    kept = list(_part(frames, min_snr, per_class))
    if not kept:
        raise none_left(folder, [float(frame[4]) for frame in frames], min_snr)
    labels, classes = named([frame[2:4] for frame in kept], label)
    columns = list(zip(*kept, strict=True))
    return write_dataset(
        out,
        "sample",
        _frames(kept),
        classes,
        labels=labels,
        groups={
            "file": [path.relative_to(folder).as_posix() for path in columns[0]],
            "modulation": columns[2],
            "signal": columns[3],
            "snr_db": columns[4],
        },
        task=task,
        signal=level_signal,
        provenance=provenance("radcom", folder, len(paths), label=label, min_snr=min_snr, per_class=per_class),
        sample_rate=SAMPLE_RATE,
    )


def task_of(label: str) -> str:
    """The task of a set with such labels. Raises `WfmError`."""
    if label not in CLASSES:
        raise WfmError(f"label {label!r}: expected one of {', '.join(CLASSES)}")
    return "modulation" if label == "modulation" else "radcom"


def named(waveforms: Sequence[tuple[str, str]], label: str) -> tuple[list[str], list[int]]:
    """The names of the classes, sorted, and the class of each of the `waveforms`, (modulation, kind of signal)."""
    names = [" ".join(waveform[part] for part in CLASSES[label]) for waveform in waveforms]
    labels = sorted(set(names))
    numbers = {name: number for number, name in enumerate(labels)}
    return labels, [numbers[name] for name in names]


def _frames_named(path: Path) -> list[tuple[str, str, str, str]]:
    """Of each array its name, and modulation, kind of signal and SNR in it."""
    with open_hdf5(path, "fetch it again", most=OBJECTS_LIMIT) as file:
        names = list(file)
    found = [(name, _KEY.fullmatch(name)) for name in names]
    wrong = [name for name, key in found if key is None]
    if wrong or not found:
        seen = f"an array {wrong[0][:_NAME_LIMIT]!r}" if wrong else "nothing"
        raise WfmError(
            f"{path} holds {seen}, arrays such as ('AM-DSB', 'AM radio', '-20', '17') are expected; name the right "
            "folder"
        )
    return [(name, key[1], key[2], f"{float(key[3]):g}") for name, key in found]


def _part(frames: list[tuple], min_snr: float | None, per_class: int) -> Iterator[tuple]:
    seen = Counter()
    for frame in frames:
        if min_snr is None or float(frame[4]) >= min_snr:
            seen[frame[2:]] += 1
            if not per_class or seen[frame[2:]] <= per_class:
                yield frame


def _frames(kept: list[tuple]) -> Iterator[np.ndarray]:
    """float32 [n, 2, 1, 128] of frames of one file."""
    for begin in range(0, len(kept), CHUNK):
        part = kept[begin : begin + CHUNK]
        for path in dict.fromkeys(frame[0] for frame in part):
            with open_hdf5(path, "fetch it again", most=OBJECTS_LIMIT) as file:
                values = [_values(path, file, frame[1]) for frame in part if frame[0] == path]
            yield np.stack(values).reshape(-1, 2, 1, SAMPLES)


def _values(path: Path, file: h5py.File, name: str) -> np.ndarray:
    """float32 [256]."""
    held = file[name]
    shape = list(held.shape) if isinstance(held, h5py.Dataset) else "a group"
    if shape not in ([2 * SAMPLES], [2 * SAMPLES, 1], [1, 2 * SAMPLES]) or held.dtype.kind not in "fiu":
        raise WfmError(f"{path}: {name} is {shape}, {2 * SAMPLES} numbers, I and then Q, are expected; fetch it again")
    return held[()].astype(np.float32).reshape(-1)
