# SPDX-License-Identifier: GPL-3.0-or-later
"""PCGrad for two losses: gradients of shared parameters that do not work against each other.

Yu, Kumar, Gupta, Levine, Hausman, Finn: "Gradient Surgery for Multi-Task Learning" (NeurIPS 2020, arXiv 2001.06782),
algorithm 1, with the mean of the two projected gradients in place of their sum.
"""

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

_TINY = 1e-30  # of a squared norm: a gradient of zeros conflicts with none


def without_conflict(one: Tensor, other: Tensor) -> Tensor:
    """The mean of two gradients [n]. Where their dot product is negative each is first projected onto the normal plane
    of the other, so that the mean worsens neither loss. No wait for a GPU."""
    conflict = torch.dot(one, other).clamp(max=0)
    one_left = one - conflict / other.square().sum().clamp(min=_TINY) * other
    other_left = other - conflict / one.square().sum().clamp(min=_TINY) * one
    return (one_left + other_left) / 2


def backward_without_conflict(losses: list[Tensor], parameters: list[nn.Parameter], shared: list[nn.Parameter]) -> None:
    """Backward passes of one loss or two, whose graphs have nothing but `parameters` in common.

    Gradients of `shared` are `without_conflict`, those of all other parameters are summed as they are. Both are means
    over the processes where there are several: each loss's own before they are compared. Gradients are expected to be
    empty, or of zeros, before.
    """
    apart = []
    for loss in losses:
        loss.backward()
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in shared]
        apart.append(_mean_of_processes(torch.cat([gradient.flatten() for gradient in gradients])))
        for parameter in shared:
            parameter.grad = None
    both = without_conflict(*apart) if len(apart) == 2 else apart[0]
    for parameter, gradient in zip(shared, both.split([p.numel() for p in shared]), strict=True):
        parameter.grad = gradient.view_as(parameter)
    known = {id(parameter) for parameter in shared}
    for parameter in parameters:
        if id(parameter) not in known and parameter.grad is not None:
            _mean_of_processes(parameter.grad)


def leave_gradients_alone(module: nn.Module) -> None:
    """Keep DistributedDataParallel from averaging: it expects one backward pass for each forward pass."""
    if isinstance(module, DistributedDataParallel):
        module.require_backward_grad_sync = False


def _mean_of_processes(gradient: Tensor) -> Tensor:
    """The gradient, in place, averaged over all processes."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.all_reduce(gradient)
        gradient /= torch.distributed.get_world_size()
    return gradient
