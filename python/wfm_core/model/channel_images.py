# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of any size and of 1 to 8 channels: a token is a patch of one channel, as an IQ token is of one antenna.

One projection serves all channels, so another number of them needs no new weights, and what is learnt of one channel
serves the others. To embed each channel on its own, with a learned vector that says which one it is, and to train on
random subsets of the channels is ChannelViT's way (Bao, Sivanandan, Karaletsos: "Channel Vision Transformers: An Image
Is Worth 1 x 16 x 16 Words", arXiv 2309.16108, section 3).
"""

import torch
from torch import Tensor, nn

from wfm_core.model.measures import silent_measures
from wfm_core.model.tokens import PATCH, InputTokens, grid_positions, sinusoids_1d

CHANNELS = 8
"""The most channels, where nothing else is said."""
TABLE_ROWS = 64
"""Rows or columns of patches whose positions are kept; those of larger images are computed."""


def channel_places(table: Tensor, vectors: Tensor, image: Tensor, patch: int) -> Tensor:
    """What is added to each token of images [B, C, H, W] for its place and its channel: [N, D].

    table: `sinusoids_1d` of half the width; vectors: of the channels, [C or more, D].
    """
    grid = grid_positions(table, image.size(2) // patch, image.size(3) // patch)
    return (grid.unsqueeze(1) + vectors[: image.size(1)]).flatten(0, 1)


class ChannelImageTokens(InputTokens):
    """Images float [B, C, H, W] -> tokens [B, (H / patch) * (W / patch) * C, D] in the weights' dtype: row-major, the
    channels of one place next to each other.

    All channels of one place have the same position and each channel adds its own learned vector. Any sides that are
    multiples of `patch`, 1 to `max_channels` channels. With `measures` every token is told so many numbers of the whole
    window, which come beside the image.
    """

    def __init__(
        self,
        width: int,
        max_channels: int = CHANNELS,
        patch: int = PATCH,
        affine: str = "before",
        measures: int = 0,
    ):
        if max_channels < 1:
            raise ValueError(f"images of {max_channels} channels: expected at least one")
        super().__init__(patch * patch, width, affine)
        self.max_channels = max_channels
        self.patch = patch
        self.channel = nn.Parameter(torch.randn(max_channels, width) * 0.02)
        self.measures = silent_measures(measures, width) if measures else None
        self.register_buffer("positions", sinusoids_1d(TABLE_ROWS, width // 2), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        return self.place(self.values(image), self.places(image))

    def told(self, numbers: Tensor | None) -> Tensor | None:
        """See `InputTokens`."""
        if self.measures is None or numbers is None:
            return None
        return self.measures(numbers)

    def values(self, image: Tensor) -> Tensor:
        """The pixels of each token [B, N, patch * patch], row by row."""
        if image.dim() != 4 or image.size(1) < 1 or image.size(1) > self.max_channels:
            raise ValueError(
                f"image of shape {image.shape}: expected [batch, 1 to {self.max_channels} channels, height, width]"
            )
        patch, channels, height, width = self.patch, image.size(1), image.size(2), image.size(3)
        if height < patch or width < patch or height % patch != 0 or width % patch != 0:
            raise ValueError(f"image of {height}x{width} pixels: expected sides that are multiples of {patch}")
        rows, columns = height // patch, width // patch
        # [B, C, rows, p, columns, p] -> [B, rows * columns * C, p * p]
        patches = image.reshape(-1, channels, rows, patch, columns, patch).permute(0, 2, 4, 1, 3, 5)
        return patches.reshape(-1, rows * columns * channels, patch * patch)

    def places(self, image: Tensor) -> Tensor:
        """What is added to each token for its place and its channel: [N, D]."""
        return channel_places(self.positions, self.channel, image, self.patch)
