# SPDX-License-Identifier: GPL-3.0-or-later
"""The authors' tensors under our names and in our layout, by operations that gradients go through."""

import torch
from torch import Tensor

_PRETRAINING = {
    "mask_token": "mask_token",
    "decoder_antenna": "iq_dec_ant_embed.weight",
    "model.cls_token": "cls_token",
    "to_decoder.weight": "decoder_embed.weight",
    "to_decoder.bias": "decoder_embed.bias",
    "model.encoder.norm.weight": "norm.weight",
    "model.encoder.norm.bias": "norm.bias",
    "decoder.norm.weight": "decoder_norm.weight",
    "decoder.norm.bias": "decoder_norm.bias",
}
"""Our names of a masked autoencoder's tensors and theirs, where nothing but the name differs."""
_PRETRAINING_BLOCKS = {"blocks.": "model.encoder.blocks.", "decoder_blocks.": "decoder.blocks."}
_PRETRAINING_POSITIONS = {
    "model.image.positions": "vis_pos_embed",
    "image_positions": "vis_dec_pos_embed",
    "model.iq.positions": "iq_time_pos_embed",
    "iq_positions": "iq_dec_time_pos_embed",
}


def input_side(state: dict[str, Tensor], modality: str) -> dict[str, Tensor]:
    """The input side's weights. Convolution kernels become rows of the projection, in the order of our tokens."""
    if modality == "iq":
        side = {
            # [D, I or Q, sample] -> I and Q alternating
            "projection.weight": state["iq_segment_embed.weight"].transpose(1, 2).flatten(1),
            "projection.bias": state["iq_segment_embed.bias"],
            "antenna": state["iq_ant_embed.weight"],
        }
    else:
        kernel = state["vis_patch_embed.proj.weight"]
        if "channel_adapter.weight" in state:
            kernel = torch.einsum("dkij,kc->dcij", kernel, state["channel_adapter.weight"].flatten(1))
        side = {"projection.weight": kernel.flatten(1), "projection.bias": state["vis_patch_embed.proj.bias"]}
    theirs = "iq" if modality == "iq" else "vision"
    side |= {"scale": state[f"mod_ln_scale.{theirs}"], "shift": state[f"mod_ln_bias.{theirs}"]}
    return {f"{modality}.{name}": tensor for name, tensor in side.items()}


def autoencoder_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The parameters of a `MaskedAutoencoder` from a state dict of the authors' pretraining."""
    weights = {ours: state[theirs] for ours, theirs in _PRETRAINING.items()}
    for modality in ("image", "iq"):
        weights |= {f"model.{name}": tensor for name, tensor in input_side(state, modality).items()}
    for theirs, ours in _PRETRAINING_BLOCKS.items():
        weights |= {ours + k.removeprefix(theirs): tensor for k, tensor in state.items() if k.startswith(theirs)}
    _, channels, patch, _ = state["vis_patch_embed.proj.weight"].shape
    for kind in ("weight", "bias"):
        pixels, samples = state[f"vis_decoder_pred.{kind}"], state[f"iq_decoder_pred.{kind}"]
        # channel last -> channel first; all I, then all Q -> alternating
        weights[f"reconstruction.image.{kind}"] = (
            pixels.unflatten(0, (patch**2, channels)).transpose(0, 1).flatten(0, 1)
        )
        weights[f"reconstruction.iq.{kind}"] = samples.unflatten(0, (2, -1)).transpose(0, 1).flatten(0, 1)
    return weights


def autoencoder_positions(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The buffers of a `MaskedAutoencoder`: their tables [1, 1 + N, D] without the row of the CLS token."""
    return {ours: state[theirs][0, 1:] for ours, theirs in _PRETRAINING_POSITIONS.items()}


def predictions_as_theirs(predicted: Tensor, modality: str, channels: int) -> Tensor:
    """Predictions [B, L, values] of a `MaskedAutoencoder` in the authors' layout: see `autoencoder_weights`.

    `channels` are those of images.
    """
    parts = (channels, -1) if modality == "image" else (-1, 2)
    return predicted.unflatten(-1, parts).transpose(-1, -2).flatten(-2)
