# SPDX-License-Identifier: GPL-3.0-or-later
"""State dicts of the published layout with random weights, and the reference vectors where they are."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from wfm_core.model import sinusoids_1d, sinusoids_2d

FILE = "wavesfm_micro_reference.safetensors"
DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "reference"


def reference(file: str = FILE) -> dict[str, torch.Tensor]:
    """The reference vectors in `file`; skips the test without them."""
    path = Path(os.environ.get("WFM_REFERENCE", DEFAULT)) / file
    if not path.is_file():
        pytest.skip(f"{file} is not in $WFM_REFERENCE")
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


def pretraining_state(
    width=32,
    depth=2,
    decoder_width=16,
    decoder_depth=1,
    channels=1,
    grid=(2, 2),
    patch=16,
    antennas=4,
    most_tokens=64,
    seed=0,
):
    """A state dict of the authors' pretraining: images of `grid` patches, IQ of `most_tokens` tokens at most."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {"cls_token": (1, 1, width), "mask_token": (1, 1, decoder_width)}
    shapes |= {"iq_ant_embed.weight": (antennas, width), "iq_dec_ant_embed.weight": (antennas, decoder_width)}
    for side in ("iq", "vision"):
        shapes |= {f"mod_ln_scale.{side}": (width,), f"mod_ln_bias.{side}": (width,)}
    layers = {"iq_segment_embed": (width, 2, 16), "vis_patch_embed.proj": (width, channels, patch, patch)}
    layers |= {"norm": (width,), "decoder_norm": (decoder_width,), "decoder_embed": (decoder_width, width)}
    layers |= {"vis_decoder_pred": (patch**2 * channels, decoder_width), "iq_decoder_pred": (32, decoder_width)}
    for start, blocks, wide in (("blocks", depth, width), ("decoder_blocks", decoder_depth, decoder_width)):
        block = {"attn.qkv": (3 * wide, wide), "attn.proj": (wide, wide), "norm1": (wide,), "norm2": (wide,)}
        block |= {"mlp.fc1": (4 * wide, wide), "mlp.fc2": (wide, 4 * wide)}
        layers |= {f"{start}.{n}.{layer}": shape for n in range(blocks) for layer, shape in block.items()}
    for layer, shape in layers.items():
        shapes |= {f"{layer}.weight": shape, f"{layer}.bias": shape[:1]}
    state = {name: torch.randn(*shape, generator=generator) * 0.2 for name, shape in shapes.items()}
    for start, wide in (("", width), ("dec_", decoder_width)):
        tables = {f"vis_{start}pos_embed": sinusoids_2d(*grid, wide)}
        tables[f"iq_{start}time_pos_embed"] = sinusoids_1d(most_tokens, wide)
        state |= {name: torch.cat([torch.zeros(1, wide), table])[None] for name, table in tables.items()}
    return state


class Payload:
    """Unpickling it would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")
