# SPDX-License-Identifier: GPL-3.0-or-later
"""Normalisation of raw IQ windows.

A receiver's gain is unknown to the model and differs between radios, so live IQ has no dataset-wide level. Every
window is divided by its own RMS over all antennas; the ratios between antennas stay. The level that is taken out
is not lost: it travels beside the window (`level_dbfs` in tags and messages). Data sets of one receiver with a fixed
gain, as the published ones are, may keep their level: `IqStandard` with `level: absolute`.
"""

import torch
from torch import nn

from wfm_core.base.errors import WfmError

LEVELS = ("window", "absolute")


class IqRms(nn.Module):
    """complex64 [B, A, T] -> complex64 [B, A, T] of unit mean power over antennas and time (silence stays zero)."""

    def forward(self, iq: torch.Tensor) -> torch.Tensor:
        power = (iq.real.square() + iq.imag.square()).mean((1, 2), keepdim=True)
        return iq * torch.rsqrt(power.clamp(min=1e-20))


class IqStandard(nn.Module):
    """complex64 [B, A, T] -> complex64 [B, A, T]: the window over its own RMS, then I and Q standardised.

    `mean` and `std` are [I, Q] of the whole dataset, of windows of unit RMS. Where the paper standardises its
    recordings directly, the RMS comes first here: see above. With `level` "absolute" nothing is divided out, and
    `mean` and `std` are of the samples at full scale 1: the paper's form.
    """

    def __init__(self, mean: list[float], std: list[float], level: str = "window"):
        super().__init__()
        if level not in LEVELS:
            raise WfmError(f"IQ level {level!r}: expected one of {', '.join(LEVELS)}, fix the signal settings")
        if len(mean) != 2 or len(std) != 2 or not min(std) > 0:
            raise WfmError(f"IQ mean {mean}, std {std}: [I, Q] with std above 0 are expected, fix the statistics")
        self.unit = IqRms() if level == "window" else nn.Identity()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32), persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32), persistent=False)

    def forward(self, iq: torch.Tensor) -> torch.Tensor:
        parts = torch.view_as_real(self.unit(iq))
        return torch.view_as_complex((parts - self.mean) / self.std)
