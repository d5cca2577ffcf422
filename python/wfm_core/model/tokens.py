# SPDX-License-Identifier: GPL-3.0-or-later
"""From signals to tokens: projection, per-modality affine, fixed positions, antenna vectors (in this order).

Here are IQ, and images of one size whose channels make one token; `channel_images` has those of any size and number of
channels.

WavesFM v1 has the affine last (`affine="after"`), and there it also scales and shifts the CLS token.
"""

import torch
from torch import Tensor, nn

from wfm_core.model.measures import WindowMeasures

PATCH = 16
"""Pixels on a side of an image token."""
SEGMENT = 16
"""Complex samples of an IQ token."""
AFFINES = ("before", "after")
"""Where the feature-wise affine acts: before positions and antenna vectors are added (paper), or after (WavesFM v1)."""


def sinusoids_1d(length: int, width: int) -> Tensor:
    """Fixed positions [length, width]: sines, then cosines, of frequencies 10000^(-i / (width / 2))."""
    half = width // 2
    frequencies = torch.pow(10000.0, -torch.arange(half, dtype=torch.float64) / half)
    angles = torch.arange(length, dtype=torch.float64)[:, None] * frequencies[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=1).to(torch.float32)


def sinusoids_2d(rows: int, columns: int, width: int) -> Tensor:
    """Fixed positions [rows * columns, width], row-major: the first half encodes the column, the second the row."""
    return grid_positions(sinusoids_1d(max(rows, columns), width // 2), rows, columns)


def grid_positions(table: Tensor, rows: int, columns: int) -> Tensor:
    """`sinusoids_2d` from a table of `sinusoids_1d` [length, width / 2], computed where the table is too short."""
    row = time_positions(table, rows).unsqueeze(1).expand(rows, columns, -1)
    column = time_positions(table, columns).unsqueeze(0).expand(rows, columns, -1)
    return torch.cat([column, row], dim=2).flatten(0, 1)


def time_positions(table: Tensor, steps: int) -> Tensor:
    """The first `steps` rows of a table of `sinusoids_1d` [length, width], computed where the table is too short."""
    if steps <= table.size(0):
        return table[:steps]
    return sinusoids_1d(steps, table.size(1)).to(table)


class InputTokens(nn.Module):
    """What all input sides share: the projection of a token's values and the affine."""

    def __init__(self, values: int, width: int, affine: str):
        super().__init__()
        if affine not in AFFINES:
            raise ValueError(f"affine {affine!r}: expected one of {', '.join(AFFINES)}")
        self.affine = affine
        self.projection = nn.Linear(values, width)
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))
        nn.init.xavier_uniform_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)

    def place(self, values: Tensor, places: Tensor) -> Tensor:
        """Values [B, N, P] of any tokens at their places [N, D] or [B, N, D] -> tokens [B, N, D]."""
        tokens = self.projection(values.to(self.projection.weight.dtype))
        if self.affine == "after":
            return (tokens + places) * self.scale + self.shift
        return tokens * self.scale + (places + self.shift)

    def place_cls(self, cls_token: Tensor) -> Tensor:
        """The CLS token [1, 1, D] as this modality puts it before the others: its position is zero."""
        if self.affine == "after":
            return cls_token * self.scale + self.shift
        return cls_token

    def about(self, x: Tensor) -> Tensor | None:
        """What is added to every token of an input, CLS too, [B, 1, D]: what is known of it as a whole, if anything."""
        return None

    def told(self, numbers: Tensor | None) -> Tensor | None:
        """The same, of `numbers` [B, K] that were measured before."""
        return None


class ImageTokens(InputTokens):
    """Images float [B, C, H, W] -> tokens [B, (H / patch) * (W / patch), D], row-major, in the weights' dtype.

    `size` is (H, W); it must be a multiple of `patch`, and images of another one are refused. `adapter` comes before
    the projection; unless `wfm_core.model.adapter` puts something there, it does nothing.
    """

    def __init__(
        self,
        width: int,
        channels: int,
        patch: int = PATCH,
        size: tuple[int, int] = (224, 224),
        affine: str = "before",
    ):
        if channels < 1:
            raise ValueError(f"image of {channels} channels: expected at least one")
        super().__init__(channels * patch * patch, width, affine)
        self.channels = channels
        self.patch = patch
        self.adapter = nn.Identity()
        self.register_buffer("positions", torch.empty(0, width), persistent=False)
        self.set_size(size)

    def set_size(self, size: tuple[int, int]) -> None:
        """Take images of (H, W) from now on: the weights fit any size, the positions one."""
        if min(size) < self.patch or size[0] % self.patch or size[1] % self.patch:
            raise ValueError(f"image of {size[0]}x{size[1]} pixels: expected sides that are multiples of {self.patch}")
        self.height, self.width = int(size[0]), int(size[1])
        rows, columns = self.height // self.patch, self.width // self.patch
        self.positions = sinusoids_2d(rows, columns, self.positions.size(1)).to(self.positions)

    def forward(self, image: Tensor) -> Tensor:
        return self.place(self.values(image), self.places(image))

    def values(self, image: Tensor) -> Tensor:
        """The pixels of each token [B, N, C * patch * patch], in the order of a flattened Conv2d kernel."""
        image = self.adapter(image)
        if image.dim() != 4 or image.size(1) != self.channels:
            raise ValueError(f"image of shape {image.shape}: expected [batch, {self.channels}, height, width]")
        if image.size(2) != self.height or image.size(3) != self.width:
            raise ValueError(f"image of shape {image.shape}: expected {self.height}x{self.width} pixels")
        rows, columns = self.height // self.patch, self.width // self.patch
        # [B, C, rows, p, columns, p] -> [B, rows * columns, C * p * p]
        patches = image.reshape(-1, self.channels, rows, self.patch, columns, self.patch)
        return patches.permute(0, 2, 4, 1, 3, 5).reshape(-1, rows * columns, self.projection.in_features)

    def places(self, image: Tensor) -> Tensor:
        """What is added to each token for where it is: [N, D]."""
        return self.positions


class IqTokens(InputTokens):
    """IQ windows complex64 [B, A, T] -> tokens [B, (T / segment) * A, D], time-major and antenna-minor.

    A token is a segment of one antenna as 2 * `segment` reals (I and Q alternating); all antennas of one time
    step have the same position and each antenna adds its own learned vector. Any T that is a multiple of
    `segment`, 1 to `max_antennas` antennas. With `measures` every token is told what was measured of the whole
    window, see `wfm_core.model.measures`.
    """

    TABLE_STEPS = 1024

    def __init__(
        self,
        width: int,
        max_antennas: int = 16,
        segment: int = SEGMENT,
        affine: str = "before",
        measures: bool = False,
    ):
        super().__init__(2 * segment, width, affine)
        self.max_antennas = max_antennas
        self.segment = segment
        self.antenna = nn.Parameter(torch.randn(max_antennas, width) * 0.02)
        self.measures = WindowMeasures(width) if measures else None
        self.register_buffer("positions", sinusoids_1d(self.TABLE_STEPS, width), persistent=False)

    def forward(self, iq: Tensor) -> Tensor:
        return self.place(self.values(iq), self.places(iq))

    def about(self, x: Tensor) -> Tensor | None:
        """See `InputTokens`."""
        if self.measures is None:
            return None
        return self.measures.measured(x)

    def values(self, iq: Tensor) -> Tensor:
        """The reals of each token, float32 [B, N, 2 * segment]."""
        if iq.dim() != 3 or iq.size(1) < 1 or iq.size(1) > self.max_antennas:
            raise ValueError(f"IQ of shape {iq.shape}: expected [batch, 1 to {self.max_antennas} antennas, samples]")
        antennas, samples = iq.size(1), iq.size(2)
        if samples < self.segment or samples % self.segment != 0:
            raise ValueError(f"IQ of shape {iq.shape}: expected a multiple of {self.segment} samples")
        steps = samples // self.segment
        segments = torch.view_as_real(iq).view(-1, antennas, steps, 2 * self.segment)
        return segments.transpose(1, 2).reshape(-1, steps * antennas, 2 * self.segment)

    def places(self, iq: Tensor) -> Tensor:
        """What is added to each token for its time step and its antenna: [N, D]."""
        positions = time_positions(self.positions, iq.size(2) // self.segment)
        return (positions.unsqueeze(1) + self.antenna[: iq.size(1)]).flatten(0, 1)
