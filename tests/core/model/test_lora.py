# SPDX-License-Identifier: GPL-3.0-or-later
"""Low-rank adapters and the channel adapter: what they compute, and that merging changes nothing."""

import copy
import math

import numpy as np
import pytest
import torch
from bundle_files import contract_of
from torch.nn import functional

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.bundle import export_bundle, save_model_folder
from wfm_core.model import ClassHead, EncoderConfig, ImageTokens, WirelessModel
from wfm_core.model.adapter import ChannelAdapter, adapt_channels, merge_adapter
from wfm_core.model.lora import add_lora, lora_factor, merge_lora
from wfm_core.model.merge import merged

WIDTH, RANK, ALPHA = 16, 3, 6.0


def small(channels=1):
    torch.manual_seed(0)
    image = ImageTokens(WIDTH, channels, size=(32, 32))
    return WirelessModel(EncoderConfig(WIDTH, 2, 2, 32), image=image, heads={"t": ClassHead(WIDTH, 3)}).eval()


def adapted(scale="sqrt", targets="qv"):
    model = small()
    add_lora(model, RANK, ALPHA, scale, targets)
    for name, parameter in model.named_parameters():
        if name.endswith(".lora.b"):
            torch.nn.init.normal_(parameter)
    return model


def logits(model, channels=1):
    x = torch.randn(2, channels, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return model.heads["t"](model.embed_image(x))


def test_fresh_adapters_change_nothing():
    model = small()
    before = logits(model)
    add_lora(model, RANK, ALPHA)
    torch.testing.assert_close(logits(model), before, rtol=0, atol=0)


@pytest.mark.parametrize(("scale", "factor"), [("sqrt", 64 / math.sqrt(32)), ("rank", 2.0)])
def test_scale(scale, factor):
    assert lora_factor(32, 64, scale) == pytest.approx(factor)


@pytest.mark.parametrize(("scale", "factor"), [("sqrt", ALPHA / math.sqrt(RANK)), ("rank", ALPHA / RANK)])
def test_query_and_value_get_a_product_of_their_own_and_key_none(scale, factor):
    model = adapted(scale)
    layer = model.encoder.blocks[1].attn.qkv
    a, b = layer.lora.a, layer.lora.b
    x = torch.randn(5, WIDTH)
    with torch.no_grad():
        change = layer(x) - functional.linear(x, layer.weight, layer.bias)
        query, value = (x @ a[:, i : i + RANK] @ b[i : i + RANK] * factor for i in (0, RANK))
    torch.testing.assert_close(change, torch.cat([query, torch.zeros(5, WIDTH), value], dim=1), rtol=1e-4, atol=1e-4)
    assert query.abs().min() > 0


def test_the_first_factor_is_drawn_as_published():
    torch.manual_seed(0)
    model = WirelessModel(EncoderConfig(256, 1, 8, 512), image=ImageTokens(256, 1, size=(32, 32)))
    add_lora(model, 16, 32)
    a = model.encoder.blocks[0].attn.qkv.lora.a
    assert a.var().item() == pytest.approx(1 / 16, rel=0.1)


@pytest.mark.parametrize("targets", ["qv", "qv+mlp"])
def test_merged_outputs_are_equal_and_names_are_the_plain_models(targets):
    model = adapted(targets=targets)
    before = logits(model)
    assert (before - logits(small())).abs().max() > 1e-2
    merge_lora(model)
    torch.testing.assert_close(logits(model), before, rtol=0, atol=1e-6)
    assert model.state_dict().keys() == small().state_dict().keys()
    scripted = torch.jit.script(model.encoder)
    torch.testing.assert_close(scripted(torch.ones(1, 4, WIDTH)), model.encoder(torch.ones(1, 4, WIDTH)))


def test_mlp_layers_are_adapted_only_when_asked():
    changed = {}
    for targets in ("qv", "qv+mlp"):
        names = [name for name in adapted(targets=targets).state_dict() if name.endswith(".lora.a")]
        changed[targets] = {name.removesuffix(".lora.a") for name in names}
    blocks = [f"encoder.blocks.{number}." for number in (0, 1)]
    assert changed["qv"] == {f"{block}attn.qkv" for block in blocks}
    assert changed["qv+mlp"] - changed["qv"] == {f"{block}mlp.{layer}" for block in blocks for layer in ("fc1", "fc2")}


def test_adapters_survive_a_copy_and_a_checkpoint(tmp_path):
    model = adapted()
    torch.save(model.state_dict(), tmp_path / "x.pt")
    other = small()
    add_lora(other, RANK, ALPHA)
    other.load_state_dict(torch.load(tmp_path / "x.pt", weights_only=True))
    torch.testing.assert_close(logits(other), logits(model), rtol=0, atol=0)
    torch.testing.assert_close(logits(copy.deepcopy(model)), logits(model), rtol=0, atol=0)


@pytest.mark.parametrize("options", [(0, 8), (4, -1), (4, 8, "cube"), (4, 8, "sqrt", "k")])
def test_refused_options(options):
    with pytest.raises(WfmError, match="expected .*fix the option"):
        add_lora(small(), *options)


def test_the_channel_adapter_starts_as_an_average_and_merges_into_the_projection():
    model = small()
    plain = logits(model)
    adapt_channels(model.image, 3)
    x = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        same = model.heads["t"](model.embed_image(x.expand(-1, 3, -1, -1)))
    torch.testing.assert_close(same, plain)
    torch.nn.init.normal_(model.image.adapter.weight)
    before = logits(model, 3)
    merge_adapter(model.image)
    torch.testing.assert_close(logits(model, 3), before, rtol=1e-5, atol=1e-5)
    assert model.state_dict().keys() == small(3).state_dict().keys()
    small(3).load_state_dict(model.state_dict())


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_bundle_of_a_tuned_model_gives_its_outputs(tmp_path):
    model = adapted(targets="qv+mlp")
    adapt_channels(model.image, 3)
    torch.nn.init.normal_(model.image.adapter.weight)
    before = logits(model, 3)
    contract = contract_of(
        encoder={"width": WIDTH, "depth": 2, "heads": 2, "mlp_hidden": 32},
        input="image",
        modality="image",
        image={"channels": 3, "size": [32, 32]},
        signal={},
        tasks={"t": {"kind": "classification", "labels": ["a", "b", "c"]}},
    )
    save_model_folder(tmp_path / "run", contract, merged(model).state_dict())
    bundle = wfm_core.load_bundle(export_bundle(tmp_path / "run", tmp_path), device="cpu", dtype="fp32")
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    np.testing.assert_allclose(bundle.infer_image(x)["t"], before.softmax(1), atol=1e-5)
    torch.testing.assert_close(logits(model, 3), before, rtol=0, atol=0)  # the model itself may train on


def test_no_adapter_where_the_channels_are_right():
    model = small()
    adapt_channels(model.image, 1)
    assert not any(isinstance(module, ChannelAdapter) for module in model.modules())
    merge_adapter(model.image)
    assert model.state_dict().keys() == small().state_dict().keys()


def test_an_adapter_refuses_other_channels():
    model = small()
    adapt_channels(model.image, 3)
    with pytest.raises(ValueError, match=r"expected \[batch, 3, height, width\]"):
        logits(model, 1)
