# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of generated CSI as the network takes them: endless ones that train, fixed ones for heads and validation."""

from collections import deque

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from wfm_core.configs.finetuning import Activities
from wfm_core.signal.motion import CsiMotion
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.sensing import EVERYTHING, SHARES, Sensed, draw_sensed, named
from wfm_core.synth.draws import choice

_KEPT_BATCHES = 800
_AT_ONCE = 64
_NOISE = 0.05
HEAD_SEED, VALIDATION_SEED = 8_654_321, 7_654_321


class Links:
    """Draws windows of one shape at a time by the configuration's grids and rates."""

    def __init__(self, config: Activities, generator: torch.Generator):
        self.config, self.generator = config, generator
        self.grids = {find_grid(name).name: share for name, share in config.grids.items()}

    def draw(self, count: int, shares: dict[str, float], receivers: int, changes: bool) -> Sensed:
        config = self.config
        grid = find_grid(choice(list(self.grids), self.generator, list(self.grids.values())))
        return draw_sensed(count, grid, config.packets, config.rates, shares, self.generator, receivers, changes)


class LinkBatches(IterableDataset):
    """Endless ((image, numbers), classes) batches; after each fresh one come `replays` earlier ones, as to render a
    window costs more than a step on it. None comes twice alike, see `varied`. Seeded as
    `wfm_core.train.finetune.scenes.SceneBatches` is.
    """

    def __init__(self, config: Activities, first_batch: int = 0):
        self.config, self.first_batch = config, first_batch

    def __iter__(self):
        torch.set_num_threads(1)
        config, worker = self.config, get_worker_info()
        seed = config.seed * 1_000_003 + self.first_batch * 101 + (worker.id if worker else 0)
        generator = torch.Generator().manual_seed(seed)
        links, prepare = Links(config, generator), CsiMotion()
        kept: deque[tuple[Tensor, Tensor, Tensor]] = deque(maxlen=_KEPT_BATCHES)
        while True:
            drawn = links.draw(max(1, config.batch // config.receivers), SHARES, config.receivers, changes=False)
            image, numbers = prepare(drawn.amplitude)
            kept.append((image.half(), numbers, named(drawn.activity)))
            yield varied(*kept[-1], generator)
            for _ in range(config.replays):
                yield varied(*kept[int(torch.randint(len(kept), (), generator=generator))], generator)


def varied(
    image: Tensor, numbers: Tensor, label: Tensor, generator: torch.Generator
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """The same windows with what moves upside down (louder is weaker) or with the subcarriers in the opposite order,
    each in half of them, and a little noise in image and numbers."""

    def half() -> Tensor:
        return torch.rand(len(image), generator=generator).view(-1, 1, 1) < 0.5

    image = image.float()
    moving = torch.where(half(), image[:, 0].flip(1), image[:, 0])
    moving = torch.where(half(), -moving, moving)
    image = torch.cat([moving.unsqueeze(1), image[:, 1:]], 1)
    image = image + _NOISE * torch.randn(image.shape, generator=generator)
    return (image, numbers + _NOISE * torch.randn(numbers.shape, generator=generator)), label


def fixed(config: Activities, count: int, seed: int, everything: bool) -> dict[str, Tensor]:
    """`count` windows of rooms of their own: image, numbers, activity, motion, whole and snr_db; of `everything` people
    may do, with changes, or of what is taught."""
    links, prepare = Links(config, torch.Generator().manual_seed(seed)), CsiMotion()
    parts: list[dict[str, Tensor]] = []
    for start in range(0, count, _AT_ONCE):
        drawn = links.draw(min(_AT_ONCE, count - start), EVERYTHING if everything else SHARES, 1, everything)
        with torch.no_grad():
            image, numbers = prepare(drawn.amplitude)
        rest = {name: getattr(drawn, name) for name in ("activity", "motion", "whole", "snr_db")}
        parts.append({"image": image, "numbers": numbers, **rest})
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
