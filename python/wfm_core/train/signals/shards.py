# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops as the network sees them, in files of one numpy array each: made once, read many times."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wfm_core.base.files import write_atomically
from wfm_core.signal.found import CLOSE, HEARD, IQ_SAMPLES, WHOLE, FoundSignal
from wfm_core.train.signals.crops import Crop, draw_crops

RECORD = np.dtype(
    [
        ("whole", "u1", (3, *WHOLE)),
        ("close", "u1", (1, *CLOSE)),
        ("heard", "i1", (2, *HEARD)),
        ("iq", "i1", (1, IQ_SAMPLES, 2)),
        ("facts", "f4", 3),
        ("label", "i2"),
        ("kind", "U24"),
        ("snr_db", "f4"),
        ("met", "?"),
    ]
)
_LOWEST, _STEPS = -2.75, 47.0
_IQ_STEPS, _HEARD_STEPS = 31.0, 42.0


def records(crops: list[Crop]) -> np.ndarray:
    """Crops -> RECORD [n], the images and samples in 8 bits."""
    out = np.zeros(len(crops), RECORD)
    view = FoundSignal()
    with torch.inference_mode():
        for first in range(0, len(crops), 64):
            part = crops[first : first + 64]
            iq, whole, close, heard, facts = view(torch.from_numpy(np.stack([crop.observed for crop in part]))[:, None])
            rows = out[first : first + len(part)]
            rows["whole"] = _bytes(whole)
            rows["close"] = _bytes(close)
            rows["iq"] = (torch.view_as_real(iq) * _IQ_STEPS).round().clamp(-127, 127).to(torch.int8).numpy()
            rows["heard"] = (heard * _HEARD_STEPS).round().clamp(-127, 127).to(torch.int8).numpy()
            rows["facts"] = facts.numpy()
    for name in ("label", "kind", "snr_db", "met"):
        out[name] = [getattr(crop, name) for crop in crops]
    return out


def inputs(rows: np.ndarray) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """RECORD [n] -> iq complex64 [n, 1, T], images whole, close and heard (float32), facts float32 [n, 3]."""
    iq = torch.view_as_complex(torch.from_numpy(rows["iq"].astype(np.float32) / _IQ_STEPS))
    images = [torch.from_numpy(rows[name].astype(np.float32)).div_(_STEPS).add_(_LOWEST) for name in ("whole", "close")]
    heard = torch.from_numpy(rows["heard"].astype(np.float32) / _HEARD_STEPS)
    return iq, *images, heard, torch.from_numpy(rows["facts"].copy())


def make_shard(path: Path, seed: int, count: int, finder_share: float, **options) -> None:
    """Write `count` crops of the bands of `seed` into `path` (.npy)."""
    torch.set_num_threads(1)
    rows = records(draw_crops(seed, count, finder_share, **options))

    def write(to: Path) -> None:
        with to.open("wb") as file:
            np.save(file, rows)

    write_atomically(path, write)


def _bytes(image: Tensor) -> np.ndarray:
    return ((image - _LOWEST) * _STEPS).round().clamp(0, 255).to(torch.uint8).numpy()
