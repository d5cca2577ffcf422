# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI of a terminal at many places of one generated hall, as a data set with positions."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from wfm_core.data.dataset import write_dataset
from wfm_core.signal.channels.csi_profile import csi_parts
from wfm_core.synth.csi.places import any_places, csi_at, draw_site

KIND = "srs"
PACKETS = 8
SIZE = (32, 16)
"""Pixels of an image: delays, packets."""
_SPOTS = 2
_AT_ONCE = 128


def write_places(path: str | Path, count: int, seed: int) -> Path:
    """Write `count` windows of `PACKETS` soundings each, from places anywhere in a hall that is drawn from `seed`, as
    `wfm_core.synth.csi.places` has halls: four base stations with one clock in its corners; gives `path`."""
    generator = torch.Generator().manual_seed(seed)
    site = draw_site(KIND, generator)
    places = any_places(site, count, generator)

    def values() -> Iterator[np.ndarray]:
        for part in places.split(_AT_ONCE):
            yield csi_parts(csi_at(site, part, PACKETS, generator, _SPOTS)).numpy()

    return write_dataset(
        path,
        "csi",
        values(),
        places.numpy(),
        task="position",
        signal={"kind": "csi_profile", "size": list(SIZE), "taps": len(site.kind.grid)},
        provenance={"source": "wfm_core.synth.csi.places", "synthetic": True, "seed": seed, "site": KIND},
        scene={"low": [0.0, 0.0, 0.0], "high": [*site.size.tolist(), site.height]},
    )
