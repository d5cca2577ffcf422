# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of CSI logs, or one, cut into windows of packets; folders, files or entries of them carry the labels.

The log is the group `source` of its windows.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.axes import MOST_CHANNELS
from wfm_core.data.readers.own.csi_rows import Shape, amplitudes, count_shapes
from wfm_core.data.readers.own.folders import files_in, provenance
from wfm_core.data.readers.own.measure import csi_signal
from wfm_core.data.readers.own.sigmf_folder import FOLDER_LABEL, UNLABELLED
from wfm_core.data.recordings.csi.arrays import ARRAY, entry_text
from wfm_core.data.recordings.csi.formats import ARRAYS
from wfm_core.data.recordings.csi.log import CsiLog
from wfm_core.data.recordings.windows import window_starts

FILE_LABEL = "file"
"""As `label`: a log's class is the beginning of its file's name, up to the first digit, space, `_`, `-` or `.`."""
SUFFIXES = {
    "esp32": (".csv", ".txt", ".log"),
    "nexmon": (".pcap",),
    "intel": (".dat", ".csi"),
    "atheros": (".dat", ".csi"),
    "picoscenes": (".csi",),
    ARRAYS: (".npz",),
}
"""Of the files of a folder that are read; a file that is named alone may have any."""
_BEGINNING = re.compile(r"[^\W\d_]+")


def read(
    format: str,
    source: Path,
    out: Path,
    *,
    window: int,
    hop: int = 0,
    label: str | None = None,
    antennas: int | None = None,
    subcarriers: Sequence[int] | None = None,
    chip: str | None = None,
    array: str | None = None,
    task: str | None = None,
    scale: str = "linear",
    gain: str = "window",
    standardise: str = "channel",
    motion: bool = False,
    size: int = 224,
) -> Path:
    """Write the data set `out`, amplitudes [antennas, subcarriers, packets], of the logs in and under the folder
    `source`, or of the one that it names. Raises `WfmError`.

    `window` and `hop` (0: one window) are in packets; no window spans a change of frequency, a step back in time or a
    second without a packet. `label` is "folder", "file", or of npz files the name of an entry that says the class.
    `antennas` keeps the first ones (see `CsiPacket.vectors`), `subcarriers` those entries. Packets of another shape
    than most are left out. `chip` is that of `NexmonPackets`, `array` that of `array_packets`; the others are those of
    `csi_signal`.
    """
    if window < 1 or hop < 0 or (antennas is not None and antennas < 1):
        raise WfmError(f"--window {window}, --hop {hop}, --antennas {antennas}: numbers from 1 are expected")
    for option, given, of in (("chip", chip, "nexmon"), ("array", array, ARRAYS)):
        if given is not None and format != of:
            raise WfmError(f"--{option} does not go with --from csi-{format}: it is of csi-{of}, leave it out")
    source = user_path(source)
    logs = [CsiLog(path, format, chip or "43455c0", array or ARRAY) for path in _paths(source, format)]
    counted = [count_shapes(log, antennas) for log in logs]
    shapes = sum(counted, Counter())
    shape = shapes.most_common(1)[0][0]
    _check_shape(source, shape, antennas, subcarriers)
    starts = [
        _starts(log, shape, antennas, window, hop) if shapes_there[shape] else np.empty(0, np.int64)
        for log, shapes_there in zip(logs, counted, strict=True)
    ]
    counts = [len(own) for own in starts]
    classes = None if label is None else [_class_of(log.path, label, format) for log in logs]
    names = sorted(set(classes or ()))
    _check_yield(source, logs, classes or [UNLABELLED] * len(logs), counts, window)
    return write_dataset(
        out,
        "csi",
        _windows(zip(logs, starts, strict=True), shape, antennas, subcarriers, window),
        None if classes is None else np.repeat([names.index(name) for name in classes], counts),
        labels=names or None,
        groups={"source": np.repeat([_called(source, log.path) for log in logs], counts)},
        task=task or "custom",
        signal=partial(csi_signal, size=[size, size], scale=scale, gain=gain, standardise=standardise, motion=motion),
        provenance=provenance(
            f"csi-{format}",
            source,
            len(logs),
            label=label,
            window=window,
            hop=hop or window,
            antennas=list(shape[0]),
            subcarriers=None if subcarriers is None else list(subcarriers),
            packets=shapes[shape],
            other_packets=shapes.total() - shapes[shape],
        ),
        count=sum(counts),
    )


def _paths(source: Path, format: str) -> list[Path]:
    if source.is_file():
        return [source]
    return files_in(source, f"logs of CSI ({format})", "**/*", suffixes=SUFFIXES[format])[1]


def _check_shape(source: Path, shape: Shape, antennas: int | None, subcarriers: Sequence[int] | None) -> None:
    numbers, length = shape
    if antennas is not None and len(numbers) < antennas:
        raise WfmError(
            f"most packets in {source} have {len(numbers)} antennas, {antennas} are asked for; ask for fewer"
        )
    if len(numbers) > MOST_CHANNELS:
        raise WfmError(f"packets in {source} have {len(numbers)} antennas: keep the first ones with --antennas")
    if subcarriers is not None and (not subcarriers or max(subcarriers) >= length or min(subcarriers) < 0):
        raise WfmError(f"packets in {source} have {length} subcarriers: name some of 0 to {length - 1}")


def _starts(log: CsiLog, shape: Shape, antennas: int | None, window: int, hop: int) -> np.ndarray:
    values, breaks = amplitudes(log, shape, antennas, None)
    return window_starts(len(values), window, hop, breaks)


def _windows(cuts: Iterable, shape: Shape, antennas, subcarriers, window: int) -> Iterator[np.ndarray]:
    """float32 [1, antennas, subcarriers, packets] each; one log is in memory at a time."""
    for log, starts in cuts:
        if len(starts):
            values, _ = amplitudes(log, shape, antennas, subcarriers)
            for begin in starts:
                yield values[begin : begin + window].transpose(1, 2, 0)[None]


def _check_yield(source: Path, logs: list[CsiLog], classes: list[str], counts: list[int], window: int) -> None:
    """A class without windows is refused, a log without windows is said on stderr."""
    for name in sorted(set(classes)):
        if not sum(count for own, count in zip(classes, counts, strict=True) if own == name):
            raise WfmError(
                f"label {name!r} in {source} has no {window} packets in a row: ask for a shorter --window, or take the "
                "label out"
            )
    if idle := [_called(source, log.path) for log, count in zip(logs, counts, strict=True) if not count]:
        more = " and others" if len(idle) > 5 else ""
        print(
            f"wfm-dataset: warning: {len(idle)} of {len(logs)} logs give no window: {', '.join(idle[:5])}{more}",
            file=sys.stderr,
        )


def _class_of(path: Path, label: str, format: str) -> str:
    if label == FOLDER_LABEL:
        return Path(os.path.abspath(path)).parent.name
    if label == FILE_LABEL:
        if found := _BEGINNING.match(path.name):
            return found[0]
        raise WfmError(f"{path}: its name does not begin with the name of its class; give it one, or --label folder")
    if format == ARRAYS:
        return entry_text(path, label)
    raise WfmError(f"--label {label!r}: {FOLDER_LABEL} or {FILE_LABEL} is expected, logs have no labels of their own")


def _called(source: Path, path: Path) -> str:
    return path.name if path == source else path.relative_to(source).as_posix()


READERS = {f"csi-{format}": partial(read, format) for format in SUFFIXES}
"""By the names of `--from`."""
