# SPDX-License-Identifier: GPL-3.0-or-later
"""When packets arrive: not evenly, and not all of them."""

import torch
from torch import Tensor

from wfm_core.synth.draws import uniform

LONGEST_GAP = 200
"""Packets that are lost one after another, at most."""


def packet_times(
    packets: int, rate: Tensor, jitter: Tensor, loss: Tensor, stay: Tensor, generator: torch.Generator
) -> Tensor:
    """Seconds from the first packet, float32 [B, packets], rising.

    Packets are sent `rate` [B] times a second; each waits for a free channel, exponentially, `jitter` [B] periods on
    average. A packet is lost with chance `loss` [B], or `stay` [B] if the one before it was lost (Gilbert's model). A
    receiver records what comes: a loss is a gap in time, not a column without values.
    """
    count = len(rate)

    def draw():
        return uniform((count, packets), 1e-6, 1.0, generator)

    first_lost = draw() < loss.unsqueeze(1)
    again = (draw().log() / stay.clamp(1e-6, 0.999).log().unsqueeze(1)).floor()
    lost = (first_lost * (1 + again)).clamp(max=LONGEST_GAP)
    sent = (1 + lost).double().cumsum(1)
    late = -draw().log() * jitter.unsqueeze(1)
    # a packet never overtakes the one before it
    arrived = torch.cummax(sent + late.double(), 1).values
    ties = 1e-3 * torch.arange(packets, device=rate.device, dtype=torch.float64)
    times = (arrived + ties) / rate.double().unsqueeze(1)
    return (times - times[:, :1]).float()
