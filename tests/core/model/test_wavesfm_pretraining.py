# SPDX-License-Identifier: GPL-3.0-or-later
"""The authors' pretraining: their predictions, losses and gradients, and checkpoints that are none of it."""

import pytest
import torch
from torch.nn import functional
from wavesfm_states import part, pretraining_state, reference

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.model.wavesfm.keys import POSITIONS
from wfm_core.model.wavesfm.pretraining import convert_wavesfm_pretraining

FILES = ("mae_authors_reference", "mae_authors_normalised_reference", "mae_authors_antenna_mask_reference")
EXACT = {"rtol": 0, "atol": 1e-5}
HEADS = 4


def vectors(file):
    """The module, and inputs, masks, losses and predictions by modality; skips the test without the file."""
    tensors = reference(f"{file}.safetensors")
    normalised = "normalised" in file
    module = wfm_core.load_wavesfm_pretraining(part(tensors, "state."), HEADS, HEADS, normalise_targets=normalised)
    examples = {name: part(tensors, f"{theirs}.") for name, theirs in (("image", "vision"), ("iq", "iq"))}
    for example in examples.values():
        example["hidden"] = example["mask"].bool()
    planes = examples["iq"]["input"]
    examples["iq"]["input"] = torch.complex(planes[:, 0], planes[:, 1])
    return module, examples, part(tensors, "gradient.")


@pytest.mark.parametrize("file", FILES)
def test_the_reference_vectors(file):
    module, examples, gradients = vectors(file)
    total = 0
    for modality, example in examples.items():
        kept_first = modality == "iq" and "antenna" in file  # theirs mixes positions up there
        loss, prediction = module(example["input"], modality, example["hidden"], kept_first=kept_first)
        torch.testing.assert_close(loss.double(), example["loss"][0], **EXACT)
        torch.testing.assert_close(prediction, example["prediction"], **EXACT)
        total = total + loss / 2
    total.backward()
    parameters = dict(module.named_parameters())
    assert set(parameters) == set(gradients)
    for name, expected in gradients.items():
        assert (parameters[name].grad - expected).norm() <= 1e-4 * expected.norm(), name


@torch.no_grad()
def test_a_hidden_antenna_keeps_its_positions():
    """The third file's mask without what REFERENCE calls a bug: the same loss in other words, other predictions."""
    module, examples, _ = vectors(FILES[2])
    x, hidden = examples["iq"]["input"], examples["iq"]["hidden"]
    loss, prediction = module(x, "iq", hidden)
    target = (
        torch.cat([x.real, x.imag], dim=2).unflatten(2, (2, -1, 16)).permute(0, 3, 1, 2, 4).flatten(3).flatten(1, 2)
    )
    torch.testing.assert_close(loss, (prediction - target).square()[hidden].mean(), **EXACT)
    assert (prediction - examples["iq"]["prediction"]).abs().max() > 1e-2


def blocks(state, start, x, heads, final):
    """Pre-norm transformer of a state dict: [N, D] -> [N, D]."""
    n = 0
    while f"{start}.{n}.norm1.weight" in state:
        p = part(state, f"{start}.{n}.")
        h = functional.layer_norm(x, x.shape[-1:], p["norm1.weight"], p["norm1.bias"], 1e-6)
        q, k, v = (h @ p["attn.qkv.weight"].T + p["attn.qkv.bias"]).unflatten(1, (3, heads, -1)).permute(1, 2, 0, 3)
        h = (torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, -1) @ v).transpose(0, 1).flatten(1)
        x = x + h @ p["attn.proj.weight"].T + p["attn.proj.bias"]
        h = functional.layer_norm(x, x.shape[-1:], p["norm2.weight"], p["norm2.bias"], 1e-6)
        h = functional.gelu(h @ p["mlp.fc1.weight"].T + p["mlp.fc1.bias"])
        x, n = x + h @ p["mlp.fc2.weight"].T + p["mlp.fc2.bias"], n + 1
    return functional.layer_norm(x, x.shape[-1:], state[f"{final}.weight"], state[f"{final}.bias"], 1e-5)


def direct(state, x, modality, hidden, normalise):
    """Errors of all hidden tokens and the predictions of one window, as section 1b of the facts states them."""
    theirs = "vision" if modality == "image" else "iq"
    if modality == "image":
        kernel, bias = state["vis_patch_embed.proj.weight"], state["vis_patch_embed.proj.bias"]
        size = kernel.shape[-1]
        tokens = functional.conv2d(x[None], kernel, bias, stride=size)[0].flatten(1).T
        places, decoder_places = state["vis_pos_embed"][0], state["vis_dec_pos_embed"][0]
        patches = x.unfold(1, size, size).unfold(2, size, size)  # [C, rows, columns, p, p]
        target = patches.permute(1, 2, 3, 4, 0).reshape(len(tokens), -1)
        antenna = decoder_antenna = 0
        head = "vis_decoder_pred"
    else:
        planes = torch.stack([x.real, x.imag], 1)  # [A, 2, T]
        tokens = functional.conv1d(planes, state["iq_segment_embed.weight"], state["iq_segment_embed.bias"], stride=16)
        steps = tokens.shape[2]
        tokens = tokens.permute(2, 0, 1).flatten(0, 1)
        places, decoder_places = (
            torch.cat([state[name][0, :1], state[name][0, 1 : 1 + steps].repeat_interleave(len(x), 0)])
            for name in ("iq_time_pos_embed", "iq_dec_time_pos_embed")
        )
        target = planes.unflatten(2, (steps, 16)).permute(2, 0, 1, 3).reshape(len(tokens), 32)
        antenna = state["iq_ant_embed.weight"][: len(x)].repeat(steps, 1)
        decoder_antenna = state["iq_dec_ant_embed.weight"][: len(x)].repeat(steps, 1)
        head = "iq_decoder_pred"
    tokens = (tokens + places[1:] + antenna)[~hidden]
    tokens = (
        torch.cat([state["cls_token"][0], tokens]) * state[f"mod_ln_scale.{theirs}"] + state[f"mod_ln_bias.{theirs}"]
    )
    encoded = blocks(state, "blocks", tokens, HEADS, "norm")
    encoded = encoded @ state["decoder_embed.weight"].T + state["decoder_embed.bias"]
    whole = state["mask_token"][0].repeat(len(hidden), 1)
    whole[~hidden] = encoded[1:]
    sequence = torch.cat([encoded[:1], whole + decoder_places[1:] + decoder_antenna])
    decoded = blocks(state, "decoder_blocks", sequence, HEADS, "decoder_norm")[1:]
    prediction = decoded @ state[f"{head}.weight"].T + state[f"{head}.bias"]
    seen = prediction
    if normalise:
        mean, deviation = target.mean(1, keepdim=True), (target.var(1, correction=0, keepdim=True) + 1e-6).sqrt()
        target = (target - mean) / deviation
        seen = (prediction - mean) / deviation if modality == "iq" else prediction
    return (seen - target).square().mean(1)[hidden], prediction


def example(modality, generator):
    """Three windows with 1, 3 and most of their tokens hidden: of a wide image of two channels, or three antennas."""
    shape = (3, 2, 16, 24) if modality == "image" else (3, 3, 64)
    x = torch.randn(*shape, generator=generator, dtype=torch.float32 if modality == "image" else torch.complex64)
    tokens = 6 if modality == "image" else 12
    hidden = torch.rand(3, tokens, generator=generator).argsort(1) < torch.tensor([1, 3, tokens - 1])[:, None]
    return x, hidden


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("modality", ["image", "iq"])
def test_loss_and_predictions_are_their_definition(modality, normalise):
    state = pretraining_state(channels=2, grid=(2, 3), patch=8, decoder_depth=2)
    module = wfm_core.load_wavesfm_pretraining(state, HEADS, HEADS, normalise)
    x, hidden = example(modality, torch.Generator().manual_seed(1))
    loss, prediction = module(x, modality, hidden)
    parts = [direct(state, *window, normalise) for window in zip(x, [modality] * 3, hidden, strict=True)]
    torch.testing.assert_close(loss, torch.cat([errors for errors, _ in parts]).mean(), rtol=1e-5, atol=0)
    torch.testing.assert_close(prediction, torch.stack([one for _, one in parts]), rtol=1e-4, atol=1e-5)


def test_the_module_has_their_names_and_its_gradients_are_their_definition_s():
    state = pretraining_state()
    module = wfm_core.load_wavesfm_pretraining(state, HEADS, HEADS)
    assert all(torch.equal(tensor, state[name]) for name, tensor in module.state_dict().items())
    assert set(module.state_dict()) == set(state)
    leaves = {name: tensor.double().requires_grad_() for name, tensor in state.items()}
    x = torch.randn(2, 2, 96, dtype=torch.complex128)
    hidden = torch.arange(12).expand(2, -1) % 3 != torch.tensor([[0], [1]])
    module.double()(x, "iq", hidden)[0].backward()
    torch.cat([direct(leaves, *one, False)[0] for one in zip(x, ["iq"] * 2, hidden, strict=True)]).mean().backward()
    for name, parameter in module.named_parameters():
        if "vis" in name:
            assert parameter.grad is None, name
        else:
            torch.testing.assert_close(parameter.grad, leaves[name].grad, rtol=1e-8, atol=1e-10, msg=name)


@torch.no_grad()
def test_windows_are_cut_after_as_many_tokens_as_there_are_positions():
    module = wfm_core.load_wavesfm_pretraining(pretraining_state(most_tokens=10), HEADS, HEADS)
    x, hidden = torch.randn(1, 3, 100, dtype=torch.complex64), torch.arange(9)[None] < 4
    loss, prediction = module(x, "iq", hidden)
    assert prediction.shape == (1, 9, 32)
    torch.testing.assert_close(loss, module(x[..., :48], "iq", hidden)[0])


@torch.no_grad()
def test_in_bfloat16_the_loss_is_float32():
    module = wfm_core.load_wavesfm_pretraining(pretraining_state(), HEADS, HEADS)
    x, hidden = torch.randn(2, 1, 32, 32), torch.tensor([[True, False, True, True]]).expand(2, -1)
    exact, _ = module(x, "image", hidden)
    with torch.autocast("cpu", torch.bfloat16):
        loss, prediction = module(x, "image", hidden)
    assert loss.dtype == prediction.dtype == torch.float32
    assert float(loss) == pytest.approx(float(exact), rel=0.02)


@pytest.mark.parametrize("modality", ["image", "iq"])
@torch.no_grad()
def test_as_an_autoencoder_of_ours_it_has_the_same_loss(modality):
    state = pretraining_state()
    ours = convert_wavesfm_pretraining(state, HEADS, HEADS)
    x = torch.randn(2, 1, 32, 32) if modality == "image" else torch.randn(2, 2, 32, dtype=torch.complex64)
    hidden = torch.tensor([[True, False, True, True], [True, True, True, False]])
    theirs, _ = wfm_core.load_wavesfm_pretraining(state, HEADS, HEADS)(x, modality, hidden)
    torch.testing.assert_close(ours(modality, x, hidden), theirs)


def refused(reason, state, heads=HEADS, decoder_heads=HEADS, load=wfm_core.load_wavesfm_pretraining):
    with pytest.raises(WfmError, match=reason) as caught:
        load(state, heads, decoder_heads)
    assert "\n" not in str(caught.value)


def test_what_is_no_checkpoint_of_theirs_is_refused():
    state = pretraining_state()
    refused(
        "has left over blocks.0.x, head.weight; expected",
        state | dict.fromkeys(("blocks.0.x", "head.weight"), x := torch.zeros(1)),
    )
    refused(
        "misses decoder_blocks.0.norm1.bias, mask_token; expected",
        {k: v for k, v in state.items() if k not in ("mask_token", "decoder_blocks.0.norm1.bias")},
    )
    refused("misses blocks.0.attn.proj.bias,.* and 42 more", {})
    refused("has left over blocks.99999999999.norm1.bias", state | {"blocks.99999999999.norm1.bias": x})
    refused("holds epoch, which are no tensors", state | {"epoch": 3})
    refused("3 heads with a decoder of 4.*fix heads", state, heads=3)
    refused("4 heads with a decoder of 0.*fix heads", state, decoder_heads=0)
    for name, tensor in state.items():
        refused("shapes do not fit", state | {name: tensor.new_zeros(())})
        other = tensor[..., 1:] if name in POSITIONS else torch.cat([tensor, tensor])
        refused("shapes do not fit", state | {name: other})


def test_only_sinusoids_become_a_foundation():
    state = pretraining_state()
    for name in ("vis_pos_embed", "iq_dec_time_pos_embed"):
        refused("positions are not the sinusoids", state | {name: state[name] + 0.01}, load=convert_wavesfm_pretraining)


@pytest.mark.parametrize(
    ("x", "modality", "hidden", "reason"),
    [
        (torch.zeros(1, 1, 32, 32), "smell", (1, 4), "modality 'smell'; expected one of image, iq"),
        (torch.zeros(1, 2, 32, 32), "image", (1, 4), r"expected float32 \[batch, 1, height, width\]"),
        (torch.zeros(1, 1, 32, 48), "image", (1, 6), "expected multiples of 16 that make 4 tokens"),
        (torch.zeros(1, 1, 16, 64), "image", (1, 4), "not the sinusoids of an image of 16x64 pixels"),
        (torch.zeros(1, 2, 64), "iq", (1, 8), "expected complex64"),
        (torch.zeros(1, 5, 64, dtype=torch.complex64), "iq", (1, 20), "1 to 4 antennas"),
        (torch.zeros(1, 2, 40, dtype=torch.complex64), "iq", (1, 4), "expected a multiple of 16"),
        (torch.zeros(1, 2, 64, dtype=torch.complex64), "iq", (1, 7), r"expected bool \[1, 8\]"),
    ],
)
def test_strange_inputs_are_refused(x, modality, hidden, reason):
    module = wfm_core.load_wavesfm_pretraining(pretraining_state(), HEADS, HEADS)
    with pytest.raises(WfmError, match=reason):
        module(x, modality, torch.ones(hidden, dtype=torch.bool))


def test_hidden_must_hide_something():
    module = wfm_core.load_wavesfm_pretraining(pretraining_state(), HEADS, HEADS)
    for hidden in (torch.zeros(1, 4, dtype=torch.bool), torch.ones(1, 4)):
        with pytest.raises(WfmError, match="fix hidden"):
            module(torch.zeros(1, 1, 32, 32), "image", hidden)
