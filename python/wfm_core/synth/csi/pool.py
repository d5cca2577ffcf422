# SPDX-License-Identifier: GPL-3.0-or-later
"""Any CSI: windows of every grid, number of antennas and length, for training that should have seen them all."""

import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.cells import draw_cells
from wfm_core.synth.csi.grids import SRS, WIFI
from wfm_core.synth.csi.rooms import draw_rooms
from wfm_core.synth.csi.windows import CsiWindows, draw_windows
from wfm_core.synth.draws import choice

SCENES = {"rooms": 0.85, "cells": 0.15}
"""Kinds of places, and how large a share of the windows each has where no kinds are asked for."""
PACKETS = (32, 48, 64, 96, 128, 192, 256)
"""In a window."""

_PAIRS = ((1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2))
_OF_ROOMS = dict(zip(_PAIRS, (0.25, 0.15, 0.3, 0.06, 0.08, 0.06, 0.05, 0.05), strict=True))
_OF_CELLS = (1, 2, 4)
_MOST_ANTENNAS = {"rooms": max(a * b for a, b in _OF_ROOMS), "cells": max(_OF_CELLS)}
# the grids of data sets that people have are the frequent ones; wide ones cost most
_GRIDS = dict(zip(WIFI, (0.2, 0.14, 0.12, 0.14, 0.14, 0.14, 0.08, 0.04), strict=True))
_MOST_VALUES = 1 << 17  # of a window: 484 subcarriers x 256 packets, once


def known_scenes(scenes: list[str] | None) -> dict[str, float]:
    """Shares of those kinds, of all if None; raises `WfmError` for one that is none."""
    unknown = set(scenes or ()) - set(SCENES)
    if unknown:
        raise WfmError(f"CSI of kind {min(unknown)!r}: expected some of {', '.join(SCENES)}")
    return {name: share for name, share in SCENES.items() if scenes is None or name in scenes}


def most_antennas(scenes: list[str] | None = None) -> int:
    """Of any window of those kinds. Raises `WfmError` for an unknown one."""
    return max(_MOST_ANTENNAS[name] for name in known_scenes(scenes))


def draw_any(
    count: int,
    generator: torch.Generator,
    scenes: list[str] | None = None,
    least_antennas: int = 1,
    one_room: bool = False,
) -> CsiWindows:
    """`count` windows of one shape, which is drawn: 30 to 484 subcarriers, 32 to 256 packets, 1 to 6 antennas (pairs of
    them in rooms), or from `least_antennas` on. `scenes`: kinds of places, of `SCENES`. `one_room`: all of
    one receiver in one room, and none of cells. Raises `WfmError` for an unknown kind, and where none has as many
    antennas."""
    most = most_antennas(scenes)
    if not 1 <= least_antennas <= most:
        raise WfmError(f"CSI of {least_antennas} antennas or more: expected 1 to {most}, which {scenes or 'all'} have")
    if one_room:
        scenes = ["rooms"]
    shares = {name: share for name, share in known_scenes(scenes).items() if _MOST_ANTENNAS[name] >= least_antennas}
    kind = choice(list(shares), generator, list(shares.values()))
    packets = choice(PACKETS, generator)
    if kind == "cells":
        able = [antennas for antennas in _OF_CELLS if antennas >= least_antennas]
        grid, antennas = choice(list(SRS.values()), generator), choice(able, generator)
        return draw_cells(count, grid, _fitting(packets, len(grid) * antennas), antennas, generator)
    grid = WIFI[choice(list(_GRIDS), generator, list(_GRIDS.values()))]
    often = {pair: share for pair, share in _OF_ROOMS.items() if pair[0] * pair[1] >= least_antennas}
    antennas = choice(list(often), generator, list(often.values()))
    packets = _fitting(packets, len(grid) * antennas[0] * antennas[1])
    rooms = draw_rooms(1, grid.carriers, generator) if one_room else None
    return draw_windows(count, grid, packets, antennas, generator, rooms=rooms, one_receiver=one_room)


def _fitting(packets: int, values: int) -> int:
    """The largest of PACKETS up to `packets` whose windows, of `values` a packet, are not too large to draw many."""
    return max(
        [shorter for shorter in PACKETS if shorter <= packets and shorter * values <= _MOST_VALUES] or PACKETS[:1]
    )
