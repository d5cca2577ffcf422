# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel estimates at the pilots of an OFDM grid to images of the whole grid, interpolated.

The network is given what a plain receiver has, linear interpolation between least-squares estimates, and adds to it
what that one gets wrong: noise, and all that is not linear between two pilots.
"""

import numpy as np
import torch
from torch import Tensor, nn

from wfm_core.base.errors import WfmError

MOST_CELLS = 1 << 16
"""Of a grid."""


class PilotGrid(nn.Module):
    """CSI at pilots, float32 [B, 2 A, P, S], real parts of all A antennas, then imaginary ones, -> float32
    [B, 2 A, H, W]: the grid of `grid` (subcarriers, symbols), with zeros behind it up to multiples of `multiple`.

    Pilots are at every one of the P `subcarriers` of each of the S `symbols`, numbers from 0 in rising order. Between
    them values are linear in frequency, then in time; beyond the outermost ones they stay. A window's pilots are
    divided by their RMS, its `level`.
    """

    def __init__(self, grid: list[int], subcarriers: list[int], symbols: list[int], multiple: int = 16):
        super().__init__()
        if len(grid) != 2 or min(grid) < 1 or grid[0] * grid[1] > MOST_CELLS or not 1 <= multiple <= 256:
            raise WfmError(
                f"pilots of a grid of {grid}: subcarriers and symbols, 1 or more and {MOST_CELLS} cells at most, are "
                "expected; fix the signal settings"
            )
        for name, places, size in (("subcarriers", subcarriers, grid[0]), ("symbols", symbols, grid[1])):
            rising = all(a < b for a, b in zip(places, places[1:], strict=False))
            if not places or not rising or places[0] < 0 or places[-1] >= size:
                raise WfmError(
                    f"pilots at {name} {list(places)[:8]}: numbers from 0 to {size - 1} in rising order are expected; "
                    "fix the signal settings"
                )
        self.register_buffer("along_band", _linear(grid[0], subcarriers), persistent=False)
        self.register_buffer("along_time", _linear(grid[1], symbols).mT.contiguous(), persistent=False)
        self.below, self.behind = (-size % multiple for size in grid)

    def forward(self, parts: Tensor) -> Tensor:
        subcarriers, symbols = self.along_band.size(1), self.along_time.size(0)
        if parts.dim() != 4 or parts.size(1) % 2 != 0 or parts.size(2) != subcarriers or parts.size(3) != symbols:
            raise ValueError(
                f"CSI {parts.shape}: [batch, real and imaginary parts of antennas, {subcarriers} subcarriers, "
                f"{symbols} symbols] of pilots are expected"
            )
        whole = self.along_band @ (parts / self.level(parts)) @ self.along_time
        return torch.constant_pad_nd(whole, [0, self.behind, 0, self.below])

    def level(self, parts: Tensor) -> Tensor:
        """The RMS of the complex pilots of each window, float32 [B, 1, 1, 1]."""
        return (2 * parts.square().mean(dim=[1, 2, 3], keepdim=True)).clamp(min=1e-30).sqrt()


def _linear(size: int, places: list[int]) -> Tensor:
    """float32 [size, places]: what each value at `places` has in those at 0 .. size - 1."""
    columns = [np.interp(np.arange(size), places, one) for one in np.eye(len(places))]
    return torch.from_numpy(np.stack(columns, 1)).float()
