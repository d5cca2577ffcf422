# SPDX-License-Identifier: GPL-3.0-or-later
"""Images whose channels are tokens of their own, in the sizes and numbers of channels that batches take turns in.

What is a channel: an antenna of generated CSI, a channel of a data set's images, or the spectrogram of one antenna of
IQ. Of more channels than a batch has, each image keeps a random choice in their order, so that neighbours on an array
stay next to each other.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.configs.pretraining import Image
from wfm_core.model import CHANNELS, PATCH


def check_shapes(config: Image) -> None:
    """Raises `WfmError` for sizes that patches do not fill, images of one token, and channels without a vector."""
    key = "image.sizes" if config.sizes else "image.size"
    for height, width in config.sizes or [config.size]:
        if height % PATCH or width % PATCH:
            raise WfmError(
                f"{key} has {height}x{width} pixels; expected sides that are multiples of {PATCH}: change it"
            )
        if height * width == PATCH**2 and 1 in (config.channels or [1]):
            raise WfmError(
                f"{key} has {height}x{width} pixels, one token of one channel, of which nothing can be hidden; "
                "expected two tokens or more: give larger images, or leave 1 out of image.channels"
            )
    most = max(config.channels or [1])
    if most > CHANNELS:
        raise WfmError(
            f"image.channels has {most}; expected 1 to {CHANNELS}, for which the model has vectors: leave it out"
        )


def random_channels(images: Tensor, channels: int, generator: torch.Generator) -> Tensor:
    """[n, C, H, W] -> [n, channels, H, W]: a random choice of each image's channels, in their order."""
    if images.size(1) == channels:
        return images
    ranks = torch.rand(images.shape[:2], generator=generator, device=generator.device).to(images.device)
    chosen = ranks.argsort(1)[:, :channels].sort(1).values
    return images.take_along_dim(chosen[:, :, None, None], 1)


def apart(preprocess: Callable[[Tensor], Tensor], windows: Tensor) -> Tensor:
    """Windows [n, C, ...] whose channels are prepared each on its own -> [n, C, H, W]."""
    return preprocess(windows.flatten(0, 1).unsqueeze(1)).squeeze(1).unflatten(0, windows.shape[:2])
