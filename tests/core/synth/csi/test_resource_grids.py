# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels over the grid of a slot, and their pilots."""

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.resource_grids import (
    PILOT_SUBCARRIERS,
    PILOT_SYMBOLS,
    SPACING,
    SUBCARRIERS,
    SYMBOLS,
    draw_grids,
)


def drawn(count=400, seed=1, **options):
    return draw_grids(count, torch.Generator().manual_seed(seed), **options)


def test_pilots_are_the_channel_and_noise_of_the_stated_power():
    grids = drawn()
    assert grids.channel.shape == (400, SUBCARRIERS, SYMBOLS) and grids.pilots.shape == (400, 24, 3)
    true = grids.channel[:, list(PILOT_SUBCARRIERS)][:, :, list(PILOT_SYMBOLS)]
    wrong = (grids.pilots - true).abs().square().mean((1, 2)) / grids.noise
    assert wrong.mean().item() == pytest.approx(1, abs=0.03)
    snr_db = 10 * (grids.channel.abs().square().mean((1, 2)) / grids.noise).log10()
    torch.testing.assert_close(snr_db, grids.causes["snr_db"], atol=1e-3, rtol=0)
    assert 0 <= snr_db.min() < 3 and 27 < snr_db.max() <= 30
    assert grids.channel.abs().square().mean().item() == pytest.approx(1, abs=0.15)


def test_channels_turn_with_the_terminal_and_with_the_delay():
    """Over time by at most the Doppler shift (but for moments of a fade), over the band by the delays."""
    grids = drawn(scenarios=["umi-los"])
    turned = torch.angle((grids.channel[:, :, 1:] * grids.channel[:, :, :-1].conj()).sum((1, 2))).abs()
    fastest = 2 * torch.pi * grids.causes["speed"] * grids.causes["carrier"] / 3e8 * 1e-3 / 28
    assert (turned <= 1.02 * fastest + 1e-4).float().mean() > 0.9 and turned.max() > 0.02
    step = torch.angle((grids.channel[:, 1:] * grids.channel[:, :-1].conj()).sum((1, 2)))
    delay = -step / (2 * torch.pi * SPACING)
    assert -1.5e-7 < delay.min() < 0 < delay.max() < 5e-7


def test_a_seed_gives_the_same_again():
    torch.testing.assert_close(drawn(8).pilots, drawn(8).pilots)
    assert not torch.equal(drawn(8).pilots, drawn(8, seed=2).pilots)


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(WfmError, match="0 slots"):
        drawn(0)
    with pytest.raises(WfmError, match="no scenario 'space'"):
        drawn(8, scenarios=["space"])
