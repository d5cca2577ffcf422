# SPDX-License-Identifier: GPL-3.0-or-later
"""From encoded tokens to an answer: how tokens become one embedding, and one linear layer on it.

A mean over all tokens of an image forgets what the rows of CSI are for (its subcarriers), which antenna something moved
before, and how much changed while the window lasted. So the tokens of images can be kept apart by channel and by row or
column, and summarised by mean and deviation, as x-vectors do with frames of speech (Snyder et al., "X-vectors: Robust
DNN embeddings for speaker recognition", ICASSP 2018, statistics pooling).
"""

import torch
from torch import Tensor, nn

POOLINGS = ("cls", "mean")
"""Of any tokens."""
IMAGE_POOLINGS = ("channels", "rows", "columns", "grid")
"""Of images' tokens alone."""
ALL_POOLINGS = (*POOLINGS, *IMAGE_POOLINGS)


def pool(tokens: Tensor, pooling: str, columns: int = 1, channels: int = 1) -> Tensor:
    """Encoded tokens [B, 1 + N, D] -> embedding [B, parts * D], see `pooled_parts`.

    "cls": the CLS token; "mean": of the others. Those of images have `columns` of patches and `channels` that are next
    to each other at one place. "channels": the mean of each channel's tokens; "rows" and "columns": of each row or
    column of patches in each channel the mean and the deviation along it; "grid": of rows and columns.
    """
    if pooling == "cls":
        return tokens[:, 0]
    if pooling == "mean":
        return tokens[:, 1:].mean(dim=1)
    places = tokens[:, 1:].reshape(tokens.size(0), -1, columns, channels, tokens.size(2))
    if pooling == "channels":
        return places.mean(dim=[1, 2]).flatten(1)
    if pooling == "rows":
        return _summary(places, 2)
    if pooling == "columns":
        return _summary(places, 1)
    return torch.cat([_summary(places, 2), _summary(places, 1)], 1)


def pooled_parts(pooling: str, rows: int, columns: int, channels: int) -> int:
    """How many times the encoder's width an embedding has, of images of so many rows and columns of patches."""
    parts = {"channels": 1, "rows": 2 * rows, "columns": 2 * columns, "grid": 2 * (rows + columns)}
    return parts[pooling] * channels if pooling in parts else 1


def _summary(places: Tensor, dim: int) -> Tensor:
    values = places.float()
    deviation = (values.var(dim=[dim], unbiased=False) + 1e-6).sqrt()  # the root of 0 has no slope
    return torch.cat([values.mean(dim=dim), deviation], -1).flatten(1).to(places.dtype)


class ClassHead(nn.Module):
    """Embedding [B, D] -> logits [B, classes]."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.linear = nn.Linear(width, classes)
        nn.init.trunc_normal_(self.linear.weight, std=0.02)
        nn.init.zeros_(self.linear.bias)

    def forward(self, embedding: Tensor) -> Tensor:
        return self.linear(embedding)


class QuantityHead(ClassHead):
    """Embedding [B, D] -> `values` numbers [B, values] of what is measured (a position, an angle), scaled so that the
    scene spans -1 to 1."""

    def __init__(self, width: int, values: int):
        super().__init__(width, values)
