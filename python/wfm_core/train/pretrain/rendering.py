# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows by their numbers: each is a function of the seed, of its set and of its place there."""

from typing import Protocol

import torch
from torch import Tensor

from wfm_core.configs.pretraining import ImageShape, Pretraining
from wfm_core.train.pretrain.causes import Known, joined

CHUNK = 16
"""Windows that are rendered together."""


class Windows(Protocol):
    """What a `mixture.Mixture` is here."""

    modality: str
    device: torch.device
    options: list[int] | list[ImageShape]

    def draw(self, chunk: int, count: int, option, generator: torch.Generator) -> Tensor: ...

    def draw_known(self, chunk: int, count: int, option, generator: torch.Generator) -> Known: ...


class Renderer:
    """The windows of one modality, for any of `world` processes, on the mixture's device."""

    def __init__(self, config: Pretraining, mixture: Windows, world: int = 1):
        self.config, self.mixture, self.world = config, mixture, world

    def slot(self, number: int, slot: int, count: int, rank: int) -> Tensor | Known:
        """`count` windows of the process `rank` for a batch: those in the slot of set `number`."""
        options = self.mixture.options
        option = options[slot % len(options)]
        draw = self.mixture.draw_known if self.config.asks_causes(self.mixture.modality) else self.mixture.draw
        parts = []
        for first in range(0, count, CHUNK):
            chunk = self.chunk(slot, first, count, rank)
            generator = torch.Generator(self.mixture.device).manual_seed(self.seed(number, chunk))
            parts.append(draw(chunk, min(CHUNK, count - first), option, generator))
        return joined(parts)

    def chunk(self, slot: int, place: int, count: int, rank: int) -> int:
        """The number of the chunk of the window at a `place` in a slot of `count` windows."""
        return (slot * self.world + rank) * (-(-count // CHUNK)) + place // CHUNK

    def seed(self, *counters: int) -> int:
        """Of a generator for what these numbers say, of this modality."""
        seed = self.config.seed
        for counter in (len(self.mixture.modality), *counters):
            seed = (seed * 6_364_136_223_846_793_005 + counter + 1_442_695_040_888_963_407) % 2**63
        return seed
