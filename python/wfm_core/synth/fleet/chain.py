# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device does to the samples that it was meant to send, step by step from its converter to its antenna."""

import torch

from wfm_core.synth.channel.impairments import (
    carrier_offset,
    dc_offset,
    iq_imbalance,
    phase_noise,
    sampling_clock_offset,
)
from wfm_core.synth.fleet.flaws import Devices
from wfm_core.synth.fleet.makes import Make

MOST_CLOCK_PPM = 25.0
"""Of the sampling clock, over as many samples as a window has: see `sampling_clock_offset`."""


def send(x: torch.Tensor, devices: Devices, make: Make, generator: torch.Generator) -> torch.Tensor:
    """complex64 [B, n] of unit mean power while on and exact zeros while off, one device a row -> as it leaves the
    antennas. The carrier strays by a hundredth of the crystal's tolerance from window to window."""
    on = x != 0
    x = sampling_clock_offset(x[:, None], devices.crystal * min(make.tolerance_ppm, MOST_CLOCK_PPM))
    x = _converter(x, devices)
    x = x + _column(devices.ripple) * x.roll(1, -1)
    x = torch.complex(x.real, x.imag + _column(devices.iq_delay) * 0.5 * (x.imag.roll(1, -1) - x.imag.roll(-1, -1)))
    x = iq_imbalance(x, devices.iq_gain_db, devices.iq_phase_deg)
    x = dc_offset(x, devices.leakage_dbc, devices.leakage_phase)
    x = _amplifier(x, devices)
    x = _turned_on(x, on[:, None], devices, make)
    x = phase_noise(x, devices.linewidth * make.linewidth, make.sample_rate, generator)
    stray = 0.01 * torch.randn(devices.crystal.shape, generator=generator)
    offset = (devices.crystal + stray) * make.tolerance_ppm * 1e-6 * make.center_freq
    return carrier_offset(x, offset, make.sample_rate)[:, 0]


def _converter(x: torch.Tensor, devices: Devices) -> torch.Tensor:
    """The bow of each arm's converter, whose full scale is four times the root of the mean power."""
    parts = []
    for part, bow, bend in ((x.real, devices.bow_i, devices.bend_i), (x.imag, devices.bow_q, devices.bend_q)):
        scaled = part / 4.0
        parts.append(part + 4.0 * (_column(bow) * (4 * scaled.square()) + _column(bend) * (8 * scaled.pow(3))))
    return torch.complex(*parts)


def _amplifier(x: torch.Tensor, devices: Devices) -> torch.Tensor:
    """Saleh's model and a third-order term of the sample before."""
    power = x.abs().square()
    bend = _column(devices.compression / (1 - devices.compression))
    turned = torch.polar(1 / (1 + bend * power), 2 * _column(devices.rotation) * power / (1 + power))
    before = x.roll(1, -1)
    return x * turned + _column(devices.memory) * before * before.abs().square()


def _turned_on(x: torch.Tensor, on: torch.Tensor, devices: Devices, make: Make) -> torch.Tensor:
    """Amplitude and carrier settle as the amplifier is turned on, and nothing is sent while it is off."""
    count = x.shape[-1]
    place = torch.arange(count)
    started = torch.where(on & ~on.roll(1, -1) & (place > 0), place, -10 * count).cummax(-1)[0]
    since = (place - started).float() / make.sample_rate
    constant = _column(devices.rise) * make.rise
    settled = torch.exp(-since / constant)
    envelope = 1 - settled + _column(devices.overshoot) * (since / constant) * settled
    phase = 2 * torch.pi * _column(devices.chirp) * make.chirp * constant * (1 - settled)
    return x * torch.polar(envelope * on, phase)


def _column(value: torch.Tensor) -> torch.Tensor:
    return value[:, None, None]
