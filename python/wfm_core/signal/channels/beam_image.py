# SPDX-License-Identifier: GPL-3.0-or-later
"""Complex CSI of some antennas of a row to an image of what comes along each beam of the whole row."""

import math

import torch
from torch import Tensor, nn

from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import MOST_BEAMS, beam_angles
from wfm_core.signal.channels.csi_profile import BEFORE, MOST_TAPS
from wfm_core.signal.resized import resize

MOST_ANTENNAS = 256


def codebook(antennas: int, beams: int) -> Tensor:
    """The waves of the directions `beam_angles` at antennas n = 0, 1, ...: exp(i pi n sin a) / sqrt(antennas),
    complex128 [antennas, beams]."""
    turns = torch.outer(torch.arange(antennas, dtype=torch.float64), _sines(beams))
    return torch.polar(torch.full_like(turns, antennas**-0.5), math.pi * turns)


def _sines(beams: int) -> Tensor:
    return torch.sin(torch.deg2rad(torch.tensor(beam_angles(beams), dtype=torch.float64)))


class BeamImage(nn.Module):
    """CSI float32 [B, 2 A, subcarriers, packets], real parts of all A antennas, then imaginary ones, -> float32
    [B, 2, H, W] with `size` [H, W].

    `elements` are the places of the antennas in the row, from 0 to its last one, in half wavelengths: some may be left
    out, as long as every distance up to the whole row is there between two of them (a sparse ruler), for what comes
    along a beam of the whole row is told by the covariance at these distances (Hoctor and Kassam, The unifying role of
    the coarray in aperture synthesis, Proc. IEEE 78 (4), 1990). The first channel is power in dB, -1 at -30 and 1 at
    30 over the mean: rows are H delays out of a transform of `taps` points, the mean delay at 3/8 of them; columns are
    `beams` directions, see `beam_angles`, resized to W. The second is the power along each beam over all delays, in
    every row: 0 to 1 at the strongest one. Phases and delays that all antennas of a packet share do not count.
    """

    def __init__(self, size: list[int], taps: int, elements: list[int], beams: int = 64):
        super().__init__()
        if len(size) != 2 or min(size) < 1 or not size[0] <= taps <= MOST_TAPS or not 2 <= beams <= MOST_BEAMS:
            raise WfmError(
                f"image of size {size} out of {taps} taps and {beams} beams: [height, width] in pixels, from as many "
                f"taps as rows to {MOST_TAPS}, and 2 to {MOST_BEAMS} beams are expected; fix the signal settings"
            )
        if sorted(set(elements)) != list(elements) or not elements or elements[0] != 0 or elements[-1] >= MOST_ANTENNAS:
            raise WfmError(
                f"elements {elements}: places of antennas in rising order, from 0 to at most {MOST_ANTENNAS - 1}, are "
                "expected; fix the signal settings"
            )
        row = elements[-1] + 1
        pairs = torch.zeros(row, len(elements) ** 2)
        for first, one in enumerate(elements):
            for second, other in enumerate(elements):
                if one >= other:
                    pairs[one - other, first * len(elements) + second] = 1
        count = pairs.sum(1, keepdim=True)
        if not bool((count > 0).all()):
            missing = int(count.argmin())
            raise WfmError(
                f"elements {elements}: no two of them are {missing} apart, so beams of {row} antennas cannot be told; "
                "add one or name a shorter row"
            )
        self.rows, self.columns, self.taps, self.antennas = int(size[0]), int(size[1]), int(taps), len(elements)
        self.before, self.range_db = int(BEFORE * self.rows), 30.0
        # power along a beam: over all distances the covariance times how many pairs of the whole row are so far apart
        distance = torch.arange(row, dtype=torch.float64)
        often = (row - distance) * torch.where(distance > 0, 2.0, 1.0) / row
        turns = torch.outer(distance, _sines(beams))
        self.register_buffer("pairs", pairs / count, persistent=False)
        self.register_buffer("real", (often.unsqueeze(1) * torch.cos(math.pi * turns)).float(), persistent=False)
        self.register_buffer("imag", (often.unsqueeze(1) * torch.sin(math.pi * turns)).float(), persistent=False)

    def forward(self, parts: Tensor) -> Tensor:
        antennas = self.antennas
        if parts.dim() != 4 or parts.size(1) != 2 * antennas or parts.size(2) < 2 or parts.size(2) > self.taps:
            raise ValueError(
                f"CSI {parts.shape}: [batch, real and imaginary parts of {antennas} antennas, 2 to {self.taps} "
                "subcarriers, packets] is expected"
            )
        csi = torch.complex(parts[:, :antennas].contiguous(), parts[:, antennas:].contiguous())
        step = torch.angle((csi[:, :, 1:] * csi[:, :, :-1].conj()).sum(dim=[1, 2], keepdim=True))
        number = torch.arange(parts.size(2), device=parts.device).view(1, 1, -1, 1)
        level = torch.polar(torch.ones_like(number * step), -step * number) * csi
        whole = self.along(level.flatten(2).unsqueeze(1))
        # Hamming's window over the band: without it the strongest path's side lobes cover the others
        window = 0.54 - 0.46 * torch.cos(number * (2 * math.pi / (parts.size(2) - 1)))
        profile = torch.roll(torch.fft.ifft(window * level, self.taps, 2), [self.before], [2])[:, :, : self.rows]
        power = self.along(profile.transpose(1, 2))
        mean = power.mean(dim=[1, 2], keepdim=True).clamp(min=1e-30)
        decibels = 10 * torch.log10((power / mean).clamp(min=1e-20))
        share = whole / whole.amax(dim=[2], keepdim=True).clamp(min=1e-30)
        images = torch.stack(
            [(decibels / self.range_db).clamp(min=-1.0, max=1.0), share.expand_as(power).clamp(min=0.0)], 1
        )
        return resize(images, [self.rows, self.columns])

    def along(self, x: Tensor) -> Tensor:
        """complex64 [B, rows, A, moments] -> power along each beam, float32 [B, rows, beams]."""
        covariance = (torch.matmul(x, x.transpose(2, 3).conj()) / x.size(3)).flatten(2)
        real = torch.matmul(covariance.real, self.pairs.t())
        imag = torch.matmul(covariance.imag, self.pairs.t())
        return torch.matmul(real, self.real) + torch.matmul(imag, self.imag)
