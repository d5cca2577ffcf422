# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own arrays, an entry per window in each, as a data set: what .npz and HDF5 files have in common."""

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import Measure, write_dataset
from wfm_core.data.dataset_checks import check_finite
from wfm_core.data.readers.own.axes import Layout, find_layout
from wfm_core.data.readers.own.columns import encode_classes, encode_group, encode_positions
from wfm_core.data.readers.own.folders import provenance
from wfm_core.data.readers.own.measure import csi_signal, image_signal, iq_signal

Table = tuple[list[str], Callable]
"""The names of a file's arrays, and a function that gives one by its name, or raises `KeyError`."""
_CHUNK_VALUES = 1 << 22
"""Values that are converted at a time."""


def read_table(
    reader: str,
    open_table: Callable[[Path], AbstractContextManager[Table]],
    source: Path,
    out: Path,
    *,
    array: str,
    kind: str,
    label: str | None = None,
    position: Sequence[str] = (),
    group: Sequence[str] = (),
    axes: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    task: str | None = None,
    sample_rate: float | None = None,
    scale: str = "linear",
    gain: str = "window",
    standardise: str = "channel",
    motion: bool = False,
    size: int = 224,
) -> Path:
    """Write the data set `out` out of the arrays that `open_table` finds in the file `source`. Raises `WfmError`.

    `array` is that of the windows, of the given `kind` and `axes` (see `find_layout`); `label` names the array of
    their classes, or `position` those of their coordinates in metres (neither: the set has no labels); `group` names
    arrays for splits. `labels` names integer classes. `scale` and `gain` are those of `CsiImage`, `standardise` and
    `motion` are those of `csi_signal`, `size` the pixels on a side of the images that the model will see.
    """
    if label is not None and position:
        raise WfmError("--label and --position: one of them is expected, the classes or the coordinates in metres")
    if labels is not None and label is None:
        raise WfmError("--labels without --label: name the array of the classes too, or leave their names out")
    with open_table(source) as table:
        where = f"{source.name}: {array}"
        values = _entry(table, array, source)
        values = values.as_windows() if hasattr(values, "as_windows") else values
        layout = find_layout(kind, values.shape, np.iscomplexobj(np.empty(0, values.dtype)), axes, where)
        if values.dtype.kind not in "iufcb":
            raise WfmError(f"{where} holds {values.dtype}: numbers are expected, name another array")
        columns = {name: _column(table, name, source, len(values)) for name in (label, *position, *group) if name}
        truth = names = scene = None
        if position:
            truth = encode_positions([columns[name] for name in position], position)
            scene = {"low": truth.min(0).tolist(), "high": truth.max(0).tolist()}
        elif label is not None:
            truth, names = encode_classes(columns[label], labels, f"{source.name}: {label}")
        chosen = {"position": list(position)} if position else {"label": label}
        return write_dataset(
            out,
            kind,
            _windows(values, layout, where),
            truth,
            labels=names,
            groups={name: encode_group(columns[name], f"{source.name}: {name}") for name in group},
            task=task or ("position" if position else "custom"),
            signal=_signal(kind, size, scale=scale, gain=gain, standardise=standardise, motion=motion),
            provenance=provenance(reader, source, 1, array=array, axes=list(layout.axes), **chosen),
            sample_rate=sample_rate,
            scene=scene,
            count=len(values),
        )


def _entry(table: Table, name: str, source: Path):
    names, array = table
    try:
        entry = array(name)
    except KeyError:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(names)) or 'none'}"
        raise WfmError(f"{source} has no array {name!r}; {hint}") from None
    except ValueError as error:  # numpy's word for pickled objects
        raise WfmError(
            f"{source}: {name} holds pickled objects, which may run code and are not read; save it as numbers or texts"
        ) from error
    if not hasattr(entry, "dtype"):
        raise WfmError(f"{source}: {name} is a group, an array is expected; name one in it, such as {name}/NAME")
    return entry


def _column(table: Table, name: str, source: Path, count: int) -> np.ndarray:
    entry = _entry(table, name, source)
    column = entry.as_column() if hasattr(entry, "as_column") else np.asarray(entry[...])
    if column.ndim == 2 and column.shape[0] == 1 != count:
        column = column[0]
    if column.ndim == 0 or len(column) != count:
        reverse = ""
        if getattr(entry, "is_matlab", False):
            reverse = " (MATLAB stores the axes in reverse: the last one of the windows' array counts them)"
        raise WfmError(
            f"{source}: {name} has the shape {list(column.shape)} for {count} windows: one entry each is "
            f"expected{reverse}, name another array"
        )
    return column


def _windows(values, layout: Layout, where: str) -> Iterator[np.ndarray]:
    """As the data set keeps them, some at a time. Raises `WfmError` for the first that is not finite, and for
    amplitudes that are none."""
    step = max(1, _CHUNK_VALUES // int(np.prod(values.shape[1:])))
    for begin in range(0, len(values), step):
        chunk = layout(values[begin : begin + step])
        check_finite(where, chunk, np.arange(begin, begin + len(chunk)), None)
        negative = np.flatnonzero((chunk < 0).reshape(len(chunk), -1).any(1)) if layout.kind == "csi" else ()
        if len(negative):
            raise WfmError(
                f"{where}: window {begin + negative[0]} has amplitudes below 0: if an axis holds real and imaginary "
                "part, name it reim with --axes; amplitudes in dB are images (--kind image)"
            )
        yield chunk


def _signal(kind: str, size: int, **csi) -> Measure:
    if kind == "sample":
        return iq_signal
    return partial(csi_signal, size=[size, size], **csi) if kind == "csi" else partial(image_signal, size=[size, size])
