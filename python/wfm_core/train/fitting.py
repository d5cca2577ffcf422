# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop of small networks: that of two tasks, and the probe's training from scratch.

It is a plain one, without Lightning, which takes longer to import than a step of these takes, and which computers that
only run flowgraphs need not have. There are no checkpoints: what is interrupted begins again.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from wfm_core.train.optimizers import warm_up_and_cosine, weight_groups

_BATCH = 64  # this and the next two of the network of two tasks
_RATE = 3e-3
_WEIGHT_DECAY = 0.05


def fit_small(model: nn.Module, loss: Callable[[Tensor], Tensor], count: int, epochs: int) -> None:
    """Train `model` in place, `epochs` times over `count` examples; `loss` gets the numbers int64 [_BATCH] of some."""
    # the rest of an epoch's examples, less than a batch, waits for another epoch's order
    orders = [torch.randperm(count)[: count // _BATCH * _BATCH].split(_BATCH) for _ in range(epochs)]
    batches = [rows for order in orders for rows in order]
    fit(weight_groups(model, _WEIGHT_DECAY), loss, batches, _RATE, warmup=len(batches) // 10, floor=0.01)
    model.eval()


def fit(
    groups: Iterable,
    loss: Callable[[Tensor], Tensor],
    batches: list[Tensor],
    learning_rate: float,
    warmup: int,
    floor: float = 0.0,
    gradient_clip: float | None = None,
    stop: Callable[[int], bool] | None = None,
) -> None:
    """A step of AdamW on `loss(batch)` for each of `batches`, the numbers int64 [n] of the examples that it is of.

    `groups` are parameters or parameter groups, as an optimizer takes them; `warmup` and `floor` as in
    `warm_up_and_cosine`; `gradient_clip` is the largest norm of all gradients together. After each step `stop` is asked
    with the number of steps done, and True ends it.
    """
    optimizer = torch.optim.AdamW(groups, learning_rate)
    schedule = warm_up_and_cosine(optimizer, warmup, len(batches), floor)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for done, batch in enumerate(batches, 1):
        error = loss(batch)
        optimizer.zero_grad()
        error.backward()
        if gradient_clip is not None:
            nn.utils.clip_grad_norm_(parameters, gradient_clip)
        optimizer.step()
        schedule.step()
        if stop is not None and stop(done):
            break
