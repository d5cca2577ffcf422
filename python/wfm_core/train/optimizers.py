# SPDX-License-Identifier: GPL-3.0-or-later
"""What all training shares: which weights decay, and how the learning rate goes."""

import math
from collections.abc import Iterable

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from wfm_core.model import WirelessModel


def weight_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Decay on matrices only: not on norms, biases, affines, tokens."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if _decays(p)], "weight_decay": weight_decay},
        {"params": [p for p in parameters if not _decays(p)], "weight_decay": 0.0},
    ]


def at_another_rate(groups: list[dict], parameters: Iterable[nn.Parameter], rate: float) -> list[dict]:
    """The groups with those of `parameters` taken out into groups of their own, whose learning rate is `rate`."""
    chosen = {id(parameter) for parameter in parameters}
    parts = []
    for group in groups:
        inside = [parameter for parameter in group["params"] if id(parameter) in chosen]
        outside = [parameter for parameter in group["params"] if id(parameter) not in chosen]
        parts += [{**group, "params": outside}, {**group, "params": inside, "lr": rate}]
    return parts


def layer_groups(model: WirelessModel, rate: float, decay: float, weight_decay: float) -> list[dict]:
    """Parameter groups of what trains, each with its learning rate `lr`: the deeper a layer, the more slowly it learns.

    The heads, the final norm and the affines learn at `rate`, the last block at `rate * decay`, the one before it at
    `rate * decay**2`, ..., input projections, vectors of antennas and channels and the CLS token at
    `rate * decay**(blocks + 1)`: what WavesFM v1 does (its decay is 0.75). Weight decay is as in `weight_groups`.
    """
    depth = len(model.encoder.blocks)
    groups: dict[tuple[int, bool], dict] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            below, decays = depth + 1 - _layer(name, depth), _decays(parameter)
            blank = {"params": [], "lr": rate * decay**below, "weight_decay": weight_decay if decays else 0.0}
            groups.setdefault((below, decays), blank)["params"].append(parameter)
    return list(groups.values())


def _decays(parameter: Tensor) -> bool:
    return parameter.ndim >= 2 and parameter.shape[0] > 1


def _layer(name: str, depth: int) -> int:
    """0: before the blocks; 1 to `depth`: a block; `depth` + 1: after them, and the affines."""
    first, *rest = name.split(".")
    if first == "encoder" and rest[0] == "blocks":
        return int(rest[1]) + 1
    before = first == "cls_token" or (first in ("image", "iq") and rest[0] not in ("scale", "shift"))
    return 0 if before else depth + 1


def warm_up_and_cosine(optimizer: Optimizer, warmup: int, steps: int, floor: float = 0.0) -> LambdaLR:
    """The learning rates of `optimizer`, step by step: linear over `warmup` steps, then a cosine down at `steps`.

    `floor` is the share of its peak that every group ends at. A schedule of torch's own parts (LinearLR and
    CosineAnnealingLR in a SequentialLR) would go back to its old length when a checkpoint is loaded, also where the
    run is to be longer or shorter from now on, and has one floor in absolute terms for all groups.
    """

    def share(step: int) -> float:
        ramp = min(1.0, (step + 1) / max(warmup, 1))
        progress = min(1.0, max(0, step - warmup) / max(1, steps - warmup))
        return ramp * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))

    return LambdaLR(optimizer, share)
