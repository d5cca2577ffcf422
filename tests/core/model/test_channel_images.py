# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of any size whose channels are tokens of their own, against slow, direct definitions."""

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.bundle.screening.operators import screen_graphs
from wfm_core.model import (
    AFFINES,
    ChannelImageTokens,
    EncoderConfig,
    ImageTokens,
    MaskedAutoencoder,
    WirelessModel,
    random_masks,
    sinusoids_1d,
    sinusoids_2d,
)
from wfm_core.model.adapter import fit_images, merge_adapter
from wfm_core.model.channel_images import TABLE_ROWS

SHAPES = [(1, 16, 16), (3, 48, 32), (8, 16, 64)]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(1)


def moved(tokens):
    """With an affine that is away from the identity."""
    with torch.no_grad():
        tokens.scale.add_(torch.randn_like(tokens.scale) * 0.3)
        tokens.shift.add_(torch.randn_like(tokens.shift) * 0.3)
    return tokens


def patches(image):
    """(place, channel, pixels) of one image [C, H, W], patch by patch in the documented order."""
    channels, height, width = image.shape
    corners = [(row, column) for row in range(0, height, 16) for column in range(0, width, 16)]
    for place, (row, column) in enumerate(corners):
        for channel in range(channels):
            yield place, channel, image[channel, row : row + 16, column : column + 16].flatten()


@pytest.mark.parametrize("affine", AFFINES)
@pytest.mark.parametrize("shape", SHAPES)
def test_tokens_are_place_major_and_channel_minor(shape, affine):
    tokens = moved(ChannelImageTokens(8, affine=affine))
    image = torch.randn(2, *shape)
    seen = tokens(image)
    positions = sinusoids_2d(shape[1] // 16, shape[2] // 16, 8)
    for sample, row in zip(image, seen, strict=True):
        wanted = list(patches(sample))
        assert len(wanted) == len(row)
        for token, (place, channel, pixels) in zip(row, wanted, strict=True):
            where, plain = positions[place] + tokens.channel[channel], tokens.projection(pixels)
            if affine == "after":
                torch.testing.assert_close(token, (plain + where) * tokens.scale + tokens.shift)
            else:
                torch.testing.assert_close(token, plain * tokens.scale + tokens.shift + where)


def test_one_projection_serves_all_channels():
    tokens = ChannelImageTokens(8)
    assert tokens.projection.weight.shape == (8, 256) and tokens.channel.shape == (8, 8)
    one = torch.randn(1, 1, 32, 32)
    seen = tokens(one.expand(1, 4, 32, 32)).unflatten(1, (-1, 4)) - tokens.channel[:4]
    torch.testing.assert_close(seen, (tokens(one) - tokens.channel[0]).unsqueeze(2).expand_as(seen))


def test_images_larger_than_the_table_of_positions():
    tokens = ChannelImageTokens(8, max_channels=1)
    wide = tokens.places(torch.empty(1, 1, 32, 16 * (TABLE_ROWS + 3)))
    torch.testing.assert_close(wide, sinusoids_2d(2, TABLE_ROWS + 3, 8) + tokens.channel[0])


def test_positions_do_not_depend_on_the_table_they_come_from():
    for rows, columns in ((1, 1), (14, 14), (2, 16), (9, 5)):
        row, column = (sinusoids_1d(count, 64) for count in (rows, columns))
        direct = [torch.cat([column[c], row[r]]) for r in range(rows) for c in range(columns)]
        assert torch.equal(sinusoids_2d(rows, columns, 128), torch.stack(direct))


def test_compiled_it_takes_every_shape_with_allowed_operators():
    model = WirelessModel(EncoderConfig(16, 1, 2, 32), image=ChannelImageTokens(16))
    scripted = torch.jit.script(model.image)
    screen_graphs(scripted, "test")
    for shape in [*SHAPES, (1, 16, 16 * (TABLE_ROWS + 1))]:
        image = torch.randn(2, *shape)
        torch.testing.assert_close(scripted(image), model.image(image))
        assert model.embed_image(image, "mean").shape == (2, 16)


@pytest.mark.parametrize(
    ("shape", "named"),
    [
        ((1, 9, 16, 16), "1 to 8 channels"),
        ((1, 0, 16, 16), "1 to 8 channels"),
        ((1, 16, 16), "1 to 8 channels"),
        ((1, 2, 30, 16), "image of 30x16 pixels: expected sides that are multiples of 16"),
        ((1, 2, 16, 0), "image of 16x0 pixels"),
    ],
)
def test_wrong_shapes_are_refused(shape, named):
    with pytest.raises(ValueError, match=named):
        ChannelImageTokens(8)(torch.zeros(shape))


def test_a_side_is_fitted_to_a_tasks_images():
    tokens = ChannelImageTokens(8)
    image = torch.randn(2, 3, 32, 16)
    whole = tokens(image)
    fit_images(tokens, 3, (32, 16))
    merge_adapter(tokens)
    assert [name for name, _ in tokens.named_parameters()] == [
        "scale", "shift", "channel", "projection.weight", "projection.bias"
    ]  # fmt: skip
    assert torch.equal(tokens(image), whole) and tokens.channel.shape == (3, 8)
    with pytest.raises(WfmError, match="images of 4 channels; expected 1 to 3"):
        fit_images(tokens, 4, (32, 16))
    mixed = ImageTokens(8, 1, size=(32, 32))
    fit_images(mixed, 3, (32, 16))
    averaged = mixed.projection(image.mean(1).unflatten(1, (2, 16)).flatten(2)) + sinusoids_2d(2, 1, 8)
    torch.testing.assert_close(mixed(image), averaged)


def autoencoder(**settings):
    image = moved(ChannelImageTokens(16, 4))
    return MaskedAutoencoder(WirelessModel(EncoderConfig(16, 1, 2, 32), image), EncoderConfig(8, 1, 2, 16), **settings)


@pytest.mark.parametrize("settings", [{}, {"normalise_targets": ["image"]}, {"antenna_vectors": False}])
@pytest.mark.parametrize("shape", [(1, 32, 16), (3, 32, 48), (4, 16, 32)])
def test_masked_loss_is_its_definition(shape, settings):
    auto = autoencoder(**settings).double()
    x = torch.randn(2, *shape, dtype=torch.float64)
    count = shape[0] * shape[1] * shape[2] // 256
    mask = random_masks(torch.arange(2), count, 0.5, 3)
    assert auto.tokens("image", x) == count
    columns = shape[2] // 16
    positions = sinusoids_2d(shape[1] // 16, columns, 8).double()
    model, errors = auto.model, []
    for sample, masked in zip(x, mask.tolist(), strict=True):
        tokens = list(patches(sample))
        whole = model.image(sample[None])[0]
        visible = [token for token, hidden in zip(whole, masked, strict=True) if not hidden]
        encoded = list(auto.to_decoder(model.encoder(torch.stack([model.cls_token[0, 0], *visible])[None]))[0])
        sequence = [encoded.pop(0)]
        for (place, channel, _), hidden in zip(tokens, masked, strict=True):
            token = auto.mask_token[0, 0] if hidden else encoded.pop(0)
            sequence.append(token + positions[place] + auto.decoder_channel[channel])
        decoded = auto.decoder(torch.stack(sequence)[None])[0, 1:]
        for token, (_, _, pixels), hidden in zip(decoded, tokens, masked, strict=True):
            if settings.get("normalise_targets"):
                pixels = (pixels - pixels.mean()) / (pixels.var() + 1e-6).sqrt()
            if hidden:
                errors.append((auto.reconstruction["image"](token) - pixels).square().mean())
    assert auto("image", x, mask).item() == pytest.approx(torch.stack(errors).mean().item(), rel=1e-5)


def test_a_hidden_channel_is_learnt_from_the_others():
    """All channels show the same noise: nothing but another channel of the place tells a hidden token."""
    auto = autoencoder()
    optimizer = torch.optim.Adam(auto.parameters(), 1e-2)
    hidden = torch.zeros(16, 2, 3, dtype=torch.bool)
    hidden[:, :, 2] = True
    losses = []
    for _ in range(150):
        x = torch.randn(16, 1, 1, 2).repeat_interleave(16, 2).repeat_interleave(16, 3).expand(-1, 3, -1, -1)
        optimizer.zero_grad()
        loss = auto("image", x, hidden.flatten(1))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) / 10 < 0.2 * sum(losses[:10]) / 10


def test_state_of_the_sides_before_is_as_it_was():
    auto = MaskedAutoencoder(
        WirelessModel(EncoderConfig(16, 1, 2, 32), ImageTokens(16, 1, size=(32, 32))), EncoderConfig(8, 1, 2, 16)
    )
    assert not any("channel" in name for name in auto.state_dict())
    assert "decoder_channel" in autoencoder().state_dict() and "model.image.channel" in autoencoder().state_dict()
