# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens to one embedding: each pooling against what it says, its width, in TorchScript, and its gradient."""

import pytest
import torch

from wfm_core.model import (
    ALL_POOLINGS,
    ChannelImageTokens,
    EncoderConfig,
    ImageTokens,
    WirelessModel,
    pool,
    pooled_parts,
)

ROWS, COLUMNS, CHANNELS, WIDTH = 2, 3, 2, 4


def tokens():
    """[2, 1 + 12, 4] and, of the same numbers without the CLS token, [2, rows, columns, channels, 4]."""
    x = torch.randn(2, 1 + ROWS * COLUMNS * CHANNELS, WIDTH, generator=torch.Generator().manual_seed(1))
    return x, x[:, 1:].view(2, ROWS, COLUMNS, CHANNELS, WIDTH)


def summary(parts):
    """Of a list of [n, 4] tokens that belong together: their means and deviations, in the order of the list's axes."""
    return torch.stack([torch.cat([part.mean(0), part.std(0, correction=0)]) for part in parts]).flatten()


@pytest.mark.parametrize("pooling", ALL_POOLINGS)
def test_the_width_is_what_is_said_and_torchscript_says_the_same(pooling):
    x, _ = tokens()
    found = pool(x, pooling, COLUMNS, CHANNELS)
    assert found.shape == (2, WIDTH * pooled_parts(pooling, ROWS, COLUMNS, CHANNELS))
    assert torch.equal(torch.jit.script(pool)(x, pooling, COLUMNS, CHANNELS), found)
    assert pool(x.bfloat16(), pooling, COLUMNS, CHANNELS).dtype == torch.bfloat16


def test_rows_and_columns_are_summarised_channel_by_channel():
    x, places = tokens()
    for item in range(2):
        rows = summary([places[item, row, :, channel] for row in range(ROWS) for channel in range(CHANNELS)])
        columns = summary(
            [places[item, :, column, channel] for column in range(COLUMNS) for channel in range(CHANNELS)]
        )
        found = {name: pool(x, name, COLUMNS, CHANNELS)[item] for name in ("rows", "columns", "grid", "channels")}
        torch.testing.assert_close(found["rows"], rows, atol=1e-3, rtol=1e-4)
        torch.testing.assert_close(found["columns"], columns, atol=1e-3, rtol=1e-4)
        torch.testing.assert_close(found["grid"], torch.cat([rows, columns]), atol=1e-3, rtol=1e-4)
        torch.testing.assert_close(found["channels"], places[item].mean((0, 1)).flatten())


def test_rows_do_not_mind_when_something_happened_and_columns_do():
    x, places = tokens()
    later = torch.cat([x[:, :1], places.roll(1, 2).flatten(1, 3)], 1)
    torch.testing.assert_close(pool(x, "rows", COLUMNS, CHANNELS), pool(later, "rows", COLUMNS, CHANNELS))
    assert not torch.allclose(pool(x, "columns", COLUMNS, CHANNELS), pool(later, "columns", COLUMNS, CHANNELS))


def test_tokens_that_are_all_alike_have_a_gradient():
    x = torch.zeros(1, 1 + ROWS * COLUMNS * CHANNELS, WIDTH, requires_grad=True)
    pool(x, "grid", COLUMNS, CHANNELS).sum().backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("apart", [True, False])
def test_a_network_knows_its_images_rows_columns_and_channels(apart):
    torch.manual_seed(0)
    image = ChannelImageTokens(16, 3) if apart else ImageTokens(16, 3, size=(32, 48))
    model = WirelessModel(EncoderConfig(width=16, depth=1, heads=2, mlp_hidden=32), image=image).eval()
    pixels = torch.randn(2, 3, 32, 48)
    channels = 3 if apart else 1
    for pooling in ALL_POOLINGS:
        wanted = pool(model.encode_image(pixels), pooling, 3, channels)
        assert torch.equal(model.embed_image(pixels, pooling), wanted)
        assert wanted.shape[1] == 16 * pooled_parts(pooling, 2, 3, channels)
