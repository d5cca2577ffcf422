# SPDX-License-Identifier: GPL-3.0-or-later
"""CommRad RF: pictures of the spectrograms of 20 signal types (task `classification`).

A flat folder of images named `<class>_*`. They are turned by 90 degrees against the clock, made grey, and resized to
one size here, for they have several.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file
from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.folders import files_in, provenance
from wfm_core.signal.resized import resize

LABELS = (
    "ads-b", "airband", "ais", "automatic-picture-transmission", "bluetooth", "cellular", "digital-audio-broadcasting",
    "digital-speech-decoder", "fm", "lora", "morse", "on-off-keying", "packet", "pocsag", "Radioteletype",
    "remote-keyless-entry", "RS41-Radiosonde", "sstv", "vor", "wifi",
)  # fmt: skip
_GREY = (0.2989, 0.587, 0.114)  # luma of ITU-R BT.601, of R, G and B
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
_CONTENT = "images named <class>_*"

_MOST_PIXELS = 4096
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, OverflowError, struct.error, zlib.error)
"""What Pillow raises for broken images."""


def read(folder: Path, out: Path, *, size: int = 224) -> Path:
    """Every image as one channel from 0 (black) to 1, `size` pixels square. Group: `source` (the file)."""
    folder, paths = files_in(folder, _CONTENT, "*", suffixes=_SUFFIXES)
    if size < 1:
        raise WfmError(f"size of {size} pixels: 1 or more is expected")
    signal = {"kind": "standard_image", "size": [size, size], "minimum": 0.0, "maximum": 1.0}
    return write_dataset(
        out,
        "image",
        _pictures(paths, size),
        [_label(path) for path in paths],
        labels=LABELS,
        groups={"source": [path.name for path in paths]},
        task="classification",
        signal=signal | {"mean": [0.5], "std": [0.5], "mode": "bicubic"},
        provenance=provenance("commrad", folder, len(paths), size=size),
    )


def _label(path: Path) -> int:
    name = path.name.split("_")[0]
    if "_" not in path.name or name not in LABELS:
        raise WfmError(f"{path}: a class {name!r}; expected one of {', '.join(LABELS)} before the _: rename or move it")
    return LABELS.index(name)


def _pictures(paths: list[Path], size: int) -> Iterator[np.ndarray]:
    """float32 [1, 1, size, size] of each file."""
    for path in paths:
        try:
            with open_file(path) as file, Image.open(file) as image:
                if max(image.size) > _MOST_PIXELS:
                    raise WfmError(
                        f"{path} has {image.size[0]} x {image.size[1]} pixels, at most {_MOST_PIXELS} on a side are "
                        "read: take it out"
                    )
                colours = np.asarray(image.convert("RGB"), np.float32) / 255
        except (*_BROKEN, Image.DecompressionBombError) as error:
            raise WfmError(f"{path} cannot be read as an image ({error}): fetch it again or take it out") from error
        grey = np.rot90(colours @ np.array(_GREY, np.float32))
        yield resize(torch.from_numpy(grey.copy())[None, None], [size, size], "bicubic").numpy()
