# SPDX-License-Identifier: GPL-3.0-or-later
"""What a data set holds, for its user to look at before training: counts, warnings and a sheet of examples."""

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure  # without pyplot: no windows, no state, any thread

from wfm_core.base.files import write_atomically
from wfm_core.base.quantities import QUANTITIES
from wfm_core.data.dataset import Dataset
from wfm_core.signal.spectrogram import dbfs, hann, spectrogram

_AXES = {"sample": "I and Q, antennas, samples", "csi": "antennas, subcarriers, packets"}
_DRAWN = {
    "sample": "first antenna, dBFS: time downwards, frequency to the right",
    "csi": "amplitudes of the first antenna: subcarriers downwards, packets to the right",
}
_LISTED = 12  # a group of more values than this is summed up
_ROWS, _COLUMNS = 30, 6  # of the contact sheet


def summary(dataset: Dataset) -> list[str]:
    """Lines: shape, windows of each class and group, statistics, where it came from."""
    shape = " x ".join(map(str, dataset.shape))
    rate = f", {dataset.sample_rate:.12g} Hz" if dataset.sample_rate else ""
    lines = [
        f"{dataset.path.name}: {dataset.count} windows of {dataset.kind}, each {shape} "
        f"({_AXES.get(dataset.kind, 'channels, height, width')}){rate}; task {dataset.task}"
    ]
    if dataset.label is None:
        lines.append("no labels: it can pretrain (data.sources of kind dataset)")
    else:
        of = _grid_lines if dataset.dense else _class_lines if dataset.labels else _quantity_lines
        lines += of(dataset)
    for name, texts in dataset.groups.items():
        counts = Counter(texts.tolist())
        if len(counts) <= _LISTED:
            held = ", ".join(f"{text} {count}" for text, count in sorted(counts.items()))
        else:
            held = f"{len(counts)} values of {min(counts.values())} to {max(counts.values())} windows"
        lines.append(f"group {name}: {held}")
    lines.append(f"signal: {_listed(dataset.signal)}")
    lines.append(f"provenance: {_listed(dataset.provenance)}")
    return lines


def warnings(dataset: Dataset) -> list[str]:
    """What will be trouble in training, a sentence each."""
    rows = _rows_of_classes(dataset)
    single = [name for name, own in rows.items() if len(own) == 1]
    absent = [name for name, own in rows.items() if len(own) == 0]
    sources = dataset.groups.get("source")
    found = []
    if single:
        found.append(f"one window only of {', '.join(single)}: it cannot be both trained on and tested; add more")
    if absent:
        found.append(f"no window of {', '.join(absent)}: the model would have a class that it never saw; leave it out")
    lone = [name for name, own in rows.items() if sources is not None and len(own) > 1 and len(set(sources[own])) == 1]
    if lone:
        found.append(
            f"all windows of {', '.join(lone)} are of one source: a split by source cannot test them; add another"
        )
    if len(dataset.labels) == 1:
        found.append(f"one class only, {dataset.labels[0]}: there is nothing to tell apart; add another")
    if not dataset.groups and dataset.label is not None:
        found.append("no groups: a random split may put windows of one recording on both sides; name one with --group")
    return found


def _rows_of_classes(dataset: Dataset) -> dict[str, np.ndarray]:
    """Of each class its windows' rows; nothing for positions and grids, and where there are no labels."""
    if dataset.dense:
        return {}
    return {name: np.flatnonzero(dataset.label == index) for index, name in enumerate(dataset.labels)}


def draw_contact_sheet(dataset: Dataset, path: Path) -> None:
    """Write the PNG `path`: a row of examples for each class (30 at most), or examples all over the positions."""
    rows = _examples(dataset)
    figure = Figure(figsize=(1.2 + 1.7 * _COLUMNS, 0.5 + 1.75 * len(rows)), layout="constrained")
    for place, (title, indices) in enumerate(rows):
        pictures = dataset.read(indices)
        for column, (index, values) in enumerate(zip(indices, pictures, strict=True)):
            axis = figure.add_subplot(len(rows), _COLUMNS, 1 + place * _COLUMNS + column)
            axis.imshow(_picture(dataset.kind, values), aspect="auto", cmap="viridis", interpolation="nearest")
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_title(_caption(dataset, index), fontsize=7)
            if column == 0:
                axis.set_ylabel(title, fontsize=8)
    more = len(dataset.labels) > len(rows) and not dataset.dense
    shown = f"{len(rows)} of {len(dataset.labels)} classes" if more else dataset.task
    drawn = f"{_DRAWN.get(dataset.kind, 'first channel')}; dark is low, each picture has its own range"
    figure.suptitle(f"{dataset.path.name}: {dataset.count} windows of {dataset.kind}, {shown}\n{drawn}", fontsize=10)
    write_atomically(path, lambda temporary: figure.savefig(temporary, format="png", dpi=80))


def _class_lines(dataset: Dataset) -> list[str]:
    width, rows = max(map(len, ("class", *dataset.labels))), _rows_of_classes(dataset)
    return [f"{'class':{width}}  windows", *(f"{name:{width}}  {len(own):7d}" for name, own in rows.items())]


def _quantity_lines(dataset: Dataset) -> list[str]:
    low, high = dataset.label.min(0), dataset.label.max(0)
    names = [f"{axis} " for axis in "xyz"] if dataset.values == 3 else [""]
    unit = QUANTITIES[dataset.quantity].unit
    ranges = (f"{name}{a:g} to {b:g} {unit}" for name, a, b in zip(names, low, high, strict=True))
    places = len(np.unique(dataset.label, axis=0))
    return [f"{dataset.quantity}s: {', '.join(ranges)}; {places} different ones"]


def _grid_lines(dataset: Dataset) -> list[str]:
    size = f"{dataset.grid[0]} x {dataset.grid[1]}"
    if not dataset.labels:
        rms = float(np.sqrt(np.square(dataset.label, dtype=np.float64).mean()))
        return [f"labels: {dataset.values} planes of {size}, RMS {rms:.4g}"]
    shares = np.bincount(dataset.label.ravel(), minlength=len(dataset.labels)) / dataset.label.size
    held = ", ".join(f"{name} {100 * share:.1f} %" for name, share in zip(dataset.labels, shares, strict=True))
    return [f"labels: a class for each of {size} pixels: {held}"]


def _listed(mapping: dict) -> str:
    return ", ".join(f"{key} {_rounded(value)}" for key, value in mapping.items())


def _rounded(value) -> str:
    if isinstance(value, dict):
        return f"({_listed(value)})"
    if isinstance(value, list):
        if value and isinstance(value[0], list):
            return f"of {len(value)} x {len(value[0])}"  # one for each subcarrier would fill the screen
        return f"[{', '.join(map(_rounded, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _examples(dataset: Dataset) -> list[tuple[str, np.ndarray]]:
    """Titles and windows of the rows: of each class, or of all, evenly spread over the file."""
    if dataset.dense or not dataset.labels:
        none = dataset.label is None or dataset.dense
        order = np.arange(dataset.count) if none else np.lexsort(dataset.label.T)
        return [("", row) for row in np.array_split(_spread(order, 4 * _COLUMNS), 4) if len(row)]
    return [(name, _spread(rows, _COLUMNS)) for name, rows in _rows_of_classes(dataset).items() if len(rows)][:_ROWS]


def _spread(rows: np.ndarray, count: int) -> np.ndarray:
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)]


def _caption(dataset: Dataset, index: int) -> str:
    if dataset.quantity:
        return ", ".join(f"{value:g}" for value in dataset.label[index]) + f" {QUANTITIES[dataset.quantity].unit}"
    return dataset.groups["source"][index][-28:] if "source" in dataset.groups else f"window {index}"


def _picture(kind: str, values: np.ndarray) -> np.ndarray:
    """The first channel, or a spectrogram of the first antenna (rows are time, columns frequency), in dBFS."""
    if kind != "sample":
        return values[0]
    iq = torch.complex(*torch.from_numpy(values[:, 0]))
    bins = 2 ** round(np.log2(len(iq)) / 2)
    return dbfs(spectrogram(iq, hann(bins), bins)).numpy()
