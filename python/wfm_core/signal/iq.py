# SPDX-License-Identifier: GPL-3.0-or-later
"""Normalisation of raw IQ windows.

A receiver's gain is unknown to the model and differs between radios, so live IQ has no dataset-wide level. Every
window is divided by its own RMS over all antennas; the ratios between antennas stay. The level that is taken out
is not lost: it travels beside the window (`level_dbfs` in tags and messages).
"""

import torch
from torch import nn


class IqRms(nn.Module):
    """complex64 [B, A, T] -> complex64 [B, A, T] of unit mean power over antennas and time (silence stays zero)."""

    def forward(self, iq: torch.Tensor) -> torch.Tensor:
        power = (iq.real.square() + iq.imag.square()).mean((1, 2), keepdim=True)
        return iq * torch.rsqrt(power.clamp(min=1e-20))
