# SPDX-License-Identifier: GPL-3.0-or-later
"""Task heads: one linear layer on a pooled embedding."""

from torch import Tensor, nn


class ClassHead(nn.Module):
    """Embedding [B, D] -> logits [B, classes]."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.linear = nn.Linear(width, classes)
        nn.init.trunc_normal_(self.linear.weight, std=0.02)
        nn.init.zeros_(self.linear.bias)

    def forward(self, embedding: Tensor) -> Tensor:
        return self.linear(embedding)


class PositionHead(ClassHead):
    """Embedding [B, D] -> position [B, 3], scaled so that the scene spans -1 to 1 on every axis."""

    def __init__(self, width: int):
        super().__init__(width, 3)
