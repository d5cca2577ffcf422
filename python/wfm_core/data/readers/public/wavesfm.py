# SPDX-License-Identifier: GPL-3.0-or-later
"""HDF5 caches that the preprocessing scripts of the WavesFM v1 authors made.

Such a cache holds `sample` (N, 2, A, T), `image`, `csi` or `features` (N, C, H, W) that are standardised (and resized)
already, `label`, and in its attributes what was done: `mu` and `std` (older caches: `mean`), `min_val` and `max_val`,
`labels`, all as JSON texts. It is undone here, so that the data set holds raw values and its `signal` prepares them
as the authors did. Positions are on the scale from -1 to 1 between `coord_nominal_min` and `coord_nominal_max` in
metres. One entry per window more (`source_file`, `band`, `device`, ...) becomes a group; `source_file` is `source`,
and `fs` (Hz), where all are alike, the sample rate.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import plain
from wfm_core.data.dataset import write_dataset
from wfm_core.data.dataset_checks import KINDS, check_shape
from wfm_core.data.hdf5_file import open_hdf5
from wfm_core.data.readers.own.columns import encode_classes, encode_group
from wfm_core.data.readers.own.folders import common_rate, provenance

_CHUNK = 64  # windows at a time


def read(source: Path, out: Path, *, labels: list[str] | None = None, task: str | None = None) -> Path:
    """Write the data set `out`; `labels` names the classes of a cache that does not. Raises `WfmError`."""
    with open_hdf5(source, "name a cache of the authors' scripts") as file:
        kind = _kind(source, file)
        values = file[kind]
        check_shape(str(source), kind, values.shape)
        if values.dtype.kind != "f":
            raise WfmError(f"{source}: {kind} is {values.dtype}, float32 is expected; make the cache again")
        undo = _Standard(file, values.shape[1], kind)
        label, names, scene = _labels(source, file, labels)
        return write_dataset(
            out,
            kind,
            undo.raw(values),
            label,
            labels=names,
            groups=_groups(source, file, kind, len(values)),
            task=task or ("position" if scene else "custom"),
            signal=undo.signal(kind, values.shape),
            provenance=provenance("wavesfm", source, 1),
            sample_rate=common_rate(file["fs"][:].astype(float).tolist()) if "fs" in file else None,
            scene=scene,
        )


class _Standard:
    """What the cache says was done to its values; where it says nothing, nothing was done."""

    def __init__(self, file: h5py.File, channels: int, kind: str):
        mean_name = "mu" if "mu" in file.attrs else "mean"
        self.mean = _numbers(file, mean_name, channels, 0.0)
        self.std = _numbers(file, "std", channels, 1.0)
        self.low, self.high = _numbers(file, "min_val", 1, 0.0)[0], _numbers(file, "max_val", 1, 1.0)[0]
        if min(self.std) <= 0 or self.high <= self.low:
            raise WfmError(
                f"{file.filename} states std {self.std}, min_val {self.low}, max_val {self.high}: std above 0 and a "
                "maximum above the minimum are expected; make the cache again"
            )

    def raw(self, values: h5py.Dataset) -> Iterator[np.ndarray]:
        """float32, a few windows at a time."""
        shape = (-1, 1, 1)
        mean, std = (np.reshape(part, shape) for part in (self.mean, self.std))
        for begin in range(0, len(values), _CHUNK):
            scaled = values[begin : begin + _CHUNK] * std + mean
            yield (scaled * (self.high - self.low) + self.low).astype(np.float32)

    def signal(self, kind: str, shape: tuple[int, ...]) -> dict:
        if kind == "sample":
            return {"kind": "iq_standard", "level": "absolute", "mean": self.mean, "std": self.std}
        range_ = {"minimum": self.low, "maximum": self.high}
        return {"kind": "standard_image", "size": list(shape[2:]), **range_, "mean": self.mean, "std": self.std}


def _kind(source: Path, file: h5py.File) -> str:
    found = [kind for kind in KINDS if kind in file]
    if len(found) != 1 or "label" not in file:
        held = ", ".join(sorted(file)) or "nothing"
        raise WfmError(
            f"{source} holds {held}: label and one of {', '.join(KINDS)} are expected; bring other files in with "
            "--from hdf5"
        )
    return found[0]


def _numbers(file: h5py.File, name: str, count: int, default: float) -> list[float]:
    """An attribute that is a JSON text, a number or an array, as `count` floats; one number stands for all."""
    if name not in file.attrs:
        return [default] * count
    stated = file.attrs[name]
    try:
        numbers = np.asarray(json.loads(stated) if isinstance(stated, str | bytes) else stated, float).reshape(-1)
    except (ValueError, TypeError) as error:
        raise WfmError(f"{file.filename}: attribute {name} is no number ({error}); make the cache again") from error
    if len(numbers) not in (1, count) or not np.isfinite(numbers).all():
        raise WfmError(
            f"{file.filename}: attribute {name} is {plain(stated)}, {count} finite numbers are expected; make the "
            "cache again"
        )
    return np.broadcast_to(numbers, count).tolist()


def _labels(source: Path, file: h5py.File, names: list[str] | None) -> tuple[np.ndarray, list[str] | None, dict | None]:
    """Classes and their names, or positions in metres and their scene."""
    label = file["label"][:]
    if label.ndim == 1:
        if names is None and "labels" in file.attrs:
            names = _names(file)
        return *encode_classes(label, names, f"{source.name}: label"), None
    for name in ("coord_nominal_min", "coord_nominal_max"):
        if name not in file.attrs:
            raise WfmError(
                f"{source}: positions {list(label.shape)} but no attribute {name}: the corners of the scene in metres "
                "are expected, add them as JSON lists"
            )
    low, high = (np.array(_numbers(file, f"coord_nominal_{end}", label.shape[1], 0.0)) for end in ("min", "max"))
    metres = low + (label.astype(np.float64) + 1) / 2 * (high - low)
    return metres.astype(np.float32), None, {"low": low.tolist(), "high": high.tolist()}


def _names(file: h5py.File) -> list[str]:
    stated = file.attrs["labels"]
    try:
        names = json.loads(stated) if isinstance(stated, str | bytes) else list(stated)
    except ValueError as error:
        raise WfmError(
            f"{file.filename}: attribute labels is {plain(stated)}, a JSON list of names is expected; name them with "
            "--labels"
        ) from error
    return [str(name) for name in names]


def _groups(source: Path, file: h5py.File, kind: str, count: int) -> dict[str, list[str]]:
    columns = {name: entry for name, entry in file.items() if name not in (kind, "label")}
    return {
        "source" if name == "source_file" else name: encode_group(entry[:], f"{source.name}: {name}")
        for name, entry in columns.items()
        if isinstance(entry, h5py.Dataset) and entry.shape == (count,)
    }
