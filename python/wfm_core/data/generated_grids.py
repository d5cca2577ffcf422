# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated channels over resource grids as a labelled data set, in the file that fine-tuning reads."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from wfm_core.base.quantities import ESTIMATE
from wfm_core.data.dataset import write_dataset
from wfm_core.signal.channels.csi_profile import csi_parts
from wfm_core.synth.csi.clusters import SCENARIOS
from wfm_core.synth.csi.resource_grids import (
    PILOT_SUBCARRIERS,
    PILOT_SYMBOLS,
    SUBCARRIERS,
    SYMBOLS,
    ResourceGrids,
    draw_grids,
)

SIGNAL = {
    "kind": "pilot_grid",
    "grid": [SUBCARRIERS, SYMBOLS],
    "subcarriers": list(PILOT_SUBCARRIERS),
    "symbols": list(PILOT_SYMBOLS),
}
"""What prepares the pilots of `draw_grids`."""
_AT_ONCE = 256


def write_channel_estimates(path: str | Path, count: int, seed: int) -> Path:
    """Write `count` slots, drawn from `seed` as `wfm_core.synth.csi.resource_grids` says; gives `path`. The group
    `scenario` says which of TR 38.901's a slot is of."""
    parts = list(drawn_grids(count, seed))
    scenarios = np.array(tuple(SCENARIOS))[torch.cat([part.causes["scenario"] for part in parts]).numpy()]
    return write_dataset(
        path,
        "csi",
        (csi_parts(part.pilots.unsqueeze(1)).numpy() for part in parts),
        np.concatenate([csi_parts(part.channel.unsqueeze(1)).numpy() for part in parts]),
        task=ESTIMATE,
        signal=SIGNAL,
        provenance={"source": "wfm_core.synth.csi.resource_grids", "synthetic": True, "seed": seed},
        groups={"scenario": scenarios.tolist()},
    )


def drawn_grids(count: int, seed: int) -> Iterator[ResourceGrids]:
    """The slots that `write_channel_estimates` writes, some at a time."""
    for number, rows in enumerate(torch.arange(count).split(_AT_ONCE)):
        yield draw_grids(len(rows), torch.Generator().manual_seed(seed * 1_000_003 + number))
