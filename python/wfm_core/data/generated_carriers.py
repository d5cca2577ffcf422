# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated images of bands with LTE and NR, and the class of each pixel, in the file that fine-tuning reads."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from wfm_core.base.quantities import SEGMENTATION
from wfm_core.data.dataset import write_dataset
from wfm_core.signal.band_image import band_image
from wfm_core.synth.carriers import LABELS, SNR_DB, draw_band

ROWS, COLUMNS = 128, 128
"""Of an image: 240 kHz, 78 us."""
SIGNAL = {
    "kind": "standard_image",
    "size": [ROWS, COLUMNS],
    "minimum": -10.0,
    "maximum": 30.0,
    "mean": [0.3],
    "std": [0.15],
}
"""What prepares images in dB over the noise; constants, so that all sets agree."""


def write_segmentation(path: str | Path, count: int, seed: int) -> Path:
    """Write images of `count` bands, drawn from `seed` as `wfm_core.synth.carriers` says; gives `path`."""
    images, labels = zip(*drawn_images(count, seed), strict=True)
    return write_dataset(
        path,
        "image",
        np.stack(images)[:, None],
        np.stack(labels),
        task=SEGMENTATION,
        labels=LABELS,
        signal=SIGNAL,
        provenance={"source": "wfm_core.synth.carriers", "synthetic": True, "seed": seed},
    )


def drawn_images(
    count: int, seed: int, snr_db: tuple[float, float] = SNR_DB
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The images float32 [ROWS, COLUMNS] of `write_segmentation` and their classes uint8."""
    for number in range(count):
        band = draw_band(np.random.default_rng([seed, number]), snr_db)
        yield band_image(torch.from_numpy(band.samples), ROWS, COLUMNS).numpy(), band.classes(ROWS, COLUMNS)
