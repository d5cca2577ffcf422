# SPDX-License-Identifier: GPL-3.0-or-later
"""The foundation model: tokens, encoder, heads. Pure PyTorch that TorchScript can compile."""

from wfm_core.model.channel_images import CHANNELS, ChannelImageTokens
from wfm_core.model.encoder import Encoder, EncoderConfig
from wfm_core.model.grid_head import TOKENS, GridHead, padded
from wfm_core.model.heads import (
    ALL_POOLINGS,
    IMAGE_POOLINGS,
    POOLINGS,
    ClassHead,
    QuantityHead,
    pool,
    pooled_parts,
)
from wfm_core.model.masked import DECODER, MaskedAutoencoder
from wfm_core.model.masking import random_masks
from wfm_core.model.network import WirelessModel
from wfm_core.model.tokens import AFFINES, PATCH, SEGMENT, ImageTokens, IqTokens, sinusoids_1d, sinusoids_2d

__all__ = [
    "AFFINES",
    "ALL_POOLINGS",
    "CHANNELS",
    "DECODER",
    "IMAGE_POOLINGS",
    "MaskedAutoencoder",
    "PATCH",
    "POOLINGS",
    "SEGMENT",
    "TOKENS",
    "ChannelImageTokens",
    "ClassHead",
    "Encoder",
    "EncoderConfig",
    "GridHead",
    "ImageTokens",
    "IqTokens",
    "QuantityHead",
    "WirelessModel",
    "padded",
    "pool",
    "pooled_parts",
    "random_masks",
    "sinusoids_1d",
    "sinusoids_2d",
]
