# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel state information (CSI) to images: the one transform, used in training and live.

A window of CSI is an image of amplitudes: a channel per antenna (pair), a row per subcarrier, a column per packet.
The phases are left out: without a reference they turn at random from packet to packet. A receiver's gain control
scales every packet anew and is rarely taken out of recorded CSI, so by default a window is divided by its own RMS.
Amplitudes stay linear by default: logarithms give the weak subcarriers, which are mostly noise, as much say as the
strong ones (on two sets of recorded activities a ridge classifier lost 5 to 7 points by them).
In order: gain, decibels (or not), [0, 1] by the data set's minimum and maximum, resize, standardise.
"""

import torch
from torch import nn

from wfm_core.errors import WfmError
from wfm_core.signal.resized import StandardImage

SCALES = ("linear", "db")
GAINS = ("window", "packet", "none")
FLOOR_DB = 40.0
"""Amplitudes are kept above this many dB below the level: converters of 8 bits give zeros, which have no logarithm."""


class CsiImage(nn.Module):
    """Amplitudes float32 [B, antennas, subcarriers, packets] -> float32 [B, antennas, H, W] with `size` [H, W].

    `gain` says what an amplitude is divided by, which is then the level 1 (0 dB): the RMS of its "window" (over
    antennas, subcarriers and packets), the RMS of its "packet", or with "none" the constant `reference`. `scale` is
    "linear" or "db"; `minimum`, `maximum`, `mean` and `std` are of that scale, see `StandardImage`.
    """

    def __init__(
        self,
        size: list[int],
        minimum: float,
        maximum: float,
        mean: list[float],
        std: list[float],
        scale: str = "linear",
        gain: str = "window",
        reference: float = 1.0,
    ):
        super().__init__()
        self.levels = CsiLevels(scale, gain, reference)
        self.standardise = StandardImage(size, minimum, maximum, mean, std)

    def forward(self, amplitude: torch.Tensor) -> torch.Tensor:
        return self.standardise(self.levels(amplitude))


class CsiLevels(nn.Module):
    """The first half of `CsiImage`, of which the statistics are taken: amplitudes -> levels of the same shape."""

    def __init__(self, scale: str = "linear", gain: str = "window", reference: float = 1.0):
        super().__init__()
        if scale not in SCALES or gain not in GAINS:
            raise WfmError(
                f"CSI scale {scale!r}, gain {gain!r}: wanted one of {', '.join(SCALES)} and one of "
                f"{', '.join(GAINS)}; mend the signal settings"
            )
        if not reference > 0:
            raise WfmError(f"CSI reference {reference}: an amplitude above 0 is wanted, mend the signal settings")
        self.decibels, self.per_window, self.per_packet = scale == "db", gain == "window", gain == "packet"
        self.reference, self.smallest = float(reference), 10 ** (-FLOOR_DB / 20)

    def forward(self, amplitude: torch.Tensor) -> torch.Tensor:
        if self.per_window:
            level = amplitude.square().mean((1, 2, 3), keepdim=True).sqrt()
        elif self.per_packet:
            level = amplitude.square().mean((1, 2), keepdim=True).sqrt()
        else:
            level = torch.full_like(amplitude[:1, :1, :1, :1], self.reference)
        relative = amplitude / level.clamp(min=1e-12)
        if self.decibels:
            return 20 * torch.log10(relative.clamp(min=self.smallest))
        return relative
