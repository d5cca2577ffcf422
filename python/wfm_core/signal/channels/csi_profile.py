# SPDX-License-Identifier: GPL-3.0-or-later
"""Complex CSI to images of delay profiles: what stays of a place when the phases of clocks are taken out.

Amplitudes of single subcarriers change within half a wavelength, a few centimetres. How the power is spread over delays
changes within the resolution of the band (c over the bandwidth: 3.7 m at 80 MHz), and how much later one antenna hears
the signal than another goes with the place itself: that can be told between surveyed places. Profiles keep it, as all
antennas of a packet share the two things that clocks make of it, one phase and one delay (Xie, Li and Li, Precise Power
Delay Profiling with Commodity Wi-Fi, MobiCom 2015): the delay is taken out as the mean over the power of all antennas,
the phase by taking powers.
"""

import math

import torch
from torch import Tensor, nn

from wfm_core.base.errors import WfmError
from wfm_core.signal.resized import resize

BEFORE = 0.375
"""Share of the rows that are earlier than the mean delay."""
MOST_TAPS = 4096


class CsiProfile(nn.Module):
    """CSI float32 [B, 2 A, subcarriers, packets], real parts of all A antennas, then imaginary ones, -> float32
    [B, A, H, W] with `size` [H, W].

    Rows are H delays out of a transform of `taps` points (as many as subcarriers: at the band's resolution; twice as
    many: at half of it), columns are packets, resized to W. Pixels are powers in dB over the window's mean, from
    `floor_db` (-1) to -`floor_db` (1). Subcarriers are taken as evenly spaced and in rising order.
    """

    def __init__(self, size: list[int], taps: int, floor_db: float = -30.0):
        super().__init__()
        if len(size) != 2 or min(size) < 1 or not size[0] <= taps <= MOST_TAPS:
            raise WfmError(
                f"profile of size {size} out of {taps} taps: [height, width] in pixels, and from as many taps as rows "
                f"to {MOST_TAPS}, are expected; fix the signal settings"
            )
        if not -200 <= floor_db < 0:
            raise WfmError(f"profile with floor_db {floor_db:g}: decibels from -200 to below 0 are expected")
        self.rows, self.columns, self.taps = int(size[0]), int(size[1]), int(taps)
        self.floor_db = float(floor_db)
        self.before = int(BEFORE * self.rows)

    def forward(self, parts: Tensor) -> Tensor:
        if parts.dim() != 4 or parts.size(1) % 2 != 0 or parts.size(2) < 2 or parts.size(2) > self.taps:
            raise ValueError(
                f"CSI {parts.shape}: [batch, real and imaginary parts of antennas, 2 to {self.taps} subcarriers, "
                "packets] is expected"
            )
        antennas, subcarriers = parts.size(1) // 2, parts.size(2)
        csi = torch.complex(parts[:, :antennas].contiguous(), parts[:, antennas:].contiguous())
        step = torch.angle((csi[:, :, 1:] * csi[:, :, :-1].conj()).sum(dim=[1, 2], keepdim=True))
        number = torch.arange(subcarriers, device=parts.device).view(1, 1, -1, 1)
        # Hamming's window over the band: without it the strongest path's side lobes cover the others
        window = 0.54 - 0.46 * torch.cos(number * (2 * math.pi / (subcarriers - 1)))
        level = torch.polar(window.expand_as(number * step), -step * number) * csi
        # the mean delay comes to the row `before`
        profile = torch.roll(torch.fft.ifft(level, self.taps, 2), [self.before], [2])[:, :, : self.rows]
        power = profile.real.square() + profile.imag.square()
        mean = power.mean(dim=[1, 2, 3], keepdim=True).clamp(min=1e-30)
        decibels = 10 * torch.log10((power / mean).clamp(min=1e-20))
        images = decibels.clamp(min=self.floor_db, max=-self.floor_db) / -self.floor_db
        return resize(images, [self.rows, self.columns])


def csi_parts(csi: Tensor) -> Tensor:
    """CSI complex [B, A, subcarriers, packets] as the float32 parts that `CsiProfile` takes."""
    return torch.cat([csi.real, csi.imag], 1).float()
