# SPDX-License-Identifier: GPL-3.0-or-later
"""Boosted decision trees as a part of a network, which TorchScript compiles.

Everything that decides is a whole number, so a network in half precision or bfloat16 has the very same trees.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

STEPS = 1024.0
"""Of one unit of a feature; features are cut off at -MOST and MOST."""
MOST = 31.9
VALUE_STEPS = 4096.0
"""Of one unit of a leaf's value."""
MOST_LEAVES = 128


@dataclass(frozen=True)
class TreeSizes:
    """`rounds` of one tree for each class, of at most `leaves` leaves each, `depth` decisions deep."""

    rounds: int
    leaves: int
    depth: int


def whole_steps(features: Tensor, most: float = MOST, steps: float = STEPS) -> Tensor:
    """Features as whole numbers, float32, which is how trees are grown on them and compare them."""
    return torch.floor(features.float().clamp(-most, most) * steps)


class Trees(nn.Module):
    """Features float32 [B, F] (F at most 256) -> for each class the sum of its trees' values, float32 [B, K].

    A tree has 2 * leaves - 1 nodes; those after its own are empty. Tree t is of class t % K. A node sends on to
    `branches`, the first where its feature is not above its threshold; a leaf to itself.
    """

    def __init__(self, sizes: TreeSizes, classes: int):
        super().__init__()
        if not 2 <= sizes.leaves <= MOST_LEAVES:
            raise ValueError(f"trees of {sizes.leaves} leaves: expected 2 to {MOST_LEAVES}")
        self.depth, self.classes, self.value_steps = sizes.depth, classes, VALUE_STEPS
        self.nodes = 2 * sizes.leaves - 1
        count = sizes.rounds * classes * self.nodes

        def whole(shape, dtype: torch.dtype) -> nn.Parameter:
            return nn.Parameter(torch.zeros(shape, dtype=dtype), requires_grad=False)  # no buffers: see MeasureTokens

        self.feature, self.threshold = whole(count, torch.uint8), whole(count, torch.int16)
        self.branches, self.value = whole(2 * count, torch.uint8), whole(count, torch.int16)

    def forward(self, features: Tensor) -> Tensor:
        return self.votes(whole_steps(features))

    def votes(self, features: Tensor) -> Tensor:
        """As forward, of features in whole steps (`whole_steps`)."""
        trees = self.feature.size(0) // self.nodes
        roots = (torch.arange(trees, device=features.device) * self.nodes).unsqueeze(0)
        place = roots.expand(features.size(0), -1)
        for _ in range(self.depth):
            seen = features.gather(1, self.feature[place].to(torch.int64))
            after = (seen > self.threshold[place]).to(torch.int64)
            place = roots + self.branches[2 * place + after].to(torch.int64)
        values = self.value[place].to(torch.float32) / self.value_steps
        return values.reshape(features.size(0), -1, self.classes).sum(1)

    def lead_out(self, features: int) -> bool:
        """Whether a node asks for one of more than so many features, or sends on to a node that no tree has."""
        return bool((self.feature >= features).any() or (self.branches >= self.nodes).any())
