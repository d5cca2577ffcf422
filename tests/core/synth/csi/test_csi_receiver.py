# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets and receivers: times with losses, phases that antennas share, integers."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.images import csi_images, referenced
from wfm_core.synth.csi.packets import packet_times
from wfm_core.synth.csi.receiver import draw_receivers, received
from wfm_core.synth.draws import complex_normal


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def times(jitter=0.0, loss=0.0, stay=0.1, packets=2000):
    one = torch.ones(4)
    return packet_times(packets, 100 * one, jitter * one, loss * one, stay * one, generator())


def test_packets_without_jitter_or_loss_are_even():
    found = times()
    np.testing.assert_allclose(found.diff(dim=1), 0.01, rtol=3e-3)
    assert (found[:, 0] == 0).all()


def test_losses_are_gaps_in_time():
    steps = (times(loss=0.1, stay=1e-6).diff(dim=1) * 100).round()
    assert (steps > 1).float().mean() == pytest.approx(0.1, abs=0.02) and steps.max() == 2
    bursts = (times(loss=0.1, stay=0.7).diff(dim=1) * 100).round()
    lost = bursts[bursts > 1] - 1
    assert lost.mean().item() == pytest.approx(1 / 0.3, rel=0.2), "as long as losses go on with that chance"


def test_jitter_moves_packets_and_keeps_their_order_and_rate():
    found = times(jitter=0.3).double()
    steps = found.diff(dim=1)
    assert (steps > 0).all() and steps.std() > 0.002
    np.testing.assert_allclose(steps.mean(1), 0.01, rtol=0.01)


def reported(grid, batch=6, moments=400, seed=1, **settings):
    """A channel that stands still, as receivers with these settings report it: [B, 3, K, N], channel and receivers."""
    channel = complex_normal((batch, 3, 1, len(grid)), generator(seed)).expand(-1, -1, moments, -1)
    receiver = draw_receivers(batch, 3, grid, generator(seed))
    for name, value in settings.items():
        whole = value if name == "bits" else torch.full_like(getattr(receiver, name), value)
        setattr(receiver, name, whole)
    when = torch.arange(moments).expand(batch, -1) / 100
    csi = received(channel, when, grid, receiver, 1, generator(seed + 1))
    return csi.transpose(2, 3), channel, receiver


def test_noise_is_all_that_changes_where_nothing_moves():
    settings = {"spike": 0.0, "gain_step": 0.0, "gain_jitter": 0.0, "locked": 1.0, "delay_jitter": 0.0, "bits": 0}
    csi, _, _ = reported(find_grid("atheros-20"), snr_db=20.0, **settings)
    still = csi.mean(3, keepdim=True)
    noise = (csi - still).abs().square().mean((1, 2, 3))
    gains = still.abs().square().mean((1, 2, 3))
    # of the antennas' own gains the signal-to-noise ratio knows nothing
    _, channel, receiver = reported(find_grid("atheros-20"), snr_db=20.0, **settings)
    expected = 0.01 / (10 ** (receiver.gain_db / 10)).mean(1)
    np.testing.assert_allclose(noise / gains, expected, rtol=0.5)
    quiet, _, _ = reported(find_grid("atheros-20"), snr_db=200.0, **settings)
    assert (quiet - quiet[..., :1]).abs().max() < 1e-4


def test_phases_are_drawn_a_packet_and_shared_by_antennas():
    csi, _, _ = reported(find_grid("atheros-20"), snr_db=60.0, bits=0, locked=0.0, delay_jitter=10e-9, spike=0.0)
    between = csi[:, 0] * csi[:, 1].conj()
    steady = between / between.abs()
    assert (steady.mean(2).abs() > 0.999).all()
    step = csi[..., 1:] * csi[..., :-1].conj()
    assert (step / step.abs()).mean((1, 2, 3)).abs().max() < 0.2, "nothing is left of a packet's own phase"
    slope = (csi[:, :, 1:28] * csi[:, :, :27].conj()).sum((1, 2)).angle()
    np.testing.assert_allclose(slope.std(1), 2 * np.pi * 312_500 * 10e-9, rtol=0.2)
    again = referenced(csi)
    steady = again / again.abs()
    assert steady.mean(3).abs().mean() > 0.99, "and the reference takes both out"


def test_gain_control_moves_in_steps_and_holds():
    grid = find_grid("intel5300-20")
    settings = {"snr_db": 60.0, "bits": 0, "spike": 0.0}
    csi, _, _ = reported(grid, gain_step=2.0, gain_jitter=0.5, **settings)
    level = 10 * torch.log10(csi.abs().square().mean((1, 2)))
    steps = level.diff(dim=1) / 2
    np.testing.assert_allclose(steps, steps.round(), atol=0.05)
    assert steps.round().abs().max() >= 1
    held, _, _ = reported(grid, gain_step=0.0, gain_jitter=0.0, **settings)
    assert held.abs().square().mean((1, 2)).log10().std(1).max() < 1e-3


def test_integers_of_so_many_bits():
    for name, full in (("intel5300-20", 128), ("atheros-20", 512)):
        parts = torch.view_as_real(reported(find_grid(name))[0])
        assert (parts == parts.round()).all() and parts.min() >= -full and parts.max() <= full - 1
        assert parts.abs().amax((1, 2, 3, 4)).min() > full / 8


def test_bins_that_carry_nothing_hold_noise():
    csi, _, _ = reported(find_grid("esp32-20"), snr_db=30.0)
    power = csi.abs().square().mean((0, 1, 3))
    used = find_grid("esp32-20").mask()
    assert power[~used].max() < 0.02 * power[used].mean() and power[~used].max() > 0


def test_images():
    csi = complex_normal((2, 3, 30, 16), generator())
    amplitude, both = csi_images(csi), csi_images(csi, "amplitude_phase")
    assert amplitude.shape == (2, 3, 30, 16) and amplitude.dtype == torch.float32 and both.shape == (2, 6, 30, 16)
    np.testing.assert_allclose(both[:, :3], amplitude)
    assert both[:, 3:].abs().max() <= 1
    with pytest.raises(WfmError, match="8 channels"):
        csi_images(complex_normal((1, 5, 4, 4), generator()), "amplitude_phase")
