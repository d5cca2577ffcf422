# SPDX-License-Identifier: GPL-3.0-or-later
"""From signals to tokens: projection, per-modality affine, fixed positions, antenna vectors (in this order)."""

import torch
from torch import Tensor, nn

PATCH = 16
"""Pixels on a side of an image token."""
SEGMENT = 16
"""Complex samples of an IQ token."""


def sinusoids_1d(length: int, width: int) -> Tensor:
    """Fixed positions [length, width]: sines, then cosines, of frequencies 10000^(-i / (width / 2))."""
    half = width // 2
    frequencies = torch.pow(10000.0, -torch.arange(half, dtype=torch.float64) / half)
    angles = torch.arange(length, dtype=torch.float64)[:, None] * frequencies[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=1).to(torch.float32)


def sinusoids_2d(rows: int, columns: int, width: int) -> Tensor:
    """Fixed positions [rows * columns, width], row-major: the first half encodes the column, the second the row."""
    row = sinusoids_1d(rows, width // 2)[:, None, :].expand(rows, columns, width // 2)
    column = sinusoids_1d(columns, width // 2)[None, :, :].expand(rows, columns, width // 2)
    return torch.cat([column, row], dim=2).reshape(rows * columns, width)


class ImageTokens(nn.Module):
    """Images float [B, C, H, W] -> tokens [B, (H / patch) * (W / patch), D], row-major, in the weights' dtype.

    `size` is (H, W); it must be a multiple of `patch` and is fixed, as the positions are.
    """

    def __init__(self, width: int, channels: int, patch: int = PATCH, size: tuple[int, int] = (224, 224)):
        super().__init__()
        if channels < 1 or size[0] < patch or size[1] < patch or size[0] % patch or size[1] % patch:
            raise ValueError(
                f"image of {channels} channels and {size[0]}x{size[1]} pixels: wanted at least one channel "
                f"and sides that are multiples of {patch}"
            )
        self.channels = channels
        self.patch = patch
        self.height = size[0]
        self.width = size[1]
        self.projection = nn.Linear(channels * patch * patch, width)
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))
        positions = sinusoids_2d(size[0] // patch, size[1] // patch, width)
        self.register_buffer("positions", positions, persistent=False)
        _initialise_projection(self.projection)

    def forward(self, image: Tensor) -> Tensor:
        if image.dim() != 4 or image.size(1) != self.channels:
            raise ValueError(f"image of shape {image.shape}: wanted [batch, {self.channels}, height, width]")
        if image.size(2) != self.height or image.size(3) != self.width:
            raise ValueError(f"image of shape {image.shape}: wanted {self.height}x{self.width} pixels")
        rows, columns = self.height // self.patch, self.width // self.patch
        # [B, C, rows, p, columns, p] -> [B, rows * columns, C * p * p]: the order of a flattened Conv2d kernel
        patches = image.to(self.projection.weight.dtype)
        patches = patches.reshape(-1, self.channels, rows, self.patch, columns, self.patch)
        patches = patches.permute(0, 2, 4, 1, 3, 5).reshape(-1, rows * columns, self.projection.in_features)
        return self.projection(patches) * self.scale + self.shift + self.positions


class IqTokens(nn.Module):
    """IQ windows complex64 [B, A, T] -> tokens [B, (T / segment) * A, D], time-major and antenna-minor.

    A token is a segment of one antenna as 2 * `segment` reals (I and Q alternating); all antennas of one time
    step have the same position and each antenna adds its own learned vector. Any T that is a multiple of
    `segment`, 1 to `max_antennas` antennas.
    """

    TABLE_STEPS = 1024

    def __init__(self, width: int, max_antennas: int = 16, segment: int = SEGMENT):
        super().__init__()
        self.max_antennas = max_antennas
        self.segment = segment
        self.projection = nn.Linear(2 * segment, width)
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))
        self.antenna = nn.Parameter(torch.randn(max_antennas, width) * 0.02)
        self.register_buffer("positions", sinusoids_1d(self.TABLE_STEPS, width), persistent=False)
        _initialise_projection(self.projection)

    def forward(self, iq: Tensor) -> Tensor:
        if iq.dim() != 3 or iq.size(1) < 1 or iq.size(1) > self.max_antennas:
            raise ValueError(f"IQ of shape {iq.shape}: wanted [batch, 1 to {self.max_antennas} antennas, samples]")
        antennas, samples = iq.size(1), iq.size(2)
        if samples < self.segment or samples % self.segment != 0:
            raise ValueError(f"IQ of shape {iq.shape}: wanted a multiple of {self.segment} samples")
        steps = samples // self.segment
        segments = torch.view_as_real(iq).view(-1, antennas, steps, 2 * self.segment).transpose(1, 2)
        tokens = self.projection(segments.to(self.projection.weight.dtype))
        positions = self._positions(steps).unsqueeze(1) + self.antenna[:antennas]
        return (tokens * self.scale + (positions + self.shift)).view(-1, steps * antennas, tokens.size(-1))

    def _positions(self, steps: int) -> Tensor:
        if steps <= self.positions.size(0):
            return self.positions[:steps]
        return sinusoids_1d(steps, self.positions.size(1)).to(self.positions)


def _initialise_projection(projection: nn.Linear) -> None:
    nn.init.xavier_uniform_(projection.weight)
    nn.init.zeros_(projection.bias)
