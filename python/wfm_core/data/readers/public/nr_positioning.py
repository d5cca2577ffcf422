# SPDX-License-Identifier: GPL-3.0-or-later
"""5G NR SRS positioning (IEEE DataPort jsat-pb50): where in an outdoor or indoor scene the sender is (task `position`).

`.mat` files of MATLAB v7.3, that is HDF5, with `features` (N, C, H, W) and `labels/position` (N, 3) in metres.
"""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import write_dataset
from wfm_core.data.hdf5_file import open_hdf5
from wfm_core.data.readers.own.folders import files_in, provenance

_CONTENT = ".mat files with features and labels/position"
_CHUNK = 64  # windows in memory at a time


CORNERS = {"outdoor": [80.0, 60.0, 40.0], "indoor": [60.0, 20.0, 4.0]}
"""Scene -> its far corner in metres."""
STATISTICS = {
    "outdoor": {
        "minimum": -0.096,
        "maximum": 1.136,
        "mean": [0.4638, 0.4631, 0.4703, 0.4620],
        "std": [0.1154, 0.1176, 0.0979, 0.1281],
    },
    "indoor": {
        "minimum": -0.123,
        "maximum": 1.415,
        "mean": [0.3824, 0.3853, 0.3841, 0.3931, 0.3909],
        "std": [0.1168, 0.1112, 0.1182, 0.0988, 0.0972],
    },
}
"""Scene -> the published ones of its features."""


def read(folder: Path, out: Path, *, scene: str | None = None) -> Path:
    """All windows of the files in and under `folder`. Without `scene` ("outdoor", "indoor") the channels tell it.

    Group: `source` (the file).
    """
    folder, paths = files_in(folder, _CONTENT, "**/*.mat")
    if scene is not None and scene not in STATISTICS:
        raise WfmError(f"scene {scene!r} is not known: expected one of {', '.join(STATISTICS)}")
    shapes, positions = zip(*(_survey(path) for path in paths), strict=True)
    name = _scene(paths, shapes, scene)
    return write_dataset(
        out,
        "features",
        _features(paths),
        np.concatenate(positions),
        groups={"source": np.repeat([path.relative_to(folder).as_posix() for path in paths], [s[0] for s in shapes])},
        task="position",
        signal={"kind": "standard_image", "size": [224, 224], **STATISTICS[name], "mode": "bicubic"},
        provenance=provenance("nr-pos", folder, len(paths), scene=name),
        scene={"low": [0.0, 0.0, 0.0], "high": CORNERS[name]},
    )


def _survey(path: Path) -> tuple[tuple[int, ...], np.ndarray]:
    """The shape of a file's features, and its positions, float32 [N, 3]."""
    with open_hdf5(path, "fetch it again", "MATLAB v7.3 (HDF5)") as file:
        features, position = file.get("features"), file.get("labels/position")
        if not isinstance(features, h5py.Dataset) or not isinstance(position, h5py.Dataset):
            held = ", ".join(sorted(file)) or "nothing"
            raise WfmError(f"{path} holds {held}, features and labels/position are expected; name the right folder")
        if len(features.shape) != 4 or len(position.shape) != 2 or position.shape != (features.shape[0], 3):
            raise WfmError(
                f"{path}: features {list(features.shape)}, labels/position {list(position.shape)}; (windows, channels, "
                "height, width) and (windows, 3) are expected, transpose or fetch it again"
            )
        return features.shape, position[()].astype(np.float32)


def _scene(paths: list[Path], shapes: tuple[tuple[int, ...], ...], asked: str | None) -> str:
    """The one scene that has as many channels as every file, which is the one asked for if any is."""
    channels = {len(statistics["mean"]): name for name, statistics in STATISTICS.items()}
    for path, shape in zip(paths, shapes, strict=True):
        name = channels.get(shape[1])
        wanted = asked or channels.get(shapes[0][1])
        if name is None or name != wanted:
            known = ", ".join(f"{count} for {scene}" for count, scene in channels.items())
            raise WfmError(
                f"{path}: features {list(shape)} have {shape[1]} channels; {known} are expected, all files of one scene"
                f"{f' ({wanted})' if wanted else ''}: name the folder of one scene"
            )
    return channels[shapes[0][1]]


def _features(paths: list[Path]) -> Iterator[np.ndarray]:
    """float32 [n, C, H, W] for each run of windows."""
    for path in paths:
        with open_hdf5(path, "fetch it again", "MATLAB v7.3 (HDF5)") as file:
            for start in range(0, file["features"].shape[0], _CHUNK):
                yield file["features"][start : start + _CHUNK].astype(np.float32)
