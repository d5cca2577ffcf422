# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated windows of one array of antennas with their directions, as a labelled data set that fine-tuning reads."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from wfm_core.data.dataset import write_dataset
from wfm_core.synth.arrays import (
    COUPLING,
    GAIN_ERROR,
    PHASE_ERROR,
    Arrivals,
    Bearings,
    draw_array,
    draw_bearings,
    draw_signals,
)

BANDS = 32
"""Parts of the band that covariances are of."""
WIDEST = 60.0
"""Degrees to either side: farther out a row confuses its two ends."""
_AT_ONCE = 256


def write_angles(
    path: str | Path,
    count: int,
    seed: int,
    samples: int = 1024,
    array: Tensor | None = None,
    how: Arrivals | None = None,
) -> Path:
    """Write `count` windows of `samples` samples, a multiple of `BANDS`, of a walk around one array with a transmitter
    whose bearing is known; gives `path`.

    Each window is another signal from another direction, with other reflections, as `wfm_core.synth.arrays` draws them
    from `seed`; all are heard by the same `array` [A, A] (None: one of four antennas that is drawn from `seed` too,
    with the largest errors that are generated).
    """
    if array is None:
        array = draw_array(4, GAIN_ERROR, PHASE_ERROR, COUPLING, torch.Generator().manual_seed(seed))
    how = how or Arrivals(len(array), widest=WIDEST)

    def drawn() -> Iterator[Bearings]:
        for number, rows in enumerate(torch.arange(count).split(_AT_ONCE)):
            generator = torch.Generator().manual_seed(seed * 1_000_003 + number + 1)
            yield draw_bearings(draw_signals(len(rows), samples, generator), len(rows), how, generator, array)

    # drawn twice: all labels must be known before the first values are written, and only a batch is held
    angle = torch.cat([windows.angle for windows in drawn()])
    return write_dataset(
        path,
        "sample",
        (windows.iq.numpy() for windows in drawn()),
        angle.numpy()[:, None],
        task="angle",
        signal={"kind": "covariance", "antennas": len(array), "bands": BANDS},
        provenance={"source": "wfm_core.synth.arrays", "synthetic": True, "seed": seed},
        scene={"low": [-how.widest], "high": [how.widest]},
    )
