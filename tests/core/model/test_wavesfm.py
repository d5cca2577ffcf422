# SPDX-License-Identifier: GPL-3.0-or-later
"""The authors' published models: their outputs, and checkpoints that are none."""

import math

import pytest
import torch
from torch.nn import functional
from wavesfm_states import part, published_state, reference

import wfm_core
from wfm_core.base.errors import WfmError

SIDES = pytest.mark.parametrize(("modality", "theirs"), [("iq", "iq"), ("image", "vision")])
EXACT = {"rtol": 0, "atol": 1e-5}


def example(tensors, theirs):
    x = tensors[f"{theirs}.input"]
    return torch.complex(x[:, 0], x[:, 1]) if theirs == "iq" else x


@SIDES
@torch.no_grad()
def test_the_reference_vectors(modality, theirs):
    tensors = reference()
    x, state = example(tensors, theirs), part(tensors, f"{theirs}.state.")
    model = wfm_core.load_wavesfm(state, modality=modality, heads=4)
    torch.testing.assert_close(model(x), tensors[f"{theirs}.logits"], **EXACT)
    torch.testing.assert_close(model.embed(x), tensors[f"{theirs}.cls_embedding"], **EXACT)
    mean = wfm_core.load_wavesfm(state, modality=modality, heads=4, pooling="mean")
    torch.testing.assert_close(mean(x), tensors[f"{theirs}.logits_avg_pool"], **EXACT)


@SIDES
@torch.no_grad()
def test_the_reference_vectors_with_lora(modality, theirs):
    tensors = reference()
    state = part(tensors, f"{theirs}.lora_model.")
    model = wfm_core.load_wavesfm(state, modality, heads=4, lora_alpha=8)
    torch.testing.assert_close(model(example(tensors, theirs)), tensors[f"{theirs}.lora_logits"], **EXACT)
    other = wfm_core.load_wavesfm(state, modality, heads=4, lora_alpha=16)
    assert (other(example(tensors, theirs)) - tensors[f"{theirs}.lora_logits"]).abs().max() > 1e-3


def their_tokens(state, x):
    """Tokens of IQ [B, 2, A, T] or images by convolutions, before positions: the published computation."""
    if "iq_segment_embed.weight" in state:
        batch, _, antennas, samples = x.shape
        rows = x.transpose(1, 2).flatten(0, 1)
        tokens = functional.conv1d(rows, state["iq_segment_embed.weight"], state["iq_segment_embed.bias"], stride=16)
        # [B * A, D, steps] -> time-major, antenna-minor
        tokens = tokens.unflatten(0, (batch, antennas)).permute(0, 3, 1, 2)
        return (tokens + state["iq_ant_embed.weight"][:antennas]).flatten(1, 2)
    if "channel_adapter.weight" in state:
        x = functional.conv2d(x, state["channel_adapter.weight"])
    kernel, bias = (state[f"vis_patch_embed.proj.{kind}"] for kind in ("weight", "bias"))
    return functional.conv2d(x, kernel, bias, stride=16).flatten(2).transpose(1, 2)


@pytest.mark.parametrize(("modality", "channels"), [("iq", 1), ("image", 1), ("image", 4)])
@torch.no_grad()
def test_tokens_are_those_of_convolutions(modality, channels):
    state = published_state(modality, channels=channels)
    model = wfm_core.load_wavesfm(state, modality, heads=4).model
    x = torch.randn(2, 2, 3, 64) if modality == "iq" else torch.randn(2, channels, 224, 224)
    if modality == "iq":
        given, side, positions = (
            torch.complex(x[:, 0], x[:, 1]),
            model.iq,
            model.iq.positions[:4].repeat_interleave(3, 0),
        )
    else:
        given, side, positions = x, model.image, model.image.positions
    theirs = "iq" if modality == "iq" else "vision"
    wanted = (their_tokens(state, x) + positions) * state[f"mod_ln_scale.{theirs}"] + state[f"mod_ln_bias.{theirs}"]
    torch.testing.assert_close(side(given), wanted, rtol=1e-4, atol=1e-4)


def test_sizes_of_the_published_model_are_read_from_its_state():
    state = published_state(width=256, depth=8, classes=7, antennas=16)
    model = wfm_core.load_wavesfm(state).model
    assert sum(p.numel() for p in model.encoder.blocks.parameters()) == 6_318_080
    assert (model.iq.max_antennas, model.heads["output"].linear.out_features) == (16, 7)
    assert model.encoder.blocks[0].attn.heads == 8
    assert {block.norm1.eps for block in model.encoder.blocks} == {1e-6} and model.encoder.norm.eps == 1e-6


@torch.no_grad()
def test_lora_scale_is_alpha_over_the_root_of_the_rank():
    state = published_state(rank=4)
    plain = {name.replace("qkv.qkv", "qkv"): tensor for name, tensor in state.items() if "lora" not in name}
    for block in (0, 1):
        weight = plain[f"blocks.{block}.attn.qkv.weight"].clone()
        for letter, rows in (("q", slice(0, 32)), ("v", slice(64, 96))):
            a, b = (state[f"blocks.{block}.attn.qkv.lora_{letter}.{factor}"] for factor in "AB")
            weight[rows] += 6 / math.sqrt(4) * (a @ b).T
        plain[f"blocks.{block}.attn.qkv.weight"] = weight
    x = torch.randn(2, 2, 64, dtype=torch.complex64)
    merged = wfm_core.load_wavesfm(state, heads=4, lora_alpha=6)(x)
    torch.testing.assert_close(merged, wfm_core.load_wavesfm(plain, heads=4)(x), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_iq_is_padded_to_segments_and_cut_as_published():
    model = wfm_core.load_wavesfm(published_state(), heads=4)
    x = torch.randn(1, 4, 4112, dtype=torch.complex64)
    tail = torch.zeros(1, 4, 8, dtype=torch.complex64)
    torch.testing.assert_close(model(x[..., :40]), model(torch.cat([x[..., :40], tail], dim=2)))
    torch.testing.assert_close(model(x), model(x[..., :4096]))


@torch.no_grad()
def test_images_of_any_size():
    model = wfm_core.load_wavesfm(published_state("image"), "image", heads=4)
    x = torch.randn(1, 1, 224, 224)
    first = model(x)
    assert model(x[..., :64, :96]).shape == (1, 3)
    torch.testing.assert_close(model(x), first)
    with pytest.raises(ValueError, match="multiples of 16"):
        model(x[..., :60, :64])


def refused(reason, state, modality="iq", **options):
    with pytest.raises(WfmError, match=reason) as caught:
        wfm_core.load_wavesfm(state, modality, **{"heads": 4, **options})
    assert "\n" not in str(caught.value)


def test_keys_that_are_missing_or_left_over_are_listed():
    state = published_state()
    del state["norm.bias"], state["blocks.1.mlp.fc2.weight"], state["mod_ln_scale.iq"]
    refused("misses blocks.1.mlp.fc2.weight, mod_ln_scale.iq, norm.bias; expected", state)
    state = published_state() | {"decoder.weight": torch.zeros(1), "blocks.0.x": torch.zeros(1)}
    refused("has left over blocks.0.x, decoder.weight; expected", state)
    refused("misses vis_patch_embed.proj.bias.*left over iq_ant_embed.weight", published_state(), "image")
    refused("misses blocks.0.attn.proj.bias", {})
    state = published_state(rank=2)
    del state["blocks.1.attn.qkv.lora_v.B"]
    refused("misses blocks.1.attn.qkv.lora_v.B;", state, lora_alpha=4)


@torch.no_grad()
def test_the_other_modalitys_affine_may_be_there_or_not():
    state, x = published_state(), torch.randn(2, 2, 64, dtype=torch.complex64)
    with_it = wfm_core.load_wavesfm(dict(state), heads=4)(x)
    del state["mod_ln_scale.vision"], state["mod_ln_bias.vision"]
    torch.testing.assert_close(wfm_core.load_wavesfm(state, heads=4)(x), with_it)


def test_other_refusals():
    refused("lora_alpha is None", published_state(rank=2))
    refused("modality 'smell'", published_state(), "smell")
    refused("pooling 'max' .* cls, mean", published_state(), pooling="max")
    refused("5 heads.*fix heads", published_state(), heads=5)
    refused("holds epoch, which are no tensors", published_state() | {"epoch": 3})
    refused("do not fit", published_state() | {"head.bias": torch.zeros(9)})
    model = wfm_core.load_wavesfm(published_state(), heads=4)
    with pytest.raises(WfmError, match=r"expected complex64 \[batch, antenna, sample\]"):
        model(torch.zeros(1, 2, 4, 64))
    model = wfm_core.load_wavesfm(published_state("image"), "image", heads=4)
    with pytest.raises(WfmError, match="expected float32"):
        model(torch.zeros(1, 64, 64))
