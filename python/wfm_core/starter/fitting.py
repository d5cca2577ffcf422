# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop of the starter models that are trained."""

from collections.abc import Callable

import torch
from torch import Tensor

from wfm_core.model import WirelessModel
from wfm_core.train.optimizers import warmup_cosine, weight_groups

_BATCH = 64
_RATE = 3e-3
_WEIGHT_DECAY = 0.05


def fit(model: WirelessModel, loss: Callable[[Tensor], Tensor], count: int, epochs: int) -> None:
    """Train `model` in place, `epochs` times over `count` examples; `loss` gets the numbers int64 [_BATCH] of some."""
    steps = epochs * (count // _BATCH)
    optimizer = torch.optim.AdamW(weight_groups(model, _WEIGHT_DECAY), _RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, warmup_cosine(steps // 10, steps, 0.01))
    for _ in range(epochs):
        # the rest of an epoch's examples, less than a batch, waits for another epoch's order
        for rows in torch.randperm(count)[: count // _BATCH * _BATCH].split(_BATCH):
            error = loss(rows)
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            schedule.step()
    model.eval()
