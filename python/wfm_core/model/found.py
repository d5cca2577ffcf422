# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of single signals: what is known of a found signal, in one sequence through the one encoder.

Numbers of a table are what boosted trees take best and networks worst (Grinsztajn, Oyallon and Varoquaux 2022), so
trees that were grown on them may say first what they think: as one more token of the sequence, and beside what the
encoder makes of everything.
"""

import torch
from torch import Tensor, nn

from wfm_core.model.encoder import Encoder, EncoderConfig
from wfm_core.model.measures import MeasureTokens
from wfm_core.model.tokens import SEGMENT, ImageTokens, IqTokens
from wfm_core.model.trees import Trees, TreeSizes

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


def tree_features(rates: Tensor, numbers: Tensor) -> Tensor:
    """What trees see: all numbers float32 [B, K], and of each kind of rates [B, C, 16, 64] the most in each eighth of
    the axis, where that is, and where the most of all is, in units of 64 rates. [B, K + 17 * C], of order one."""
    lines = rates.unflatten(3, [4, 16]).transpose(2, 3).flatten(2)
    most, place = lines.unflatten(2, [8, -1]).max(3)
    parts = [numbers, most.flatten(1), place.flatten(1) / 64.0, lines.max(2)[1] / 64.0]
    return torch.cat(parts, 1)


class Opinion(nn.Module):
    """What trees think of a signal, [B, K]: a token [B, 1, D], and what is added to the embedding [B, 1, D]."""

    def __init__(self, sizes: TreeSizes, classes: int, width: int):
        super().__init__()
        self.trees = Trees(sizes, classes)
        self.token = nn.Linear(classes, width)
        self.aside = nn.Linear(classes, width, bias=False)
        nn.init.zeros_(self.aside.weight)

    def forward(self, rates: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        votes = self.trees(tree_features(rates, numbers)).clamp(-12.0, 12.0)
        token = self.token(votes.to(self.token.weight.dtype))
        return token.unsqueeze(1), nn.functional.linear(votes, self.aside.weight.float()).unsqueeze(1)


class FoundSignalModel(nn.Module):
    """What `wfm_core.signal.found.FoundSignal` gives -> encoded tokens [B, 1 + N, D]; `heads` as in WirelessModel.

    images: (channels, height, width) of the four, numbers: how many there are. trees: the sizes of trees that speak
    with it, one for each of `classes` a round. views: which of VIEWS it is given; the tokens of the others are left out
    (trees speak where it is given measures).
    """

    def __init__(
        self,
        config: EncoderConfig,
        images: tuple[tuple[int, int, int], ...],
        numbers: int,
        views: tuple[str, ...] = VIEWS,
        heads: dict[str, nn.Module] | None = None,
        trees: TreeSizes | None = None,
        classes: int = 0,
    ):
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, config.width) * 0.02)
        self.iq = IqTokens(config.width, 1)
        whole, close, heard, rates = (ImageTokens(config.width, channels, size=size) for channels, *size in images)
        self.whole, self.close, self.heard, self.rates = whole, close, heard, rates
        self.facts = FactTokens(_FACTS, config.width)
        self.measures = MeasureTokens(numbers - _FACTS, config.width, MEASURE_TOKENS)
        self.opinion = None if trees is None else Opinion(trees, classes, config.width)
        self.encoder = Encoder(config)
        self.heads = nn.ModuleDict(heads or {})
        self.set_views(views)

    def set_views(self, views: tuple[str, ...]) -> None:
        self.with_iq, self.with_image, self.with_facts, self.with_measures = (view in views for view in VIEWS)

    def droppable(self, iq: Tensor) -> int:
        """How many tokens after CLS are of images and IQ."""
        images = (self.whole, self.close, self.heard)
        return self.with_image * sum(len(image.positions) for image in images) + self.with_iq * (iq.size(2) // SEGMENT)

    def encode(self, iq: Tensor, whole: Tensor, close: Tensor, heard: Tensor, rates: Tensor, numbers: Tensor) -> Tensor:
        """iq complex64 [B, 1, T], images float32 [B, C, H, W], numbers float32 [B, K]."""
        tokens, aside = self.sequence(iq, whole, close, heard, rates, numbers)
        return self.encoded(tokens, aside)

    def sequence(
        self, iq: Tensor, whole: Tensor, close: Tensor, heard: Tensor, rates: Tensor, numbers: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The tokens [B, 1 + N, D] before the encoder, those of images and IQ first after CLS, and what is added to
        CLS after it [B, 1, D]."""
        tokens = self.cls_token.expand(numbers.size(0), -1, -1)
        aside = torch.zeros([numbers.size(0), 1, tokens.size(2)], device=numbers.device)
        if self.with_image:
            tokens = torch.cat([tokens, self.whole(whole), self.close(close), self.heard(heard)], 1)
        if self.with_iq:
            tokens = torch.cat([tokens, self.iq(iq)], 1)
        if self.with_facts:
            tokens = torch.cat([tokens, self.facts(numbers[:, :3])], 1)
        if self.with_measures:
            tokens = torch.cat([tokens, self.rates(rates), self.measures(numbers[:, 3:])], 1)
            if self.opinion is not None:
                token, aside = self.opinion(rates, numbers)
                tokens = torch.cat([tokens, token], 1)
        return tokens, aside

    def encoded(self, tokens: Tensor, aside: Tensor) -> Tensor:
        """What the encoder makes of tokens [B, 1 + N, D]; `aside` [B, 1, D] is added to CLS."""
        tokens = self.encoder(tokens)
        return torch.cat([tokens[:, :1] + aside, tokens[:, 1:]], 1)
