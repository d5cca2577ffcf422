# SPDX-License-Identifier: GPL-3.0-or-later
"""The multimodal network: one encoder, an input side per modality, a head per task."""

import torch
from torch import Tensor, nn

from wfm_core.model.channel_images import ChannelImageTokens
from wfm_core.model.encoder import Encoder, EncoderConfig
from wfm_core.model.heads import pool
from wfm_core.model.tokens import ImageTokens, IqTokens


class WirelessModel(nn.Module):
    """Encoder with the input sides `image` and `iq` (either may be absent) and a `heads` dictionary.

    `state_dict()` of it is what `weights.safetensors` of a model folder holds.
    """

    def __init__(
        self,
        config: EncoderConfig,
        image: ImageTokens | ChannelImageTokens | None = None,
        iq: IqTokens | None = None,
        heads: dict[str, nn.Module] | None = None,
    ):
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, config.width) * 0.02)
        self.image = image
        self.iq = iq
        self.encoder = Encoder(config)
        self.heads = nn.ModuleDict(heads or {})

    def encode(self, tokens: Tensor, cls_token: Tensor | None = None, about: Tensor | None = None) -> Tensor:
        """Tokens [B, N, D] -> encoded tokens [B, 1 + N, D]; the CLS token, which has no position, is put first.

        `cls_token` [1, 1, D]: as the modality's `place_cls` gives it; the bare one where that changes nothing. `about`
        [B, 1, D] is added to all tokens.
        """
        cls = self.cls_token if cls_token is None else cls_token
        cls = cls.expand(tokens.size(0), -1, -1)
        sequence = torch.cat([cls.to(tokens.dtype), tokens], dim=1)
        if about is not None:
            sequence = sequence + about.to(sequence.dtype)
        return self.encoder(sequence)

    def encode_image(self, image: Tensor, numbers: Tensor | None = None) -> Tensor:
        """Images float [B, C, H, W], and the `numbers` [B, K] that an input side with measures is told, -> encoded
        tokens [B, 1 + N, D]."""
        return self.encode(self.image(image), self.image.place_cls(self.cls_token), self.image.told(numbers))

    def encode_iq(self, iq: Tensor) -> Tensor:
        """IQ windows complex64 [B, A, T] -> encoded tokens [B, 1 + N, D]."""
        return self.encode(self.iq(iq), self.iq.place_cls(self.cls_token), self.iq.about(iq))

    def embed_image(self, image: Tensor, pooling: str = "cls", numbers: Tensor | None = None) -> Tensor:
        """Images float [B, C, H, W] (see `encode_image`) -> embedding, see `pool`."""
        columns = image.size(3) // self.image.patch
        channels = image.size(1) if isinstance(self.image, ChannelImageTokens) else 1
        return pool(self.encode_image(image, numbers), pooling, columns, channels)

    def embed_iq(self, iq: Tensor, pooling: str = "cls") -> Tensor:
        """IQ windows complex64 [B, A, T] -> embedding [B, D]; `pooling` is "cls" or "mean"."""
        return pool(self.encode_iq(iq), pooling)
