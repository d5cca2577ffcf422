# SPDX-License-Identifier: GPL-3.0-or-later
"""Low-rank adaptation (LoRA, arXiv 2106.09685) of the encoder blocks' linear layers.

The low-rank product is added to the weight, not to the output: there are fewer rows in a weight than tokens in a
batch, and the model with adapters computes exactly what the merged one does.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from wfm_core.base.errors import WfmError
from wfm_core.model.network import WirelessModel

SCALES = ("sqrt", "rank")
"""What alpha is divided by: the rank's square root (WavesFM v1), or the rank (the LoRA paper)."""
TARGETS = ("qv", "qv+mlp")
"""Query and value projections, or the two layers of the MLP as well."""


class LowRank(nn.Module):
    """Weight [out, in] -> weight plus `factor` times a product of rank `rank` in each of the chosen parts of its rows.

    The rows are cut into `parts` equal parts, of which those numbered `chosen` are adapted. `b` starts at zero, so
    that nothing changes at first; `a` is drawn with variance 1 / rank, as WavesFM v1 does.
    """

    def __init__(self, weight: Tensor, parts: int, chosen: tuple[int, ...], rank: int, factor: float):
        super().__init__()
        rows, columns = weight.shape
        self.parts, self.rank, self.factor = parts, rank, factor
        self.a = nn.Parameter(torch.randn(columns, len(chosen) * rank).to(weight) / math.sqrt(rank))
        self.b = nn.Parameter(torch.zeros(len(chosen) * rank, rows // parts).to(weight))
        self.register_buffer("chosen", torch.tensor(chosen, device=weight.device), persistent=False)

    def forward(self, weight: Tensor) -> Tensor:
        a = self.a.unflatten(1, (-1, self.rank)).transpose(0, 1)  # [chosen, in, rank]
        b = self.b.unflatten(0, (-1, self.rank))  # [chosen, rank, out / parts]
        change = torch.bmm(a, b).transpose(1, 2).to(weight.dtype) * self.factor
        return weight.unflatten(0, (self.parts, -1)).index_add(0, self.chosen, change).flatten(0, 1)


class AdaptedLinear(nn.Linear):
    """The linear layer `plain`, whose parameters it takes over, with `lora` added to its weight."""

    def __init__(self, plain: nn.Linear, lora: LowRank):
        super().__init__(plain.in_features, plain.out_features, device="meta")
        self.weight, self.bias = plain.weight, plain.bias
        self.lora = lora

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.lora(self.weight), self.bias)

    def merged(self) -> nn.Linear:
        """A plain layer of equal outputs."""
        plain = nn.Linear(self.in_features, self.out_features, device="meta")
        weight = self.lora(self.weight.detach()).detach()
        plain.weight, plain.bias = nn.Parameter(weight, self.weight.requires_grad), self.bias
        return plain


def lora_factor(rank: int, alpha: float, scale: str = "sqrt") -> float:
    """What the low-rank product is multiplied by."""
    if rank < 1 or alpha <= 0 or scale not in SCALES:
        raise WfmError(
            f"LoRA of rank {rank}, alpha {alpha:g}, scale {scale!r}; expected a rank of 1 or more, an alpha above 0 "
            f"and one of {', '.join(SCALES)}: fix the options"
        )
    return alpha / (math.sqrt(rank) if scale == "sqrt" else rank)


def add_lora(model: WirelessModel, rank: int, alpha: float, scale: str = "sqrt", targets: str = "qv") -> None:
    """Put trainable adapters on every block; the blocks' own weights stay as they are. Raises `WfmError`."""
    if targets not in TARGETS:
        raise WfmError(f"LoRA on {targets!r}; expected one of {', '.join(TARGETS)}: fix the option")
    factor = lora_factor(rank, alpha, scale)
    for block in model.encoder.blocks:
        # query, key and value are the three parts of one layer's rows
        block.attn.qkv = _adapted(block.attn.qkv, 3, (0, 2), rank, factor)
        if targets == "qv+mlp":
            block.mlp.fc1 = _adapted(block.mlp.fc1, 1, (0,), rank, factor)
            block.mlp.fc2 = _adapted(block.mlp.fc2, 1, (0,), rank, factor)


def merge_lora(model: nn.Module) -> None:
    """Make the adapted layers plain ones, wherever in `model` they are; outputs stay equal."""
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, AdaptedLinear):
                setattr(parent, name, layer.merged())


def _adapted(layer: nn.Linear, parts: int, chosen: tuple[int, ...], rank: int, factor: float) -> AdaptedLinear:
    return AdaptedLinear(layer, LowRank(layer.weight.detach(), parts, chosen, rank, factor))
