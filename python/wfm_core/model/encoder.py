# SPDX-License-Identifier: GPL-3.0-or-later
"""The transformer encoder shared by all modalities (paper, Table I)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCK_NORM_EPS = 1e-5
FINAL_NORM_EPS = 1e-6
WRITTEN_OUT_TOKENS = 128
"""On a CPU, attention written out is faster than the fused one up to about this many tokens, and always in bf16."""


@dataclass(frozen=True)
class EncoderConfig:
    """Size of an encoder; the defaults are the paper's encoder, (128, 4, 16, 512) is its decoder.

    `norm_eps` is of the blocks' LayerNorms; WavesFM v1 models have 1e-6. `final_norm_eps` is of the one after them; the
    authors' pretraining code has 1e-5.
    """

    width: int = 256
    depth: int = 8
    heads: int = 8
    mlp_hidden: int = 1024
    norm_eps: float = BLOCK_NORM_EPS
    final_norm_eps: float = FINAL_NORM_EPS

    def __post_init__(self):
        if min(self.width, self.depth, self.heads, self.mlp_hidden) < 1 or self.width % (4 * self.heads):
            raise ValueError(f"{self}: all sizes must be positive and the width a multiple of 4 times the heads")


class Attention(nn.Module):
    """Multi-head self-attention, [B, N, D] -> [B, N, D], no mask."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        self.written_out_tokens = WRITTEN_OUT_TOKENS
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        # [B, N, 3 * D] -> [3, B, heads, N, d]
        qkv = self.qkv(x).view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        if not qkv.is_cuda and (tokens <= self.written_out_tokens or qkv.dtype == torch.bfloat16):
            mixed = self._written_out(qkv)
        else:
            mixed = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        return self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width))

    def _written_out(self, qkv: Tensor) -> Tensor:
        """Two matrix products and a softmax; one copy makes each of q, k and v contiguous per head."""
        heads = qkv.shape[1:4]
        q, k, v = qkv.reshape(3, heads[0] * heads[1], heads[2], -1).unbind(0)
        weights = torch.softmax(torch.bmm(q * self.scale, k.transpose(1, 2)), dim=-1)
        return torch.bmm(weights.to(v.dtype), v).view(heads[0], heads[1], heads[2], -1)


class Mlp(nn.Module):
    """Two linear layers with an exact GELU between them, [.., D] -> [.., D]."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class Block(nn.Module):
    """Pre-norm transformer block, [B, N, D] -> [B, N, D]."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.attn = Attention(config.width, config.heads)
        self.norm2 = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.mlp = Mlp(config.width, config.mlp_hidden)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Encoder(nn.Module):
    """`depth` blocks and a final norm, [B, N, D] -> [B, N, D]; positions are the tokeniser's business."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width, eps=config.final_norm_eps)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
