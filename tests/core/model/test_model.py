# SPDX-License-Identifier: GPL-3.0-or-later
"""The model against the paper's figures and against slow, direct definitions."""

import math

import pytest
import torch

from wfm_core.model import (
    AFFINES,
    ClassHead,
    Encoder,
    EncoderConfig,
    ImageTokens,
    IqTokens,
    QuantityHead,
    WirelessModel,
    pool,
    sinusoids_1d,
    sinusoids_2d,
)
from wfm_core.model.encoder import WRITTEN_OUT_TOKENS, Attention


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(1)


@pytest.mark.parametrize(
    ("config", "parameters"), [(EncoderConfig(), 6_318_080), (EncoderConfig(128, 4, 16, 512), 793_088)]
)
def test_blocks_have_the_papers_parameter_counts(config, parameters):
    blocks = Encoder(config).blocks
    assert sum(parameter.numel() for parameter in blocks.parameters()) == parameters


def direct_attention(layer: Attention, x: torch.Tensor) -> torch.Tensor:
    """Token by token and head by head, in float64."""
    batch, tokens, width = x.shape
    size = width // layer.heads
    q, k, v = layer.qkv(x).split(width, dim=2)
    mixed = torch.zeros_like(x)
    for b in range(batch):
        for head in range(layer.heads):
            part = slice(head * size, (head + 1) * size)
            for n in range(tokens):
                scores = torch.stack([q[b, n, part] @ k[b, j, part] for j in range(tokens)]) / math.sqrt(size)
                weights = scores.exp() / scores.exp().sum()
                mixed[b, n, part] = sum(weights[j] * v[b, j, part] for j in range(tokens))
    return layer.proj(mixed)


@pytest.mark.parametrize("limit", [WRITTEN_OUT_TOKENS, 0], ids=["written out", "fused"])
def test_attention_is_its_definition(limit):
    layer = Attention(16, 4).double()
    layer.written_out_tokens = limit
    x = torch.randn(2, 5, 16, dtype=torch.float64)
    torch.testing.assert_close(layer(x), direct_attention(layer, x))


def test_image_tokens_are_row_major_patches():
    tokens = ImageTokens(8, channels=2, size=(48, 32)).double()
    image = torch.randn(3, 2, 48, 32, dtype=torch.float64)
    seen = tokens(image)
    assert seen.shape == (3, 6, 8)
    for row in range(3):
        for column in range(2):
            patch = image[:, :, row * 16 : row * 16 + 16, column * 16 : column * 16 + 16].flatten(1)
            wanted = tokens.projection(patch) + tokens.positions[row * 2 + column]
            torch.testing.assert_close(seen[:, row * 2 + column], wanted)


def test_iq_tokens_are_time_major_and_antenna_minor():
    tokens = IqTokens(8, max_antennas=4)
    with torch.no_grad():
        tokens.scale.mul_(1.5)
        tokens.shift.add_(0.25)
    iq = torch.randn(2, 3, 64, dtype=torch.complex64)
    seen = tokens(iq)
    assert seen.shape == (2, 4 * 3, 8)
    for step in range(4):
        for antenna in range(3):
            segment = torch.view_as_real(iq[:, antenna, step * 16 : step * 16 + 16]).flatten(1)
            wanted = tokens.projection(segment) * 1.5 + 0.25  # affine before positions and antenna vectors
            wanted = wanted + sinusoids_1d(4, 8)[step] + tokens.antenna[antenna]
            torch.testing.assert_close(seen[:, step * 3 + antenna], wanted)


@pytest.mark.parametrize("modality", ["image", "iq"])
def test_the_affine_may_follow_the_positions_and_the_cls_token(modality):
    tokens = {"image": ImageTokens(8, 1, size=(32, 32), affine="after"), "iq": IqTokens(8, affine="after")}[modality]
    x = {"image": torch.randn(2, 1, 32, 32), "iq": torch.randn(2, 2, 32, dtype=torch.complex64)}[modality]
    model = WirelessModel(EncoderConfig(8, 1, 2, 32), **{modality: tokens})
    model.encoder = torch.nn.Identity()
    with torch.no_grad():
        tokens.scale.copy_(torch.randn(8))
        tokens.shift.copy_(torch.randn(8))
    place = sinusoids_2d(2, 2, 8)
    if modality == "iq":  # two antennas in each of two time steps
        place = sinusoids_1d(2, 8).repeat_interleave(2, 0) + tokens.antenna[:2].repeat(2, 1)
    sequence = torch.cat([model.cls_token.expand(2, -1, -1), tokens.projection(tokens.values(x)) + place], 1)
    encode = {"image": model.encode_image, "iq": model.encode_iq}[modality]
    torch.testing.assert_close(encode(x), sequence * tokens.scale + tokens.shift)


@pytest.mark.parametrize("affine", AFFINES)
def test_both_forms_of_the_affine_compile(affine):
    iq = IqTokens(8, affine=affine)
    x = torch.randn(2, 2, 32, dtype=torch.complex64)
    torch.testing.assert_close(torch.jit.script(iq)(x), iq(x))
    image = ImageTokens(8, 1, size=(32, 32), affine=affine)
    x = torch.randn(2, 1, 32, 32)
    torch.testing.assert_close(torch.jit.script(image)(x), image(x))


def test_an_unknown_place_of_the_affine_is_refused():
    with pytest.raises(ValueError, match="before, after"):
        IqTokens(8, affine="behind")


@pytest.mark.parametrize("antennas", range(1, 17))
def test_one_to_sixteen_antennas(antennas):
    tokens = IqTokens(8)(torch.randn(1, antennas, 32, dtype=torch.complex64))
    assert tokens.shape == (1, 2 * antennas, 8)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_images_of_several_channels(channels):
    model = WirelessModel(EncoderConfig(16, 1, 2, 32), image=ImageTokens(16, channels, size=(32, 32)))
    assert model.embed_image(torch.randn(2, channels, 32, 32)).shape == (2, 16)


def test_windows_longer_than_the_position_table():
    tokens = IqTokens(8)
    long = 16 * (IqTokens.TABLE_STEPS + 2)
    torch.testing.assert_close(
        tokens(torch.zeros(1, 1, long, dtype=torch.complex64))[0],
        sinusoids_1d(IqTokens.TABLE_STEPS + 2, 8) + tokens.antenna[0],
    )


@pytest.mark.parametrize("shape", [(1, 17, 32), (1, 1, 33), (1, 1, 0), (1, 32)])
def test_wrong_iq_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="expected"):
        IqTokens(8)(torch.zeros(shape, dtype=torch.complex64))


@pytest.mark.parametrize("shape", [(1, 2, 32, 32), (1, 1, 16, 32), (1, 32, 32)])
def test_wrong_image_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="expected"):
        ImageTokens(8, 1, size=(32, 32))(torch.zeros(shape))


def test_positions_are_the_documented_sinusoids_and_never_train():
    assert sinusoids_1d(3, 4)[2].tolist() == pytest.approx([math.sin(2), math.sin(0.02), math.cos(2), math.cos(0.02)])
    grid = sinusoids_2d(2, 3, 8)
    torch.testing.assert_close(grid[1 * 3 + 2], torch.cat([sinusoids_1d(3, 4)[2], sinusoids_1d(2, 4)[1]]))
    model = WirelessModel(EncoderConfig(16, 1, 2, 32), ImageTokens(16, 1, size=(32, 32)), IqTokens(16))
    assert not [name for name, _ in model.named_parameters() if "position" in name]
    assert not [name for name in model.state_dict() if "position" in name]


def test_the_cls_token_comes_first_and_has_no_position():
    model = WirelessModel(EncoderConfig(16, 1, 2, 32), iq=IqTokens(16))
    model.encoder = torch.nn.Identity()
    iq = torch.randn(2, 1, 32, dtype=torch.complex64)
    torch.testing.assert_close(model.embed_iq(iq), model.cls_token[0].expand(2, -1))
    torch.testing.assert_close(model.embed_iq(iq, "mean"), model.iq(iq).mean(1))
    assert pool(torch.arange(6.0).view(1, 3, 2), "mean").tolist() == [[3.0, 4.0]]


def test_the_antenna_vector_tells_antennas_apart():
    model = WirelessModel(EncoderConfig(16, 1, 2, 32), iq=IqTokens(16)).eval()
    iq = torch.randn(1, 2, 64, dtype=torch.complex64)
    assert not torch.allclose(model.embed_iq(iq), model.embed_iq(iq.flip(1)), atol=1e-5)


def test_gradients_reach_every_parameter():
    heads = {"interference": ClassHead(16, 3), "position": QuantityHead(16, 3)}
    model = WirelessModel(EncoderConfig(16, 2, 2, 32), iq=IqTokens(16, max_antennas=2), heads=heads)
    embedding = model.embed_iq(torch.randn(4, 2, 64, dtype=torch.complex64))
    sum(head(embedding).square().sum() for head in model.heads.values()).backward()
    assert not [name for name, parameter in model.named_parameters() if not parameter.grad.abs().sum()]


def test_a_width_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="multiple"):
        EncoderConfig(width=100, heads=8)
