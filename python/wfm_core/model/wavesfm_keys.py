# SPDX-License-Identifier: GPL-3.0-or-later
"""The names in a WavesFM v1 state dict: which must be there, and that no other is."""

import re
from collections.abc import Iterable

from torch import Tensor

from wfm_core.base.errors import WfmError

SIDES = {
    "iq": ("iq_segment_embed.weight", "iq_segment_embed.bias", "iq_ant_embed.weight"),
    "image": ("vis_patch_embed.proj.weight", "vis_patch_embed.proj.bias"),
}
_LAYERS = ("norm1", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
_AFFINE = ("mod_ln_scale", "mod_ln_bias")


def has_lora(keys: Iterable[str]) -> bool:
    """Whether the checkpoint was tuned with LoRA: its query, key and value layer is then one level deeper."""
    return any(".attn.qkv.qkv." in key or ".attn.qkv.lora_" in key for key in keys)


def check_keys(state: dict[str, Tensor], modality: str) -> int:
    """The number of blocks of a fine-tuned checkpoint of `modality`. Raises `WfmError` where the keys do not fit."""
    if modality not in SIDES:
        raise WfmError(f"modality {modality!r} is not known; expected one of {', '.join(SIDES)}")
    strange = [str(key) for key, value in state.items() if not isinstance(value, Tensor)]
    if strange:
        raise WfmError(f"the state dict holds {_listed(strange)}, which are no tensors; give the model's weights only")
    depth = 1 + max((int(number) for number in re.findall(r"^blocks\.(\d+)\.", "\n".join(state), re.M)), default=0)
    wanted = _wanted(modality, depth, has_lora(state))
    optional = {f"{name}.{side}" for name in _AFFINE for side in ("iq", "vision")}
    if modality == "image":
        optional.add("channel_adapter.weight")
    missing, over = wanted - state.keys(), state.keys() - wanted - optional
    if missing or over:
        parts = [f"{what} {_listed(keys)}" for what, keys in (("misses", missing), ("has left over", over)) if keys]
        raise WfmError(
            f"the checkpoint {' and '.join(parts)}; expected the weights of a fine-tuned WavesFM v1 model of "
            f"modality {modality!r}: give that file, or the other modality"
        )
    return depth


def _wanted(modality: str, depth: int, lora: bool) -> set[str]:
    layers = [*_LAYERS, "attn.qkv.qkv" if lora else "attn.qkv"]
    block = [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    if lora:
        block += [f"attn.qkv.lora_{part}.{factor}" for part in "qv" for factor in "AB"]
    affine = [f"{name}.{'iq' if modality == 'iq' else 'vision'}" for name in _AFFINE]
    rest = ["cls_token", "norm.weight", "norm.bias", "head.weight", "head.bias", *affine, *SIDES[modality]]
    return {f"blocks.{number}.{name}" for number in range(depth) for name in block} | set(rest)


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(sorted(keys))
