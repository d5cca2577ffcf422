# SPDX-License-Identifier: GPL-3.0-or-later
"""How the starter models that are trained are trained."""

from collections.abc import Callable

import torch
from torch import Tensor

from wfm_core.model import WirelessModel
from wfm_core.train import fitting
from wfm_core.train.optimizers import weight_groups

_BATCH = 64
_RATE = 3e-3
_WEIGHT_DECAY = 0.05


def fit(model: WirelessModel, loss: Callable[[Tensor], Tensor], count: int, epochs: int) -> None:
    """Train `model` in place, `epochs` times over `count` examples; `loss` gets the numbers int64 [_BATCH] of some."""
    # the rest of an epoch's examples, less than a batch, waits for another epoch's order
    orders = [torch.randperm(count)[: count // _BATCH * _BATCH].split(_BATCH) for _ in range(epochs)]
    batches = [rows for order in orders for rows in order]
    fitting.fit(weight_groups(model, _WEIGHT_DECAY), loss, batches, _RATE, warmup=len(batches) // 10, floor=0.01)
    model.eval()
