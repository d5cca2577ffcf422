# SPDX-License-Identifier: GPL-3.0-or-later
"""One data set in one HDF5 file: what all training and evaluation read, wherever the data came from.

Datasets:
- one of `sample`, float32 (N, 2, A, T): I and Q of A antennas at full scale 1; or `image`, `csi` or `features`,
  float32 (N, C, H, W). The values are raw: `signal` says how they are prepared.
- `label`: int64 (N,), classes; or float32 (N, 3), positions in metres, or (N, 1), angles in
  degrees; of dense tasks a grid a window: uint8 (N, H, W), a class for each pixel, or float32 (N, planes, H, W), an
  estimate. A set without it can pretrain.
- optional: `gain_db`, float32 (N, K), of K classes that are beams: what each would have gained.
- `group/NAME`: N texts each; what a split keeps together or goes by (`source`, `person`, `room`, `official`, ...).

Attributes:
- `task`: its name, `custom` without labels; `labels`: JSON list of the classes' names, absent for what is measured.
- `signal`: JSON, the `signal:` mapping of `wfm_core.signal` that prepares a window, with this set's statistics.
- `provenance`: JSON, where the values came from.
- optional: `sample_rate` in Hz; `scene`, JSON, `low` and `high` of what is measured: corners in metres.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path, write_atomically
from wfm_core.base.plain import unicode_text
from wfm_core.base.quantities import DENSE
from wfm_core.data.dataset_checks import (
    KINDS,
    check_finite,
    check_gains,
    check_groups,
    check_rate,
    check_scene,
    check_shape,
    check_signal,
    checked_label,
    quantity_of,
)
from wfm_core.data.hdf5_file import open_hdf5

Read = Callable[[np.ndarray], np.ndarray]
"""Rows, ascending int64 -> float32 [n, ...]: windows as the data set keeps them."""
Measure = Callable[[Read, int], dict]
"""What reads windows and their number -> the `signal` of the set."""
_IQ_SIGNALS = ("iq_rms", "iq_standard")
_FOREIGN = "it was not written by wfm-dataset, bring it in with wfm-dataset build --from hdf5 (or wavesfm)"


@dataclass(frozen=True, eq=False)
class Dataset:
    """An open data set: everything but the values, which `read` fetches.

    `kind` is the name of the value set and `shape` that of one window in it, (2, A, T) or (C, H, W). `label` is int64
    [count] with the names `labels`, or float32 [count, 3] in metres ([count, 1] in degrees) with no `labels`; None in a
    set without labels. Of a `dense` task it is uint8 [count, H, W] with `labels`, or float32 [count, values, H, W].
    `groups` maps a name to `count` texts; `sample_rate` (Hz) and `scene` ({"low": [x, y, z], "high": [x, y, z]},
    metres, or of an angle [degrees]) may be None, and `gain_db`, float32 [count, classes].
    """

    path: Path
    kind: str
    count: int
    shape: tuple[int, ...]
    label: np.ndarray | None
    labels: tuple[str, ...]
    groups: dict[str, np.ndarray]
    task: str
    signal: dict
    provenance: dict
    sample_rate: float | None
    scene: dict | None
    gain_db: np.ndarray | None = None

    @property
    def modality(self) -> str:
        """Which input side of the model the prepared windows go to: "iq" or "image" (of IQ too: a spectrogram)."""
        return "iq" if self.signal["kind"] in _IQ_SIGNALS else "image"

    @property
    def quantity(self) -> str:
        """What the labels measure, a key of `wfm_core.base.quantities.QUANTITIES`; "" of classes and grids, and without
        labels."""
        return "" if self.label is None else quantity_of(self.task, self.labels)

    @property
    def dense(self) -> str:
        """The task, if it is one of `wfm_core.base.quantities` and has a label for each pixel; else ""."""
        return self.task if self.task in DENSE and self.label is not None else ""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of a dense task's labels; (0, 0) of others."""
        return self.label.shape[-2:] if self.dense else (0, 0)

    @property
    def values(self) -> int:
        """How many numbers a label has; of a dense task, for each pixel."""
        return 1 if self.label is None or self.labels else self.label.shape[1]

    def read(self, indices: Sequence[int] | np.ndarray, starts: Sequence[int] = (), length: int = 0) -> np.ndarray:
        """float32 [n, *shape]: the raw values of these windows, in this order. Raises `WfmError` on NaN and Inf.

        With `length` only so many entries of the last axis, from each window's own entry of `starts` on.
        """
        rows, length = np.asarray(indices, np.int64), length or self.shape[-1]
        starts = starts if len(starts) else [0] * len(rows)
        values = np.empty((len(rows), *self.shape[:-1], length), np.float32)
        # opened for every call: an HDF5 handle does not survive a fork into data workers
        with _open(self.path) as file:
            stored = file[self.kind]
            for place, (row, start) in enumerate(zip(rows.tolist(), starts, strict=True)):
                stored.read_direct(values, np.s_[row, ..., start : start + length], np.s_[place])
        check_finite(str(self.path), values, rows, self.groups.get("source"))
        return values

    def read_iq(self, indices: Sequence[int] | np.ndarray, starts: Sequence[int] = (), length: int = 0) -> np.ndarray:
        """complex64 [n, A, T or `length`]: the same, for `kind` "sample" alone."""
        if self.kind != "sample":
            raise WfmError(f"{self.path} holds {self.kind}, not IQ samples: use it for the image modality")
        values = self.read(indices, starts, length)
        iq = np.empty((len(values), *values.shape[2:]), np.complex64)
        iq.real, iq.imag = values[:, 0], values[:, 1]
        return iq


def open_dataset(path: str | Path, unlabelled: bool = False) -> Dataset:
    """Open a data set and check everything but its values, which are checked when they are read. Raises `WfmError`.

    A set without labels is refused unless `unlabelled` says that none are needed.
    """
    path = user_path(path)
    where = str(path)
    with _open(path) as file:
        kind = _kind(where, file)
        stored = file[kind]
        check_shape(where, kind, stored.shape)
        if stored.dtype != np.float32:
            raise WfmError(f"{where}: {kind} is {stored.dtype}, float32 is expected; {_FOREIGN}")
        task = str(_attribute(file, "task"))
        labels = tuple(map(str, _json(file, "labels", list))) if "labels" in file.attrs else ()
        if "label" not in file and not unlabelled:
            raise WfmError(f"{where} has no labels and can only pretrain; build it with --label or --position")
        signal = _json(file, "signal")
        check_signal(where, signal)
        groups = _groups(file)
        check_groups(where, groups, stored.shape[0])
        return Dataset(
            path=path,
            kind=kind,
            count=stored.shape[0],
            shape=tuple(stored.shape[1:]),
            label=checked_label(where, file["label"][:] if "label" in file else None, labels, task, stored.shape[0]),
            labels=labels,
            groups=groups,
            task=task,
            signal=signal,
            provenance=_json(file, "provenance"),
            sample_rate=check_rate(where, file.attrs.get("sample_rate")),
            scene=check_scene(
                where, _json(file, "scene") if "scene" in file.attrs else None, quantity_of(task, labels)
            ),
            gain_db=check_gains(where, file["gain_db"][:] if "gain_db" in file else None, stored.shape[0], labels),
        )


def write_dataset(
    path: str | Path,
    kind: str,
    values: np.ndarray | Iterable[np.ndarray],
    label: np.ndarray | Sequence | None,
    *,
    task: str,
    signal: dict | Measure,
    provenance: dict,
    labels: Sequence[str] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    sample_rate: float | None = None,
    scene: dict | None = None,
    count: int | None = None,
    gain_db: np.ndarray | None = None,
) -> Path:
    """Write a data set, whole or not at all; gives `path`. Raises `WfmError`.

    `values` is an array of all windows, or an iterable of arrays of some windows each ([n, 2, A, T], for "sample"
    also complex [n, A, T], or [n, C, H, W]): only one of them is in memory at a time. `label` has one entry per
    window, N integers with their names in `labels`, N positions (x, y, z) in metres, N angles (one number each) in
    degrees, or N grids (see above). Without labels it is None, and `count` says how many windows an iterable gives. A
    `signal` that is measured is so on the values as they lie in the file. `gain_db` [N, K] are the gains of K classes
    that are beams.
    """
    path, names, groups = Path(path), tuple(map(unicode_text, labels or ())), dict(groups or {})
    where = str(path)
    if kind not in KINDS:
        raise WfmError(f"{where}: a value set {kind!r} is not known, expected one of {', '.join(KINDS)}")
    if label is not None or count is None:
        count = len(values if label is None else label)
    label = checked_label(where, None if label is None else np.asarray(label), names, task, count)
    check_groups(where, groups, count)
    gain_db = check_gains(where, gain_db, count, names)
    attributes = {"task": task, "provenance": json.dumps(provenance)}
    if names:
        attributes["labels"] = json.dumps(names)
    if check_rate(where, sample_rate) is not None:
        attributes["sample_rate"] = float(sample_rate)
    if check_scene(where, scene, quantity_of(task, names)) is not None:
        attributes["scene"] = json.dumps(scene)

    def write(temporary: Path) -> None:
        with h5py.File(temporary, "w") as file:
            chunks = [values] if isinstance(values, np.ndarray) else values
            _write_values(where, file, kind, chunks, count, groups.get("source"))
            used = signal if isinstance(signal, dict) else signal(lambda rows: _rows(file[kind], rows), count)
            check_signal(where, used)
            if label is not None:
                file["label"] = label
            if gain_db is not None:
                file["gain_db"] = gain_db
            for name, texts in groups.items():
                file.create_dataset(f"group/{name}", data=list(map(unicode_text, texts)), dtype=h5py.string_dtype())
            file.attrs.update(attributes, signal=json.dumps(used))

    try:
        write_atomically(path, write)
    except OSError as error:
        raise WfmError(f"cannot write {path} ({error}): choose another place") from error
    return path


def _write_values(where: str, file: h5py.File, kind: str, chunks: Iterable, count: int, sources) -> None:
    stored, done = None, 0
    for chunk in chunks:
        chunk = _parts(kind, chunk)
        if stored is None:
            check_shape(where, kind, (count, *chunk.shape[1:]))
            stored = file.create_dataset(kind, (count, *chunk.shape[1:]), np.float32)
        end = done + len(chunk)
        if chunk.shape[1:] != stored.shape[1:]:
            raise WfmError(
                f"{where}: window {done} is {list(chunk.shape[1:])}, those before it {list(stored.shape[1:])}; all "
                "windows must have one shape, crop or resample them first"
            )
        if end > count:
            raise WfmError(f"{where}: {end} windows or more, but {count} labels: give one label per window")
        check_finite(where, chunk, np.arange(done, end), sources)
        stored[done:end] = chunk
        done = end
    if done != count:
        raise WfmError(f"{where}: {done} windows, but {count} labels: give one label per window")


def _rows(stored: h5py.Dataset, rows: np.ndarray) -> np.ndarray:
    if rows[-1] - rows[0] == len(rows) - 1:
        return stored[rows[0] : rows[-1] + 1]
    return np.stack([stored[row] for row in rows])  # a selection of many single ones takes h5py far longer


def _parts(kind: str, chunk: np.ndarray) -> np.ndarray:
    """Complex [n, A, T] -> float32 [n, 2, A, T]; anything real as it is, in float32."""
    chunk = np.asarray(chunk)
    if kind == "sample" and np.iscomplexobj(chunk):
        chunk = np.stack([chunk.real, chunk.imag], axis=1)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes Inf, which is refused by name
        return chunk.astype(np.float32, copy=False)


def _open(path: Path) -> AbstractContextManager[h5py.File]:
    if not os.path.isfile(path):
        raise WfmError(f"no data set at {path}: name an existing HDF5 file, wfm-dataset build makes one")
    return open_hdf5(path, "build it again with wfm-dataset build")


def _kind(where: str, file: h5py.File) -> str:
    found = [kind for kind in KINDS if kind in file]
    if len(found) != 1:
        held = ", ".join(found or sorted(file)) or "nothing"
        raise WfmError(f"{where} holds {held}: one of {', '.join(KINDS)} is expected; {_FOREIGN}")
    for name in {found[0], "label", "gain_db"} & set(file):
        if not isinstance(file[name], h5py.Dataset):
            raise WfmError(f"{where}: {name} is a group, an array is expected; {_FOREIGN}")
    return found[0]


def _groups(file: h5py.File) -> dict[str, np.ndarray]:
    try:
        return {name: texts.asstr()[:].astype(str) for name, texts in file.get("group", {}).items()}
    except (TypeError, AttributeError) as error:
        raise WfmError(f"{file.filename}: a group that is not a list of texts ({error}); {_FOREIGN}") from error


def _attribute(file: h5py.File, name: str):
    if name not in file.attrs:
        raise WfmError(f"{file.filename} has no attribute {name}; {_FOREIGN}")
    return file.attrs[name]


def _json(file: h5py.File, name: str, kind: type = dict):
    try:
        value = json.loads(_attribute(file, name))
    except (ValueError, TypeError) as error:
        raise WfmError(f"{file.filename}: attribute {name} is not JSON ({error}); {_FOREIGN}") from error
    if not isinstance(value, kind):
        expected = "mapping" if kind is dict else kind.__name__
        raise WfmError(f"{file.filename}: attribute {name} is {value!r}, a {expected} is expected; {_FOREIGN}")
    return value
