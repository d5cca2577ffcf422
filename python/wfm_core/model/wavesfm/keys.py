# SPDX-License-Identifier: GPL-3.0-or-later
"""The names in the authors' state dicts, of WavesFM v1 and of the pretraining: which must be there, and no other."""

import re
from collections.abc import Iterable

from torch import Tensor

from wfm_core.base.errors import WfmError

SIDES = {
    "iq": ("iq_segment_embed.weight", "iq_segment_embed.bias", "iq_ant_embed.weight"),
    "image": ("vis_patch_embed.proj.weight", "vis_patch_embed.proj.bias"),
}
POSITIONS = ("vis_pos_embed", "vis_dec_pos_embed", "iq_time_pos_embed", "iq_dec_time_pos_embed")
"""Of pretraining: tables of positions [1, 1 + N, D], of which the first row is that of the CLS token, zeros."""
_PRETRAINING_LAYERS = ("norm", "decoder_embed", "decoder_norm", "vis_decoder_pred", "iq_decoder_pred")
_LAYERS = ("norm1", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
_MOST_LISTED = 8
_AFFINE = ("mod_ln_scale", "mod_ln_bias")


def has_lora(keys: Iterable[str]) -> bool:
    """Whether the checkpoint was tuned with LoRA: its query, key and value layer is then one level deeper."""
    return any(".attn.qkv.qkv." in key or ".attn.qkv.lora_" in key for key in keys)


def check_keys(state: dict[str, Tensor], modality: str) -> int:
    """The number of blocks of a fine-tuned checkpoint of `modality`. Raises `WfmError` where the keys do not fit."""
    if modality not in SIDES:
        raise WfmError(f"modality {modality!r} is not known; expected one of {', '.join(SIDES)}")
    _check_tensors(state)
    depth = _depth(state, "blocks")
    wanted = _wanted(modality, depth, has_lora(state))
    optional = {f"{name}.{side}" for name in _AFFINE for side in ("iq", "vision")}
    if modality == "image":
        optional.add("channel_adapter.weight")
    _check_names(
        state,
        wanted,
        optional,
        f"a fine-tuned WavesFM v1 model of modality {modality!r}: give that file, or the other modality",
    )
    return depth


def is_pretraining(keys: Iterable[str]) -> bool:
    """Whether a checkpoint is of the authors' pretraining, with a decoder and without a task's head."""
    return any(key.startswith("decoder_") for key in keys)


def check_pretraining_keys(state: dict[str, Tensor]) -> tuple[int, int]:
    """The numbers of blocks of the encoder and of the decoder of a checkpoint of the authors' pretraining.

    Raises `WfmError` where the keys do not fit.
    """
    _check_tensors(state)
    depths = _depth(state, "blocks"), _depth(state, "decoder_blocks")
    wanted = {"cls_token", "mask_token", "iq_dec_ant_embed.weight", *POSITIONS, *SIDES["iq"], *SIDES["image"]}
    wanted |= {f"{name}.{kind}" for name in _PRETRAINING_LAYERS for kind in ("weight", "bias")}
    wanted |= {f"{name}.{side}" for name in _AFFINE for side in ("iq", "vision")}
    for start, depth in zip(("blocks", "decoder_blocks"), depths, strict=True):
        wanted |= _blocks(start, depth, [*_LAYERS, "attn.qkv"])
    _check_names(
        state,
        wanted,
        set(),
        "the authors' multimodal pretraining with one decoder for both modalities: give its whole state dict",
    )
    return depths


def _check_tensors(state: dict) -> None:
    strange = [str(key) for key, value in state.items() if not isinstance(value, Tensor)]
    if strange:
        raise WfmError(f"the state dict holds {_listed(strange)}, which are no tensors; give the model's weights only")


def _depth(state: dict, start: str) -> int:
    """How many blocks there are; one where there is none, so that its names are missed."""
    return max(1, len(set(re.findall(rf"^{start}\.(\d+)\.", "\n".join(state), re.M))))


def _check_names(state: dict, wanted: set[str], optional: set[str], expected: str) -> None:
    missing, over = wanted - state.keys(), state.keys() - wanted - optional
    if missing or over:
        parts = [f"{what} {_listed(keys)}" for what, keys in (("misses", missing), ("has left over", over)) if keys]
        raise WfmError(f"the checkpoint {' and '.join(parts)}; expected the weights of {expected}")


def _wanted(modality: str, depth: int, lora: bool) -> set[str]:
    blocks = _blocks("blocks", depth, [*_LAYERS, "attn.qkv.qkv" if lora else "attn.qkv"])
    if lora:
        factors = [f"attn.qkv.lora_{part}.{factor}" for part in "qv" for factor in "AB"]
        blocks |= {f"blocks.{number}.{name}" for number in range(depth) for name in factors}
    affine = [f"{name}.{'iq' if modality == 'iq' else 'vision'}" for name in _AFFINE]
    rest = ["cls_token", "norm.weight", "norm.bias", "head.weight", "head.bias", *affine, *SIDES[modality]]
    return blocks | set(rest)


def _blocks(start: str, depth: int, layers: list[str]) -> set[str]:
    kinds = ("weight", "bias")
    return {f"{start}.{number}.{layer}.{kind}" for number in range(depth) for layer in layers for kind in kinds}


def _listed(keys: Iterable[str]) -> str:
    first, *others = [", ".join(sorted(keys)[:_MOST_LISTED]), *sorted(keys)[_MOST_LISTED:]]
    return f"{first} and {len(others)} more" if others else first
