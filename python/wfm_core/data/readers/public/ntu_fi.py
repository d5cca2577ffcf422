# SPDX-License-Identifier: GPL-3.0-or-later
"""NTU-Fi HAR: six activities in WiFi CSI amplitudes, 3 antennas x 114 subcarriers x packets (task `activity`).

`train_amp/` and `test_amp/`, each with a folder per class, in them `.mat` files with `CSIamp`, 342 x packets. The
group `official` keeps the owner's split.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.folders import files_in, provenance
from wfm_core.data.readers.own.matlab import read_matlab

LABELS = ("run", "walk", "fall", "box", "circle", "clean")
SIGNAL = {
    "kind": "standard_image",
    "size": [224, 224],
    "minimum": 2.44,
    "maximum": 54.72,
    "mean": [0.7396, 0.7722, 0.7758],
    "std": [0.0960, 0.0764, 0.0888],
    "mode": "bicubic",
}
ANTENNAS, SUBCARRIERS = 3, 114
ROWS = ANTENNAS * SUBCARRIERS
_PARTS = {"train_amp": "train", "test_amp": "test"}
_CONTENT = ".mat files in class folders under train_amp and test_amp"


def read(folder: Path, out: Path) -> Path:
    """Every `.mat` file as one image: 3 channels, 114 rows, a column per packet.

    Groups: `source` (the file), `official` (train or test).
    """
    folder, paths = files_in(folder, _CONTENT, *(f"{part}/*/*.mat" for part in _PARTS))
    return write_dataset(
        out,
        "csi",
        _amplitudes(paths),
        [_label(path) for path in paths],
        labels=LABELS,
        groups={
            "source": [path.relative_to(folder).with_suffix("").as_posix() for path in paths],
            "official": [_PARTS[path.parents[1].name] for path in paths],
        },
        task="activity",
        signal=SIGNAL,
        provenance=provenance("ntu-fi", folder, len(paths)),
    )


def _label(path: Path) -> int:
    name = path.parent.name.lower()
    if name not in LABELS:
        raise WfmError(f"{path.parent}: a class folder {name!r}, expected one of {', '.join(LABELS)}; move it away")
    return LABELS.index(name)


def _amplitudes(paths: list[Path]) -> Iterator[np.ndarray]:
    """float32 [1, 3, 114, packets] of each file."""
    for path in paths:
        values = read_matlab(path, "CSIamp")
        if values.ndim == 2 and values.shape[0] != ROWS and values.shape[1] == ROWS:
            values = values.T  # a v7.3 file that another program wrote without MATLAB's reversal of the axes
        if values.ndim != 2 or values.shape[0] != ROWS or values.dtype.kind not in "fiu":
            raise WfmError(
                f"{path}: CSIamp is {values.dtype} {list(values.shape)}; amplitudes [{ROWS}, packets] are "
                "expected, name the folder of NTU-Fi HAR"
            )
        yield values.astype(np.float32).reshape(1, ANTENNAS, SUBCARRIERS, -1)
