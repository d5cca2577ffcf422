# SPDX-License-Identifier: GPL-3.0-or-later
"""From encoded tokens of an image to an answer for each of its pixels: one linear layer on every token.

The same as the last layer of masked autoencoders, whose prediction of a token is the pixels of its patch (He et al.,
"Masked autoencoders are scalable vision learners", CVPR 2022, section 3).
"""

from torch import Tensor, nn

from wfm_core.model.tokens import PATCH

TOKENS = "tokens"
"""In place of a pooling: the head sees every token."""


def padded(grid: tuple[int, int]) -> tuple[int, int]:
    """The size of the image whose patches hold a grid of (rows, columns) pixels; what is beyond the grid is cut."""
    rows, columns = grid
    return -(-rows // PATCH) * PATCH, -(-columns // PATCH) * PATCH


class GridHead(nn.Module):
    """Encoded tokens [B, 1 + N, D] of images of size `padded(grid)` -> `planes` values a pixel, [B, planes, *grid].

    Where each of the `channels` of an image has tokens of its own (see `ChannelImageTokens`), those of one place are
    seen together.
    """

    def __init__(self, width: int, planes: int, grid: tuple[int, int], channels: int = 1):
        super().__init__()
        self.planes, self.patch = planes, PATCH
        self.height, self.width = int(grid[0]), int(grid[1])
        self.rows, self.columns = (side // PATCH for side in padded(grid))
        self.linear = nn.Linear(width * channels, planes * PATCH * PATCH)
        nn.init.trunc_normal_(self.linear.weight, std=0.02)
        nn.init.zeros_(self.linear.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        places = tokens[:, 1:].reshape(tokens.size(0), self.rows * self.columns, -1)
        patches = self.linear(places).view(-1, self.rows, self.columns, self.planes, self.patch, self.patch)
        pixels = patches.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
        return pixels[:, :, : self.height, : self.width]
