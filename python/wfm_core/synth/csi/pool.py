# SPDX-License-Identifier: GPL-3.0-or-later
"""Any CSI: windows of every grid, number of antennas and length, for training that should have seen them all."""

import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.cells import draw_cells
from wfm_core.synth.csi.grids import SRS, WIFI
from wfm_core.synth.csi.windows import CsiWindows, draw_windows
from wfm_core.synth.draws import choice

SCENES = {"rooms": 0.85, "cells": 0.15}
"""Kinds of places, and how large a share of the windows each has where no kinds are asked for."""
PACKETS = (32, 48, 64, 96, 128, 192, 256)
"""In a window."""

_ANTENNAS = ((1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2))
_OFTEN = (0.25, 0.15, 0.3, 0.06, 0.08, 0.06, 0.05, 0.05)
# the grids of data sets that people have are the frequent ones; wide ones cost most
_GRIDS = dict(zip(WIFI, (0.2, 0.14, 0.12, 0.14, 0.14, 0.14, 0.08, 0.04), strict=True))
_MOST_VALUES = 1 << 17  # of a window: 484 subcarriers x 256 packets, once


def known_scenes(scenes: list[str] | None) -> dict[str, float]:
    """Shares of those kinds, of all if None; raises `WfmError` for one that is none."""
    unknown = set(scenes or ()) - set(SCENES)
    if unknown:
        raise WfmError(f"CSI of kind {min(unknown)!r}: expected some of {', '.join(SCENES)}")
    return {name: share for name, share in SCENES.items() if scenes is None or name in scenes}


def draw_any(count: int, generator: torch.Generator, scenes: list[str] | None = None) -> CsiWindows:
    """`count` windows of one shape, which is drawn: 30 to 484 subcarriers, 32 to 256 packets, 1 to 6 antennas (pairs of
    them in rooms). `scenes`: kinds of places, of `SCENES`. Raises `WfmError` for an unknown one."""
    shares = known_scenes(scenes)
    kind = choice(list(shares), generator, list(shares.values()))
    packets = choice(PACKETS, generator)
    if kind == "cells":
        grid, antennas = choice(list(SRS.values()), generator), choice((1, 2, 4), generator)
        return draw_cells(count, grid, _fitting(packets, len(grid) * antennas), antennas, generator)
    grid = WIFI[choice(list(_GRIDS), generator, list(_GRIDS.values()))]
    antennas = choice(_ANTENNAS, generator, _OFTEN)
    packets = _fitting(packets, len(grid) * antennas[0] * antennas[1])
    return draw_windows(count, grid, packets, antennas, generator)


def _fitting(packets: int, values: int) -> int:
    """The largest of PACKETS up to `packets` whose windows, of `values` a packet, are not too large to draw many."""
    return max(
        [shorter for shorter in PACKETS if shorter <= packets and shorter * values <= _MOST_VALUES] or PACKETS[:1]
    )
