# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of single signals: IQ, images and facts of one found signal, in one sequence through the one encoder."""

import torch
from torch import Tensor, nn

from wfm_core.model.encoder import Encoder, EncoderConfig
from wfm_core.model.tokens import ImageTokens, IqTokens

VIEWS = ("iq", "image", "facts")
"""What of a signal becomes tokens: samples of its beginning, three images, bandwidth with duration and SNR."""
_WAVES = 8


class FactTokens(nn.Module):
    """Numbers float32 [B, K] of order one -> a token each [B, K, D]: sines and cosines of them, and a place of its
    own."""

    def __init__(self, facts: int, width: int):
        super().__init__()
        self.projection = nn.Linear(1 + 2 * _WAVES, width)
        self.place = nn.Parameter(torch.randn(facts, width) * 0.02)
        self.register_buffer("frequencies", 0.5 * 1.6 ** torch.arange(_WAVES), persistent=False)

    def forward(self, facts: Tensor) -> Tensor:
        facts = facts.unsqueeze(-1)
        angles = facts * self.frequencies
        values = torch.cat([facts, angles.sin(), angles.cos()], -1)
        return self.projection(values.to(self.projection.weight.dtype)) + self.place


class FoundSignalModel(nn.Module):
    """What `wfm_core.signal.found.FoundSignal` gives -> encoded tokens [B, 1 + N, D]; `heads` as in WirelessModel.

    images: (channels, height, width) of the three. views: which of VIEWS it is given; the tokens of the others are left
    out.
    """

    def __init__(
        self,
        config: EncoderConfig,
        images: tuple[tuple[int, int, int], ...],
        views: tuple[str, ...] = VIEWS,
        heads: dict[str, nn.Module] | None = None,
    ):
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, config.width) * 0.02)
        self.iq = IqTokens(config.width, 1)
        whole, close, heard = (ImageTokens(config.width, channels, size=size) for channels, *size in images)
        self.whole, self.close, self.heard = whole, close, heard
        self.facts = FactTokens(3, config.width)
        self.encoder = Encoder(config)
        self.heads = nn.ModuleDict(heads or {})
        self.set_views(views)

    def set_views(self, views: tuple[str, ...]) -> None:
        self.with_iq, self.with_image, self.with_facts = (view in views for view in VIEWS)

    def encode(self, iq: Tensor, whole: Tensor, close: Tensor, heard: Tensor, facts: Tensor) -> Tensor:
        """iq complex64 [B, 1, T], images float32 [B, C, H, W], facts float32 [B, K]."""
        tokens = self.cls_token.expand(facts.size(0), -1, -1)
        if self.with_image:
            tokens = torch.cat([tokens, self.whole(whole), self.close(close), self.heard(heard)], 1)
        if self.with_iq:
            tokens = torch.cat([tokens, self.iq(iq)], 1)
        if self.with_facts:
            tokens = torch.cat([tokens, self.facts(facts)], 1)
        return self.encoder(tokens)
