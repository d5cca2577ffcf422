# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops as the network sees them, in files of one numpy array each: made once, read many times."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wfm_core.base.files import write_atomically
from wfm_core.signal.found import IMAGES, IQ_SAMPLES, NUMBERS, FoundSignal
from wfm_core.train.signals.crops import Crop, draw_crops

_NAMES = ("whole", "close", "heard", "rates")
_SCALES = {"whole": (-2.75, 47.0), "close": (-2.75, 47.0), "heard": (-3.05, 42.0), "rates": (-1.0, 80.0)}
"""Lowest value, and steps of 8 bits to one, of each image."""
_IQ_STEPS = 31.0
RECORD = np.dtype(
    [
        ("iq", "i1", (1, IQ_SAMPLES, 2)),
        *((name, "u1", size) for name, size in zip(_NAMES, IMAGES, strict=True)),
        ("numbers", "f4", NUMBERS),
        ("label", "i2"),
        ("kind", "U24"),
        ("snr_db", "f4"),
        ("met", "?"),
    ]
)


def records(crops: list[Crop]) -> np.ndarray:
    """Crops -> RECORD [n], the images and samples in 8 bits."""
    out = np.zeros(len(crops), RECORD)
    view = FoundSignal()
    with torch.inference_mode():
        for first in range(0, len(crops), 64):
            part = crops[first : first + 64]
            iq, *images, numbers = view(torch.from_numpy(np.stack([crop.observed for crop in part]))[:, None])
            rows = out[first : first + len(part)]
            rows["iq"] = (torch.view_as_real(iq) * _IQ_STEPS).round().clamp(-127, 127).to(torch.int8).numpy()
            for name, image in zip(_NAMES, images, strict=True):
                lowest, steps = _SCALES[name]
                rows[name] = ((image - lowest) * steps).round().clamp(0, 255).to(torch.uint8).numpy()
            rows["numbers"] = numbers.numpy()
    for name in ("label", "kind", "snr_db", "met"):
        out[name] = [getattr(crop, name) for crop in crops]
    return out


def inputs(rows: np.ndarray) -> tuple[Tensor, ...]:
    """RECORD [n] -> what `wfm_core.signal.found.FoundSignal` gives: iq complex64 [n, 1, T], four images, numbers."""
    iq = torch.view_as_complex(torch.from_numpy(rows["iq"].astype(np.float32) / _IQ_STEPS))
    images = []
    for name in _NAMES:
        lowest, steps = _SCALES[name]
        images.append(torch.from_numpy(rows[name].astype(np.float32)).div_(steps).add_(lowest))
    return iq, *images, torch.from_numpy(rows["numbers"].copy())


def make_shard(path: Path, seed: int, count: int, finder_share: float, **options) -> None:
    """Write `count` crops of the bands of `seed` into `path` (.npy)."""
    torch.set_num_threads(1)
    rows = records(draw_crops(seed, count, finder_share, **options))

    def write(to: Path) -> None:
        with to.open("wb") as file:
            np.save(file, rows)

    write_atomically(path, write)
