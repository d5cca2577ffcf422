# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step of pretraining costs, counted rather than timed: for comparing objectives at equal compute."""

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from wfm_core.configs.pretraining import Pretraining
from wfm_core.model import SEGMENT
from wfm_core.train.objectives.mixed import build_objective
from wfm_core.train.pretrain.causes import with_causes
from wfm_core.train.pretrain.results import describe

_WINDOWS = 2
"""Of which the cost is taken: that of a batch is as many times as much."""


def step_flops(config: Pretraining) -> float:
    """Floating-point operations of the matrix products of an optimizer step, forward and backward, in the mean over the
    shapes that its batches take turns in; without the optimizer's own, and without rendering."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        objective = build_objective(config, describe(config, {modality: {} for modality in config.modalities}))
        costs = {modality: _costs(objective, modality, _shapes(config, modality)) for modality in config.modalities}
    return config.batch / _WINDOWS * sum(sum(some) / len(some) for some in costs.values())


def _shapes(config: Pretraining, modality: str) -> list[tuple[int, ...]]:
    """Of the windows of a batch, (C, H, W) or (A, T)."""
    if modality == "image":
        return [tuple(shape) for shape in config.image.shapes]
    return [(antennas, config.iq.tokens // antennas * SEGMENT) for antennas in config.iq.antennas]


def _costs(objective, modality: str, shapes: list[tuple[int, ...]]) -> list[int]:
    index = torch.arange(_WINDOWS)
    costs = []
    for shape in shapes:
        x: Tensor = torch.randn(_WINDOWS, *shape, dtype=torch.float32 if modality == "image" else torch.complex64)
        causes = {modality: with_causes(modality, x, None).causes}
        with FlopCounterMode(display=False) as counter:
            objective.total(objective.losses({modality: x}, index, 0, causes)).backward()
        objective.zero_grad()
        costs.append(counter.get_total_flops())
    return costs
