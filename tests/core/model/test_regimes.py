# SPDX-License-Identifier: GPL-3.0-or-later
"""What trains in each regime, parameter by parameter, and how fast."""

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.model import ClassHead, EncoderConfig, ImageTokens, IqTokens, WirelessModel
from wfm_core.model.adapter import adapt_channels
from wfm_core.train.optimizers import layer_groups
from wfm_core.train.regimes import apply_regime

DEPTH = 4
LAYERS = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
INPUTS = {
    "cls_token",
    "image.adapter.weight",
    *(f"{side}.{name}" for side in ("image", "iq") for name in ("projection.weight", "projection.bias")),
    *(f"{side}.{name}" for side in ("image", "iq") for name in ("scale", "shift")),
    "iq.antenna",
}
OUTPUTS = {"encoder.norm.weight", "encoder.norm.bias", "heads.t.linear.weight", "heads.t.linear.bias"}


def small():
    torch.manual_seed(0)
    image = ImageTokens(16, 1, size=(32, 32))
    adapt_channels(image, 3)
    return WirelessModel(EncoderConfig(16, DEPTH, 2, 32), image, IqTokens(16, 2), {"t": ClassHead(16, 3)})


def block(*numbers):
    kinds = ("weight", "bias")
    return {f"encoder.blocks.{number}.{layer}.{kind}" for number in numbers for layer in LAYERS for kind in kinds}


def adapters(*layers):
    """`a` and `b` of the adapters in every block."""
    return {
        f"encoder.blocks.{number}.{layer}.lora.{factor}"
        for number in range(DEPTH)
        for layer in layers
        for factor in "ab"
    }


EXPECTED = [
    ("lp", {}, set()),
    ("ft2", {}, block(2, 3)),
    ("ft2", {"blocks": 1}, block(3)),
    ("ft2", {"blocks": DEPTH}, block(0, 1, 2, 3)),
    ("lora", {}, adapters("attn.qkv")),
    ("lora", {"targets": "qv+mlp"}, adapters("attn.qkv", "mlp.fc1", "mlp.fc2")),
    ("full", {}, block(0, 1, 2, 3)),
    ("scratch", {}, block(0, 1, 2, 3)),
]


@pytest.mark.parametrize(("regime", "options", "trained"), EXPECTED)
def test_what_trains(regime, options, trained):
    model = small()
    names = apply_regime(model, regime, rank=2, alpha=4, **options)
    assert len(names) == len(set(names))
    assert set(names) == INPUTS | OUTPUTS | trained


@pytest.mark.parametrize(("regime", "options", "trained"), EXPECTED[:-1])
def test_frozen_inputs(regime, options, trained):
    assert set(apply_regime(small(), regime, rank=2, freeze_inputs=True, **options)) == OUTPUTS | trained


@pytest.mark.parametrize(("regime", "options", "trained"), EXPECTED)
def test_one_step_moves_exactly_what_trains(regime, options, trained):
    model = small()
    names = apply_regime(model, regime, rank=2, alpha=4, **options)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    positions = model.image.positions.clone(), model.iq.positions.clone()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    for _ in range(2):  # the first moves only `b` of an adapter, as that starts at zero
        optimizer.zero_grad()
        embedding = model.embed_image(torch.randn(2, 3, 32, 32)) + model.embed_iq(
            torch.randn(2, 2, 64, dtype=torch.complex64)
        )
        model.heads["t"](embedding).square().sum().backward()
        optimizer.step()
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == set(names)
    assert torch.equal(model.image.positions, positions[0]) and torch.equal(model.iq.positions, positions[1])


@pytest.mark.parametrize(
    ("regime", "options", "reason"),
    [
        ("ft3", {}, "'ft3' is not known; expected one of lp, ft2, lora, full, scratch"),
        ("ft2", {"blocks": 5}, "5 blocks to unfreeze; the encoder has 4"),
        ("ft2", {"blocks": 0}, "0 blocks"),
        ("scratch", {"freeze_inputs": True}, "random; leave out --freeze-inputs"),
        ("lora", {"rank": 0}, "rank 0"),
    ],
)
def test_refused(regime, options, reason):
    with pytest.raises(WfmError, match=reason):
        apply_regime(small(), regime, **options)


def test_learning_rates_fall_from_head_to_input_as_published():
    model = small()
    apply_regime(model, "full")
    groups = layer_groups(model, rate=0.1, decay=0.75, weight_decay=0.05)
    rates, decays = {}, {}
    for group in groups:
        for parameter in group["params"]:
            name = next(name for name, other in model.named_parameters() if other is parameter)
            assert name not in rates
            rates[name], decays[name] = group["lr"], group["weight_decay"]
    assert rates.keys() == dict(model.named_parameters()).keys()
    assert rates["heads.t.linear.weight"] == rates["encoder.norm.bias"] == rates["iq.scale"] == 0.1
    for number in range(DEPTH):
        assert rates[f"encoder.blocks.{number}.mlp.fc2.weight"] == pytest.approx(0.1 * 0.75 ** (DEPTH - number))
    first = 0.1 * 0.75 ** (DEPTH + 1)
    for name in ("cls_token", "iq.antenna", "image.projection.weight", "image.adapter.weight"):
        assert rates[name] == pytest.approx(first)
    assert decays["heads.t.linear.weight"] == decays["encoder.blocks.0.attn.qkv.weight"] == 0.05
    assert decays["heads.t.linear.bias"] == decays["encoder.norm.weight"] == decays["cls_token"] == 0.0


def test_what_is_frozen_is_in_no_group():
    model = small()
    names = apply_regime(model, "lora", rank=2)
    grouped = [p for group in layer_groups(model, 0.1, 0.75, 0.0) for p in group["params"]]
    trained = [p for name, p in model.named_parameters() if name in names]
    assert {id(p) for p in grouped} == {id(p) for p in trained} and len(grouped) == len(trained)
