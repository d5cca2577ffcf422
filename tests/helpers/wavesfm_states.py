# SPDX-License-Identifier: GPL-3.0-or-later
"""State dicts of the published layout with random weights, and the reference vectors where they are."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

FILE = "wavesfm_micro_reference.safetensors"
DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "reference"


def reference() -> dict[str, torch.Tensor]:
    """The reference vectors; skips the test without them."""
    path = Path(os.environ.get("WFM_REFERENCE", DEFAULT)) / FILE
    if not path.is_file():
        pytest.skip(f"{FILE} is not in $WFM_REFERENCE")
    return load_file(path)


def part(tensors: dict[str, torch.Tensor], start: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with `start`, without it."""
    return {name[len(start) :]: tensor for name, tensor in tensors.items() if name.startswith(start)}


def published_state(modality="iq", width=32, depth=2, classes=3, channels=1, antennas=4, rank=0, seed=0):
    """A state dict of the published layout; `channels` other than 1 bring the adapter, `rank` above 0 LoRA."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape):
        return torch.randn(*shape, generator=generator) * 0.2

    shapes = {"cls_token": (1, 1, width), "head.weight": (classes, width), "head.bias": (classes,)}
    shapes |= {"norm.weight": (width,), "norm.bias": (width,)}
    for side in ("iq", "vision"):
        shapes |= {f"mod_ln_scale.{side}": (width,), f"mod_ln_bias.{side}": (width,)}
    if modality == "iq":
        shapes |= {"iq_segment_embed.weight": (width, 2, 16), "iq_segment_embed.bias": (width,)}
        shapes["iq_ant_embed.weight"] = (antennas, width)
    else:
        shapes |= {"vis_patch_embed.proj.weight": (width, 1, 16, 16), "vis_patch_embed.proj.bias": (width,)}
        if channels != 1:
            shapes["channel_adapter.weight"] = (1, channels, 1, 1)
    qkv = "attn.qkv.qkv" if rank else "attn.qkv"
    layers = {qkv: (3 * width, width), "attn.proj": (width, width)}
    layers |= {"mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width), "norm1": (width,), "norm2": (width,)}
    for block in range(depth):
        for layer, shape in layers.items():
            shapes |= {f"blocks.{block}.{layer}.weight": shape, f"blocks.{block}.{layer}.bias": shape[:1]}
        for letter in "qv" if rank else "":
            shapes[f"blocks.{block}.attn.qkv.lora_{letter}.A"] = (width, rank)
            shapes[f"blocks.{block}.attn.qkv.lora_{letter}.B"] = (rank, width)
    return {name: random(*shape) for name, shape in shapes.items()}
