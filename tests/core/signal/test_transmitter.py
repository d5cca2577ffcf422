# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of a transmitter: where its carrier is, and its flaws whatever the carrier, the phase and the
level."""

from dataclasses import replace

import pytest
import torch

from wfm_core.signal import build_preprocessor
from wfm_core.signal.transmitter import NUMBERS, OFFSETS, Transmitter, find_carrier
from wfm_core.synth.channel.frontend import random_frontend
from wfm_core.synth.fleet import MAKES, random_devices
from wfm_core.synth.fleet.hearing import heard

SAMPLES = 16384


def windows(make: str, count: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    """Of as many devices, complex64 [N, SAMPLES], and where their carriers are in cycles a sample."""
    generator = torch.Generator().manual_seed(5)
    devices, sender = random_devices(count, generator), MAKES[make]
    receiver = random_frontend(1, generator)
    iq = heard(devices, sender, receiver, SAMPLES, (20.0, 20.0), True, generator)
    return iq[:, 0], devices.crystal * sender.tolerance_ppm * 1e-6 * sender.center_freq / sender.sample_rate


@pytest.mark.parametrize("make", MAKES)
def test_the_carrier_of_most_windows_is_found(make):
    iq, wanted = windows(make)
    carrier, _ = find_carrier(iq)
    error = (carrier - wanted).abs()
    print(f"{make}: median {error.median():.5f} cycles a sample, within 0.0015 {(error < 0.0015).float().mean():.2f}")
    # of the stray of a hundredth of the tolerance, and a grid of 1 / 4096
    assert error.median() < 0.0015


def test_flaws_do_not_depend_on_carrier_phase_and_level():
    iq, _ = windows("16qam", 8)
    turns = torch.arange(SAMPLES) * (37 / 4096) + 0.2
    moved = 0.1 * iq * torch.polar(torch.ones(SAMPLES), 2 * torch.pi * turns.remainder(1.0))
    measure = Transmitter()
    still, one = measure(iq[:, None])
    _, other = measure(moved[:, None])
    assert one.shape == (8, NUMBERS) and still.shape == (8, 1, SAMPLES)
    # where two lines are about as good, the other one may be taken
    same = ((other - one)[:, -OFFSETS] - 37 / 4096).abs() < 1e-3
    assert same.sum() >= 6
    assert (one - other)[same, :-OFFSETS].abs().max() < 0.02


def test_the_leakage_of_the_carrier_is_measured():
    generator = torch.Generator().manual_seed(7)
    devices = random_devices(8, generator)
    levels = torch.tensor([-40.0, -30.0, -20.0, -15.0] * 2)
    quiet = replace(devices, linewidth=torch.full((8,), 1e-4), leakage_dbc=levels)
    receiver = random_frontend(1, generator)
    iq = heard(quiet, MAKES["qpsk"], receiver, SAMPLES, (30.0, 30.0), True, generator)
    first = Transmitter()(iq)[1][:, 0]  # of the mean over a block, in decades
    assert torch.corrcoef(torch.stack([first, levels]))[0, 1] > 0.8


@pytest.mark.parametrize("iq", [torch.zeros(2, 1, 2048), torch.ones(2, 1, 2048)])
def test_silence_and_a_constant_give_finite_numbers(iq):
    still, numbers = Transmitter()(iq.to(torch.complex64))
    assert torch.isfinite(numbers).all() and torch.isfinite(torch.view_as_real(still)).all()


def test_antennas_are_averaged():
    iq, _ = windows("qpsk", 4)
    two = torch.stack([iq[:2], iq[2:]], 1)
    apart = Transmitter()(iq[:, None])[1]
    torch.testing.assert_close(Transmitter()(two)[1], (apart[:2] + apart[2:]) / 2)


def test_it_is_a_kind_of_signal_that_torchscript_compiles():
    module = build_preprocessor({"kind": "transmitter"})
    iq, _ = windows("ble", 2)
    torch.testing.assert_close(torch.jit.script(module)(iq[:, None])[1], module(iq[:, None])[1])
