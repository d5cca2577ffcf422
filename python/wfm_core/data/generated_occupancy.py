# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated windows of an occupied or a free band as a labelled data set, in the file that fine-tuning reads."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from wfm_core.data.dataset import write_dataset
from wfm_core.data.readers.own.measure import iq_signal
from wfm_core.synth.occupancy import KINDS, LABELS, Listening, Windows, draw_signals, draw_windows

_AT_ONCE = 256


def write_occupancy(path: str | Path, count: int, seed: int, samples: int = 4096, how: Listening | None = None) -> Path:
    """Write `count` windows of `samples` samples, drawn from `seed` as `wfm_core.synth.occupancy` says; gives `path`.
    The group `kind` says which signal is in a window, or noise."""
    how = how or Listening()

    def drawn() -> Iterator[Windows]:
        for number, rows in enumerate(torch.arange(count).split(_AT_ONCE)):
            generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
            signals = draw_signals(len(rows), samples, generator)
            yield draw_windows(signals, len(rows), how, generator)

    # drawn twice: all labels must be known before the first values are written, and only a batch is held
    labels, kinds = zip(*((windows.occupied, windows.kind) for windows in drawn()), strict=True)
    return write_dataset(
        path,
        "sample",
        (windows.iq.numpy() for windows in drawn()),
        torch.cat(labels).numpy(),
        task="occupancy",
        labels=LABELS,
        signal=iq_signal,
        provenance={"source": "wfm_core.synth.occupancy", "synthetic": True, "seed": seed},
        groups={"kind": np.array([*KINDS, "noise"])[torch.cat(kinds).numpy()].tolist()},
    )
