# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true of a data set, whether it is written or opened: every fault named. All raise `WfmError`."""

from collections.abc import Sequence

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import plain
from wfm_core.base.quantities import DENSE, ESTIMATE, MEASURED_BY, QUANTITIES
from wfm_core.signal import build_preprocessor

KINDS = ("sample", "image", "csi", "features")
TASKS = (
    "fingerprint", "interference", "activity", "classification", *MEASURED_BY, "line_of_sight", "beam", "occupancy",
    "modulation", "radcom", *DENSE, "custom",
)  # fmt: skip

_AXES = {"sample": "(windows, 2 for I and Q, antennas, samples)"}
_IMAGE_AXES = "(windows, channels, height, width)"
_COLOURS = 4  # so short a last axis behind a long second one is channels, put last
_MOST_ANTENNAS = 16
_MOST_PIXEL_CLASSES = 256


def check_shape(where: str, kind: str, shape: tuple[int, ...]) -> None:
    """`shape` is that of the whole value set, (N, 2, A, T) or (N, C, H, W): axes put in another order are named."""
    axes = _AXES.get(kind, _IMAGE_AXES)
    seen = f"{where}: {kind} is {list(shape)}, {axes} is expected"
    if len(shape) != 4 or min(shape) < 1:
        raise WfmError(f"{seen}, with four axes and none of them empty; convert it")
    if kind == "sample":
        _check_sample_axes(seen, shape)
    elif shape[3] <= _COLOURS and shape[1] > _MOST_ANTENNAS:
        raise WfmError(
            f"{seen}: axis 1 has {shape[1]} entries and the last one {shape[3]}, so the channels seem to be last; "
            "they go to axis 1, transpose it"
        )


def _check_sample_axes(seen: str, shape: tuple[int, ...]) -> None:
    _, parts, antennas, samples = shape
    if samples == 2 and antennas > 2:
        raise WfmError(f"{seen}: the last axis has 2 entries, so I and Q seem to be last; they go to axis 1, transpose")
    if parts != 2 and antennas == 2:
        raise WfmError(
            f"{seen}: axis 2 has 2 entries and axis 1 has {parts}, so I and Q seem to be on axis 2; they go to axis 1, "
            "before the antennas, transpose"
        )
    if parts != 2:
        raise WfmError(f"{seen}: axis 1 has {parts} entries, I and Q are expected there; transpose or convert it")
    if antennas > samples:
        raise WfmError(
            f"{seen}: {antennas} antennas of {samples} samples, so antennas and samples seem to be swapped; the "
            "samples go to the last axis, transpose"
        )


def checked_label(
    where: str, label: np.ndarray | None, labels: tuple[str, ...], task: str, count: int
) -> np.ndarray | None:
    """`label` as int64 [count], each an index into `labels`, or, without `labels`, as float32 [count, values] of the
    quantity that is measured; of a dense task as uint8 [count, H, W] or as float32 [count, planes, H, W].

    None is a set without labels, which has no names of classes and no task of its own.
    """
    check_task(where, task, labels)
    if not count:
        raise WfmError(f"{where}: no windows at all: a data set holds one or more")
    if label is None:
        if labels or task != "custom":
            named = f" and classes {', '.join(labels)}" if labels else ""
            raise WfmError(f"{where}: task {task}{named} without labels: give one label per window, or leave them out")
        return None
    if len(label) != count:
        raise WfmError(f"{where}: {count} windows, but {len(label)} labels: give one label per window")
    if task in DENSE:
        return _checked_grids(where, label, labels, task)
    if not labels:
        return _checked_quantity(where, label, quantity_of(task, labels))
    if label.ndim != 1 or label.dtype.kind not in "iu":
        raise WfmError(f"{where}: label is {label.dtype} {list(label.shape)}, one integer per window is expected")
    wrong = np.flatnonzero((label < 0) | (label >= len(labels)))
    if len(wrong):
        raise WfmError(
            f"{where}: window {wrong[0]} has label {label[wrong[0]]}, from 0 to {len(labels) - 1} is expected for the "
            f"classes {', '.join(labels)}; fix the labels"
        )
    return label.astype(np.int64)


def quantity_of(task: str, labels: tuple[str, ...]) -> str:
    """What labels of a set measure, positions where the task does not say; "" of classes and grids."""
    return "" if labels or task in DENSE else MEASURED_BY.get(task, "position")


def _checked_quantity(where: str, label: np.ndarray, quantity: str) -> np.ndarray:
    of = QUANTITIES[quantity]
    if label.ndim != 2 or label.shape[1] != of.values or label.dtype.kind != "f":
        raise WfmError(
            f"{where}: label is {label.dtype} {list(label.shape)} without names of classes; {quantity}s are floats "
            f"[{len(label)}, {of.values}], {of.label}, and classes need their names in `labels`"
        )
    wrong = np.flatnonzero(~np.isfinite(label).all(1))
    if len(wrong):
        raise WfmError(f"{where}: window {wrong[0]} has a {quantity} that is not finite; fix the labels")
    return label.astype(np.float32)


def _checked_grids(where: str, label: np.ndarray, labels: tuple[str, ...], task: str) -> np.ndarray:
    axes, kinds = ("windows, planes, rows, columns", "f") if task == ESTIMATE else ("windows, rows, columns", "iu")
    if label.ndim != axes.count(",") + 1 or label.dtype.kind not in kinds or not label.size:
        raise WfmError(
            f"{where}: label is {label.dtype} {list(label.shape)}; {task} has "
            f"{'integers' if labels else 'floats'} [{axes}], none of these 0"
        )
    if not labels:
        check_finite(f"{where}: label", label, np.arange(len(label)), None)
        return label.astype(np.float32, copy=False)
    if not 0 <= label.min() <= label.max() < len(labels) <= _MOST_PIXEL_CLASSES:
        raise WfmError(
            f"{where}: pixels of classes {label.min()} to {label.max()}; 0 to {len(labels) - 1} are expected, for the "
            f"classes {', '.join(labels)}, {_MOST_PIXEL_CLASSES} at most; fix the labels"
        )
    return label.astype(np.uint8, copy=False)


def check_task(where: str, task: str, labels: tuple[str, ...]) -> None:
    """A known task, whose classes have names of their own; what is measured has none."""
    if task not in TASKS:
        raise WfmError(f"{where}: task {task!r} is not known, expected one of {', '.join(TASKS)}")
    if task in (*MEASURED_BY, ESTIMATE) and labels:
        raise WfmError(f"{where}: task {task} with classes {', '.join(labels)}: leave the names out")
    if task not in (*MEASURED_BY, ESTIMATE, "custom") and not labels:
        raise WfmError(f"{where}: task {task} without names of classes: give them as `labels`")
    if len(set(labels)) != len(labels) or not all(labels):
        raise WfmError(f"{where}: classes {plain(list(labels))}: every name once and none of them empty is expected")


def check_groups(where: str, groups: dict[str, Sequence[str]], count: int) -> None:
    """One text per window in every group."""
    for name, texts in groups.items():
        if not name or "/" in name:
            raise WfmError(f"{where}: a group named {plain(name)}: a plain name such as source is expected")
        if len(texts) != count:
            raise WfmError(f"{where}: group {name} has {len(texts)} entries for {count} windows: one each is expected")


def check_gains(where: str, gain_db: np.ndarray | None, count: int, labels: Sequence[str]) -> np.ndarray | None:
    """float32 [count, classes], all finite; or None."""
    if gain_db is None:
        return None
    if gain_db.shape != (count, len(labels)) or gain_db.dtype.kind != "f" or not np.isfinite(gain_db).all():
        raise WfmError(
            f"{where}: gain_db {gain_db.dtype} {list(gain_db.shape)}: finite floats [{count}, {len(labels)}], one a "
            "window and class, are expected; leave them out or compute them again"
        )
    return gain_db.astype(np.float32)


def check_signal(where: str, signal: dict) -> None:
    """A mapping that `wfm_core.signal` can build."""
    try:
        build_preprocessor(signal)
    except WfmError as error:
        raise WfmError(f"{where}: {error}") from error


def check_rate(where: str, rate) -> float | None:
    """Hz above 0, or None."""
    if rate is None:
        return None
    if np.ndim(rate) or not isinstance(rate, int | float | np.number) or not 0 < rate < np.inf:
        raise WfmError(f"{where}: sample_rate {plain(rate)}: one number above 0 Hz is expected")
    return float(rate)


def check_scene(where: str, scene: dict | None, quantity: str) -> dict | None:
    """Two ends of as many numbers as the quantity has, none of `low` above `high`; or None."""
    if scene is None:
        return None
    of = QUANTITIES[quantity or "position"]
    try:
        low, high = np.asarray(scene["low"], float), np.asarray(scene["high"], float)
        fits = low.shape == high.shape == (of.values,) and bool((low <= high).all())
    except (KeyError, TypeError, ValueError):
        fits = False
    if not fits:
        raise WfmError(
            f"{where}: scene {plain(scene)}: low and high, {of.label} each ({of.values}) with low <= high, are expected"
        )
    return scene


def check_finite(where: str, values: np.ndarray, windows: np.ndarray, sources: Sequence[str] | None) -> None:
    """Names the first of `values` [n, ...] with a NaN or Inf; `windows` are their numbers in the set."""
    finite = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if not finite.all():
        window = int(windows[np.flatnonzero(~finite)[0]])
        source = "" if sources is None else f" (source {sources[window]})"
        raise WfmError(
            f"{where}: window {window}{source} has values that are not finite (NaN or Inf): one would spoil the "
            "model, fix or leave out that window"
        )
