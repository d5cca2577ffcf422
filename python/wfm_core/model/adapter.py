# SPDX-License-Identifier: GPL-3.0-or-later
"""Images whose channels are not those the model was pretrained on: a 1x1 mix of channels before the tokens."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from wfm_core.base.errors import WfmError
from wfm_core.model.channel_images import ChannelImageTokens
from wfm_core.model.tokens import ImageTokens


class ChannelAdapter(nn.Module):
    """Images float [B, given, H, W] -> [B, expected, H, W]; without a bias, and a plain average until it is trained."""

    def __init__(self, given: int, wanted: int):
        super().__init__()
        self.weight = nn.Parameter(torch.full((wanted, given), 1 / given))

    def forward(self, image: Tensor) -> Tensor:
        if image.dim() != 4 or image.size(1) != self.weight.size(1):
            raise ValueError(f"image of shape {image.shape}: expected [batch, {self.weight.size(1)}, height, width]")
        return functional.conv2d(image, self.weight[:, :, None, None].to(image.dtype))


def adapt_channels(tokens: ImageTokens, given: int) -> None:
    """Let `tokens` take images of `given` channels; nothing changes where it does already."""
    if given != tokens.channels:
        tokens.adapter = ChannelAdapter(given, tokens.channels)


def fit_images(tokens: ImageTokens | ChannelImageTokens, channels: int, size: tuple[int, int]) -> None:
    """Let `tokens` take images of `channels` and of (H, W) pixels from now on.

    Where channels are tokens of their own, it keeps as many channels' vectors; more than there are raise `WfmError`.
    """
    if isinstance(tokens, ImageTokens):
        tokens.set_size(size)
        adapt_channels(tokens, channels)
        return
    if channels > tokens.max_channels:
        raise WfmError(
            f"images of {channels} channels; expected 1 to {tokens.max_channels}, for which the model has vectors: "
            "leave channels out"
        )
    tokens.channel = nn.Parameter(tokens.channel.detach()[:channels].clone())
    tokens.max_channels = channels


def merge_adapter(tokens: ImageTokens | ChannelImageTokens) -> None:
    """Fold the adapter into the projection, which then takes its channels itself; both are linear: equal outputs.

    Nothing changes where there is none.
    """
    if not (isinstance(tokens, ImageTokens) and isinstance(tokens.adapter, ChannelAdapter)):
        return
    mix, old = tokens.adapter.weight, tokens.projection
    projection = nn.Linear(mix.size(1) * tokens.patch**2, old.out_features).to(old.weight)
    with torch.no_grad():
        kernels = old.weight.double().unflatten(1, (tokens.channels, -1))
        projection.weight.copy_(torch.einsum("dkp,kc->dcp", kernels, mix.double()).flatten(1))
        projection.bias.copy_(old.bias)
    projection.requires_grad_(old.weight.requires_grad)
    tokens.projection, tokens.adapter, tokens.channels = projection, nn.Identity(), mix.size(1)
