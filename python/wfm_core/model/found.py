# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of single signals: what is known of a found signal, in one sequence through the one encoder."""

import torch
from torch import Tensor, nn

from wfm_core.model.encoder import Encoder, EncoderConfig
from wfm_core.model.tokens import ImageTokens, IqTokens

VIEWS = ("iq", "image", "facts", "measures")
"""What of a signal becomes tokens: samples of its beginning, three images, bandwidth with duration and SNR, and what
was measured of it (which rates repeat, and all other numbers)."""
MEASURE_TOKENS = 4
_WAVES = 8
_FACTS = 3


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


class MeasureTokens(nn.Module):
    """Numbers float32 [B, K] of any spread -> [B, MEASURE_TOKENS, D].

    Each is scaled by what `fit` saw, and seen through learned sines, as numbers of tables are best taken by networks
    (Gorishniy et al. 2022, periodic embeddings), then all are mixed.
    """

    def __init__(self, count: int, width: int, waves: int = 8, each: int = 6):
        super().__init__()
        # no buffers: a bundle's hash is of its parameters
        self.mean = nn.Parameter(torch.zeros(count), requires_grad=False)
        self.deviation = nn.Parameter(torch.ones(count), requires_grad=False)
        self.frequencies = nn.Parameter(torch.randn(count, waves) * 1.5)
        self.values = nn.Parameter(torch.randn(count, 1 + 2 * waves, each) * (1 + 2 * waves) ** -0.5)
        self.bias = nn.Parameter(torch.zeros(count, 1, each))
        self.mix = nn.Linear(count * each, width)
        self.tokens = nn.Linear(width, MEASURE_TOKENS * width)

    def fit(self, numbers: Tensor) -> None:
        """Scale by the mean and deviation of each of numbers [n, K]."""
        self.mean.data.copy_(numbers.mean(0))
        self.deviation.data.copy_(numbers.std(0).clamp(min=1e-3))

    def forward(self, numbers: Tensor) -> Tensor:
        scaled = ((numbers - self.mean) / self.deviation).clamp(-4.0, 4.0).to(self.values.dtype)
        angles = scaled.unsqueeze(-1) * self.frequencies
        seen = torch.cat([scaled.unsqueeze(-1), angles.sin(), angles.cos()], -1).transpose(0, 1)
        each = nn.functional.gelu(torch.bmm(seen, self.values) + self.bias)
        mixed = nn.functional.gelu(self.mix(each.transpose(0, 1).flatten(1)))
        return self.tokens(mixed).unflatten(1, [4, -1])


class FoundSignalModel(nn.Module):
    """What `wfm_core.signal.found.FoundSignal` gives -> encoded tokens [B, 1 + N, D]; `heads` as in WirelessModel.

    images: (channels, height, width) of the four, numbers: how many there are. views: which of VIEWS it is given; the
    tokens of the others are left out.
    """

    def __init__(
        self,
        config: EncoderConfig,
        images: tuple[tuple[int, int, int], ...],
        numbers: int,
        views: tuple[str, ...] = VIEWS,
        heads: dict[str, nn.Module] | None = None,
    ):
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, config.width) * 0.02)
        self.iq = IqTokens(config.width, 1)
        whole, close, heard, rates = (ImageTokens(config.width, channels, size=size) for channels, *size in images)
        self.whole, self.close, self.heard, self.rates = whole, close, heard, rates
        self.facts = FactTokens(_FACTS, config.width)
        self.measures = MeasureTokens(numbers - _FACTS, config.width)
        self.encoder = Encoder(config)
        self.heads = nn.ModuleDict(heads or {})
        self.set_views(views)

    def set_views(self, views: tuple[str, ...]) -> None:
        self.with_iq, self.with_image, self.with_facts, self.with_measures = (view in views for view in VIEWS)

    def encode(self, iq: Tensor, whole: Tensor, close: Tensor, heard: Tensor, rates: Tensor, numbers: Tensor) -> Tensor:
        """iq complex64 [B, 1, T], images float32 [B, C, H, W], numbers float32 [B, K]."""
        tokens = self.cls_token.expand(numbers.size(0), -1, -1)
        if self.with_image:
            tokens = torch.cat([tokens, self.whole(whole), self.close(close), self.heard(heard)], 1)
        if self.with_iq:
            tokens = torch.cat([tokens, self.iq(iq)], 1)
        if self.with_facts:
            tokens = torch.cat([tokens, self.facts(numbers[:, :3])], 1)
        if self.with_measures:
            tokens = torch.cat([tokens, self.rates(rates), self.measures(numbers[:, 3:])], 1)
        return self.encoder(tokens)
