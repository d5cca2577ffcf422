# SPDX-License-Identifier: GPL-3.0-or-later
"""Which transmitter sent this: numbers measured of a window, projected to where devices differ and one device does
not."""

import torch
from torch import Tensor, nn

from wfm_core.model.measures import WINDOW_MEASURES, window_measures

PIECE = 16384
"""Samples that are measured at once; a window is as many of them as it is long."""
OFFSETS = 2
"""How many numbers, the last ones, say where the carrier is."""
FLAWS = 99
"""How many numbers before them say something else (`wfm_core.signal.transmitter`)."""
NUMBERS = FLAWS + OFFSETS + WINDOW_MEASURES
WAVES = (0.016, 0.128, 1.024)
"""Cycles a sample."""
SIZE = 4.0
"""With which a carrier that strays by a hundredth of the shortest wave varies by about a quarter."""
ANGLES = 2 * len(WAVES)


def measured(iq: Tensor, flaws: Tensor) -> Tensor:
    """Pieces complex64 [N, A, PIECE] with the carrier at 0 Hz, and what was measured of their transmitter float32 [N,
    FLAWS + OFFSETS] -> all numbers [N, NUMBERS], those of the carrier last."""
    flaw, offset = flaws[:, :99], flaws[:, 99:]
    return torch.cat([flaw, window_measures(iq), offset], 1)


class TransmitterModel(nn.Module):
    """Pieces of windows -> an embedding float32 [B, 1, width] each, in which a device varies by about 1 in each entry.

    The last `ANGLES` entries are the carrier's offset, as sines and cosines of `WAVES` lengths: near ones are apart by
    their difference, and one piece in which another line was taken for the carrier does no more harm than any that is
    wrong. They are 0 with `carrier_offset` false, for a receiver that is not tuned alike each time.
    """

    def __init__(self, width: int, carrier_offset: bool = True):
        super().__init__()
        # no buffers: a bundle's hash is of its parameters
        self.mean = nn.Parameter(torch.zeros(NUMBERS - OFFSETS), requires_grad=False)
        self.deviation = nn.Parameter(torch.ones(NUMBERS - OFFSETS), requires_grad=False)
        self.projection = nn.Parameter(torch.zeros(width - ANGLES, NUMBERS - OFFSETS), requires_grad=False)
        self.size = SIZE if carrier_offset else 0.0
        self.waves = list(WAVES)
        self.heads = nn.ModuleDict()

    def project(self, numbers: Tensor) -> Tensor:
        """Numbers float32 [N, NUMBERS] -> [N, width]."""
        scaled = ((numbers[:, :-2] - self.mean.float()) / self.deviation.float()).clamp(-5.0, 5.0)
        parts = [nn.functional.linear(scaled, self.projection.float())]
        for length in self.waves:
            angle = numbers[:, -2:-1] * (2.0 * torch.pi / length)
            parts = parts + [self.size * angle.cos(), self.size * angle.sin()]
        return torch.cat(parts, 1)

    @torch.jit.export
    def encode(self, pieces: Tensor, flaws: Tensor, weight: Tensor) -> Tensor:
        """Pieces complex64 [B * K, A, PIECE], what was measured of them [B * K, FLAWS + OFFSETS], and how much each
        counts [B, K] -> their weighted mean [B, 1, width]."""
        every = self.project(measured(pieces, flaws)).unflatten(0, [weight.size(0), weight.size(1)])
        share = (weight / weight.sum(1, keepdim=True)).unsqueeze(2)
        return (every * share).sum(1, keepdim=True)
