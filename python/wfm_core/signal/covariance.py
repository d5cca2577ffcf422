# SPDX-License-Identifier: GPL-3.0-or-later
"""What several antennas have in common, as an image: how a network is told from where a wave comes."""

import torch
from torch import Tensor, nn

PATCH_COLUMNS = 16
"""Columns of a patch of an image, which patches must fill."""


class Covariance(nn.Module):
    """IQ windows complex64 [B, A, T] -> float32 [B, 1, bands, columns]: a row is the covariance of a part of the band.

    A direction is in the phases between antennas, which a projection of samples does not keep, and a signal in some of
    the bands alone, where it is over the noise. Row r is the covariance [A, A] of the r-th of `bands` equal parts of
    the band, from -sample_rate/2 upwards, of a window without its level: mean power 1 over antennas and bands. The
    antennas i and j, counted from 0, have column i * `antennas` + j: the real part of (i, j) where i <= j, the
    imaginary part where i > j. Columns of antennas that are not there, and those up to a multiple of 16, are 0.
    """

    def __init__(self, antennas: int, bands: int):
        super().__init__()
        if not 2 <= antennas <= 64 or not 1 <= bands <= 4096:
            raise ValueError(f"{antennas} antennas and {bands} bands; expected 2 to 64 and 1 to 4096")
        self.antennas, self.bands = antennas, bands
        self.spare = -(antennas * antennas) % PATCH_COLUMNS

    def forward(self, iq: Tensor) -> Tensor:
        there, samples = iq.size(1), iq.size(2)
        if there > self.antennas or samples % self.bands != 0:
            raise ValueError(
                f"windows of {there} antennas x {samples} samples; expected at most {self.antennas} and a multiple of "
                f"{self.bands}"
            )
        level = (iq.real.square() + iq.imag.square()).mean([1, 2], keepdim=True).clamp(min=1e-30).sqrt()
        bins = torch.fft.fftshift(torch.fft.fft(iq / level), dim=-1) / samples**0.5
        parts = bins.unflatten(2, [self.bands, -1]).transpose(1, 2)  # [B, bands, A, bins]
        both = torch.matmul(parts, parts.transpose(2, 3).conj()) / parts.size(3)
        place = torch.arange(there, device=iq.device)
        above = place.unsqueeze(1) <= place
        packed = torch.where(above, both.real, both.imag)
        missing = self.antennas - there
        packed = nn.functional.pad(packed, [0, missing, 0, missing]).flatten(2)
        return nn.functional.pad(packed, [0, self.spare]).unsqueeze(1)
