# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels over the resource grid of a slot of 5G NR, and what a receiver measures of them at sparse pilots.

Channels are drawn by TR 38.901, 7.5 (`wfm_core.synth.csi.clusters`), over eight resource blocks and the 14 symbols of
a slot at 30 kHz (TS 38.211, table 4.2-1), with the terminal on its way meanwhile. Pilots lie as the demodulation
reference signals of PDSCH with mapping type A, first symbol 2 and two additional positions do (TS 38.211, table
7.4.1.1.2-3: symbols 2, 7 and 11), at every fourth subcarrier, which is half as many as those of type 1 (every second):
so many are left to each of two ports that are parted by a cover code over neighbours. Estimates at pilots are by least
squares, the received symbol over the sent one: the channel and white noise. The first path may come up to `TIMING` s
early or late, as the receiver's own timing is not exact; there is one antenna, and no interference.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.clusters import SCENARIOS, cluster_channel
from wfm_core.synth.draws import uniform

SPACING = 30e3
"""Hz between subcarriers."""
SUBCARRIERS, SYMBOLS = 96, 14
"""Of the grid."""
PILOT_SUBCARRIERS = tuple(range(0, SUBCARRIERS, 4))
PILOT_SYMBOLS = (2, 7, 11)
CARRIERS = (3.3e9, 3.8e9)
"""Hz, as of the sounding grids."""
SNR_DB = (0.0, 30.0)
TIMING = 0.1e-6
_SYMBOL = 1e-3 / 28  # seconds: 14 in half a millisecond, cyclic prefixes spread over all of them


@dataclass
class ResourceGrids:
    """`pilots` complex64 [B, P, S], least-squares estimates at pilots; the true `channel` complex64 [B, SUBCARRIERS,
    SYMBOLS]; `noise` float32 [B], the power of what is wrong in each of the pilots.

    `causes` are those of `cluster_channel` with `snr_db`, of a window's mean power over the noise, `carrier` Hz and
    `scenario` int64 (of SCENARIOS).
    """

    pilots: Tensor
    channel: Tensor
    noise: Tensor
    causes: dict[str, Tensor]


def draw_grids(
    count: int,
    generator: torch.Generator,
    snr_db: tuple[float, float] = SNR_DB,
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> ResourceGrids:
    """`count` slots, of all `scenarios` alike often, with an SNR from `snr_db[0]` to `snr_db[1]`. Raises `WfmError`
    for no slot, no scenario and unknown ones."""
    if count < 1 or not scenarios:
        raise WfmError(f"{count} slots of {len(scenarios)} scenarios: 1 or more of both are expected")
    carrier = uniform((count,), *CARRIERS, generator)
    times = (_SYMBOL * torch.arange(SYMBOLS)).expand(count, -1)
    offsets = SPACING * (torch.arange(SUBCARRIERS) - SUBCARRIERS // 2)
    chosen = torch.randint(len(scenarios), (count,), generator=generator)
    channel = torch.empty(count, SUBCARRIERS, SYMBOLS, dtype=torch.complex64)
    causes: dict[str, Tensor] = {}
    for number, name in enumerate(scenarios):
        rows = (chosen == number).nonzero()[:, 0]
        drawn, own = cluster_channel(name, carrier[rows], times[rows], offsets, 1, generator)
        channel[rows] = drawn[:, 0].mT
        for cause, values in own.items():
            causes.setdefault(cause, values.new_empty(count))[rows] = values
    late = uniform((count, 1), -TIMING, TIMING, generator)
    channel = channel * torch.exp(-2j * math.pi * late * offsets)[:, :, None]
    snr = uniform((count,), *snr_db, generator)
    noise = channel.abs().square().mean((1, 2)) * 10 ** (-snr / 10)
    pilots = channel[:, list(PILOT_SUBCARRIERS)][:, :, list(PILOT_SYMBOLS)]
    wrong = torch.randn(pilots.shape, dtype=torch.complex64, generator=generator)
    known = torch.tensor([list(SCENARIOS).index(name) for name in scenarios])
    causes |= {"snr_db": snr, "carrier": carrier, "scenario": known[chosen]}
    return ResourceGrids(pilots + noise.sqrt()[:, None, None] * wrong, channel, noise, causes)
