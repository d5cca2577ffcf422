# SPDX-License-Identifier: GPL-3.0-or-later
"""What sets of modulations share: frames at many SNRs, of which a part may be enough, and pickles of them.

The pickles of RadioML 2016 and RML22 hold `{(modulation, SNR in dB): float32 [frames, 2, samples]}`, I then Q.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import write_dataset
from wfm_core.data.pickle_file import open_pickle
from wfm_core.data.readers.own.folders import files_in, provenance
from wfm_core.synth.radioml import LABELS

CHUNK = 1024
"""Frames in memory at a time."""


def check_part(min_snr: float | None, per_class: int) -> None:
    """Raise `WfmError` for options that no frame could fit."""
    if per_class < 0:
        raise WfmError(f"per class {per_class} frames: 1 or more of each class at each SNR are expected, or 0 for all")
    if min_snr is not None and not np.isfinite(min_snr):
        raise WfmError(f"minimum SNR {min_snr} dB: a finite number is expected; leave it out for all")


def none_left(folder: Path, snrs: list[float], min_snr: float | None) -> WfmError:
    """For a set of which nothing is left."""
    return WfmError(
        f"{folder} has frames of {min(snrs):g} to {max(snrs):g} dB, none of {min_snr:g} dB or more: ask for a lower SNR"
    )


def read_pickles(
    name: str,
    folder: Path,
    out: Path,
    content: str,
    patterns: tuple[str, ...],
    *,
    signal: dict,
    sample_rate: float | None,
    min_snr: float | None,
    per_class: int,
) -> Path:
    """The set `name` of the pickles in and under `folder` that fit `patterns`; one array is in memory at a time.

    Classes that are not there are left out. Groups: `file`, `snr_db`.
    """
    folder, paths = files_in(folder, content, *patterns)
    check_part(min_snr, per_class)
    with ExitStack() as closing:
        opened = [(path, *closing.enter_context(open_pickle(path))) for path in paths]
        parts = [
            (path, modulation, snr, array, read)
            for path, arrays, read in opened
            for (modulation, snr), array in sorted(arrays.items(), key=lambda item: _order(path, *item[0]))
        ]
        shape = parts[0][3].shape
        for path, modulation, snr, array, _ in parts:
            _check(path, modulation, snr, array, shape)
        kept = [part for part in parts if min_snr is None or part[2] >= min_snr]
        if not kept:
            raise none_left(folder, [part[2] for part in parts], min_snr)
        counts = [min(part[3].shape[0], per_class or part[3].shape[0]) for part in kept]
        labels = [label for label in LABELS if any(part[1] == label for part in kept)]
        return write_dataset(
            out,
            "sample",
            _frames(kept, counts),
            np.repeat([labels.index(part[1]) for part in kept], counts),
            labels=labels,
            groups={
                "file": np.repeat([part[0].relative_to(folder).as_posix() for part in kept], counts),
                "snr_db": np.repeat([str(part[2]) for part in kept], counts),
            },
            task="modulation",
            signal=signal,
            provenance=provenance(name, folder, len(paths), min_snr=min_snr, per_class=per_class),
            sample_rate=sample_rate,
        )


def _order(path: Path, modulation: str, snr: int) -> tuple[int, int]:
    if modulation not in LABELS:
        raise WfmError(f"{path}: a modulation {modulation!r}, expected one of {', '.join(LABELS)}; take the file out")
    return LABELS.index(modulation), snr


def _check(path: Path, modulation: str, snr: int, array, first: tuple[int, ...]) -> None:
    shape = array.shape
    if len(shape) != 3 or shape[1] != 2 or array.dtype.kind != "f" or shape[2] != first[-1]:
        raise WfmError(
            f"{path}: {modulation} at {snr} dB is {array.dtype} {list(shape)}, float32 [frames, 2, {first[-1]}] is "
            "expected, I and Q of frames that are all as long; fetch the file again"
        )


def _frames(parts: list, counts: list[int]) -> Iterator[np.ndarray]:
    """float32 [n, 2, 1, samples] of each modulation at each SNR."""
    for (_, _, _, array, read), count in zip(parts, counts, strict=True):
        yield read(array)[:count, :, None].astype(np.float32)
