# SPDX-License-Identifier: GPL-3.0-or-later
"""RadioML 2018.01a: 24 modulations at 26 SNRs, frames of 1024 samples, one antenna (task `modulation`).

`GOLD_XYZ_OSC.0001_1024.hdf5`, 20 GB: `X` float32 [frames, 1024, 2], I and Q last; `Y` [frames, 24], 1 at the class;
`Z` [frames, 1], SNR in dB from -20 to 30. T. O'Shea, T. Roy and T. Clancy, "Over-the-Air Deep Learning Based Radio
Signal Classification", IEEE Journal of Selected Topics in Signal Processing 12 (2018);
https://www.deepsig.ai/datasets. No sample rate is stated.

The order of the classes is not that of `classes.txt`, which comes with the file: users found that frames do not look
like its names (https://github.com/radioML/dataset/issues/25, which the owners left unanswered), and those who share
the set add `classes-fixed.txt` with the order of the paper's list, in which the frames of a class are what it says.
`LABELS` is that one.
"""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import write_dataset
from wfm_core.data.hdf5_file import open_hdf5
from wfm_core.data.readers.own.folders import files_in, provenance
from wfm_core.data.readers.own.measure import iq_signal
from wfm_core.data.readers.public.modulations import CHUNK, check_part, none_left

LABELS = (
    "OOK", "4ASK", "8ASK", "BPSK", "QPSK", "8PSK", "16PSK", "32PSK", "16APSK", "32APSK", "64APSK", "128APSK", "16QAM",
    "32QAM", "64QAM", "128QAM", "256QAM", "AM-SSB-WC", "AM-SSB-SC", "AM-DSB-WC", "AM-DSB-SC", "FM", "GMSK", "OQPSK",
)  # fmt: skip
_CONTENT = "GOLD_XYZ_OSC.0001_1024.hdf5"
_ADVICE = "fetch it again"
_ROWS = 1 << 16  # of Y in memory at a time


def read(folder: Path, out: Path, *, min_snr: float | None = None, per_class: int = 0) -> Path:
    """All frames of `min_snr` dB or more, or the first `per_class` of each modulation at each SNR.

    The values are standardised over windows of unit RMS. Groups: `file`, `snr_db`.
    """
    folder, paths = files_in(folder, _CONTENT, "**/GOLD_XYZ_OSC*.hdf5", "**/GOLD_XYZ_OSC*.h5")
    check_part(min_snr, per_class)
    rows, label, snrs, seen = [], [], [], []
    for path in paths:
        own, snr = _columns(path)
        kept = _part(own, snr, min_snr, per_class)
        rows.append(kept)
        label.append(own[kept])
        snrs.append(snr[kept])
        seen += [snr.min(), snr.max()]
    if not sum(map(len, rows)):
        raise none_left(folder, seen, min_snr)
    return write_dataset(
        out,
        "sample",
        _frames(paths, rows),
        np.concatenate(label),
        labels=LABELS,
        groups={
            "file": np.repeat([path.relative_to(folder).as_posix() for path in paths], [len(own) for own in rows]),
            "snr_db": [f"{snr:g}" for snr in np.concatenate(snrs).tolist()],
        },
        task="modulation",
        signal=iq_signal,
        provenance=provenance("radioml-2018", folder, len(paths), min_snr=min_snr, per_class=per_class),
    )


def _columns(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Classes, int64 [frames], and SNRs in dB, float64 [frames]."""
    with open_hdf5(path, _ADVICE) as file:
        held = {name: file[name] for name in "XYZ" if isinstance(file.get(name), h5py.Dataset)}
        if len(held) < 3:
            raise WfmError(f"{path} holds {', '.join(sorted(file)) or 'nothing'}, X, Y and Z are expected; {_ADVICE}")
        frames, classes, snrs = held.values()
        count = len(frames) if frames.ndim else 0
        fits = frames.ndim == 3 and frames.shape[2] == 2 and frames.dtype.kind == "f" and count
        if not fits or classes.shape != (count, len(LABELS)) or snrs.shape not in ((count, 1), (count,)):
            raise WfmError(
                f"{path}: X {frames.dtype} {list(frames.shape)}, Y {list(classes.shape)}, Z {list(snrs.shape)}; float "
                f"[frames, samples, 2], [frames, {len(LABELS)}] and [frames, 1] are expected, {_ADVICE}"
            )
        parts = (classes[begin : begin + _ROWS] != 0 for begin in range(0, count, _ROWS))
        label, several = np.concatenate([(hot.argmax(1), hot.sum(1)) for hot in parts], axis=1)
        snr = snrs[()].astype(float).reshape(-1)
    wrong = np.flatnonzero((several != 1) | ~np.isfinite(snr))
    if wrong.size:
        raise WfmError(
            f"{path}: frame {wrong[0]} has {several[wrong[0]]} classes and {snr[wrong[0]]:g} dB; one class and a "
            f"finite SNR are expected, {_ADVICE}"
        )
    return label, snr


def _part(label: np.ndarray, snr: np.ndarray, min_snr: float | None, per_class: int) -> np.ndarray:
    """The frames that are kept, ascending."""
    kept = np.flatnonzero(snr >= (-np.inf if min_snr is None else min_snr))
    if not per_class or not kept.size:
        return kept
    order = kept[np.lexsort((kept, snr[kept], label[kept]))]
    first = np.flatnonzero(np.r_[True, (np.diff(label[order]) != 0) | (np.diff(snr[order]) != 0)])
    place = np.arange(len(order)) - np.repeat(first, np.diff(np.r_[first, len(order)]))
    return np.sort(order[place < per_class])


def _frames(paths: list[Path], rows: list[np.ndarray]) -> Iterator[np.ndarray]:
    """float32 [n, 2, 1, samples], each stretch of frames read at once."""
    for path, own in zip(paths, rows, strict=True):
        with open_hdf5(path, _ADVICE) as file:
            for run in np.split(own, np.flatnonzero(np.diff(own) != 1) + 1):
                for begin in range(0, len(run), CHUNK):
                    part = run[begin : begin + CHUNK]
                    yield file["X"][part[0] : part[-1] + 1].transpose(0, 2, 1)[:, :, None].astype(np.float32)
