# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices of one make as one receiver hears them: payload, channel, level and place in the window drawn for each
window."""

from dataclasses import dataclass

import torch
from scipy.fft import next_fast_len

from wfm_core.synth.channel.fading import fading, settle_samples
from wfm_core.synth.channel.frontend import Frontend, random_frontend
from wfm_core.synth.channel.impairments import add_noise, agc, dc_offset, iq_imbalance, quantise, receive_filter
from wfm_core.synth.draws import uniform
from wfm_core.synth.fleet.chain import send
from wfm_core.synth.fleet.flaws import Devices, on_another_day, random_devices
from wfm_core.synth.fleet.makes import MAKES, Make

_LEVEL_DBFS = (-30.0, -12.0)
_LEAST_BITS = 8.0


@dataclass
class Episode:
    """`windows` complex64 [n, 1, samples], full scale 1, of `device` and on `day` (int64 [n]); `make`: its name."""

    windows: torch.Tensor
    device: torch.Tensor
    day: torch.Tensor
    make: str


def random_episode(
    make: str,
    generator: torch.Generator,
    devices: int = 16,
    windows: int = 8,
    days: int = 2,
    samples: int = 16384,
    snr_db: tuple[float, float] = (20.0, 20.0),
    with_offset: bool = True,
) -> Episode:
    """`windows` windows a day of each of `devices` new devices. Without offset the receiver is tuned afresh to anywhere
    within the make's tolerance for each window, so that the carrier says nothing."""
    fleet = random_devices(devices, generator)
    receiver = random_frontend(1, generator)
    parts, who, when = [], [], []
    for day in range(days):
        today = fleet if day == 0 else on_another_day(fleet, generator)
        for _ in range(windows):
            which = torch.arange(devices)
            parts.append(heard(today, MAKES[make], receiver, samples, snr_db, with_offset, generator))
            who.append(which)
            when.append(torch.full_like(which, day))
    return Episode(torch.cat(parts), torch.cat(who), torch.cat(when), make)


def heard(
    devices: Devices,
    make: Make,
    receiver: Frontend,
    samples: int,
    snr_db: tuple[float, float],
    with_offset: bool,
    generator: torch.Generator,
) -> torch.Tensor:
    """A window of each of the devices, complex64 [N, 1, samples]; the SNR is that of the mean power while on over the
    noise in the whole received band."""
    rate = make.sample_rate / make.delay_scale
    lead = settle_samples(rate)
    length = next_fast_len(samples + lead, real=True)
    errors = devices.modulation.tolist()
    sent = torch.stack([make.sent(length, error, generator) for error in errors])
    x = send(sent, devices, make, generator)
    if not with_offset:
        tuned = uniform((len(x), 1), -2.0, 2.0, generator) * make.tolerance_ppm * 1e-6 * make.center_freq
        turns = tuned / make.sample_rate * torch.arange(x.shape[1])
        x = x * torch.polar(torch.ones_like(turns), 2 * torch.pi * turns.remainder(1.0))
    on = (sent != 0)[:, None]
    x = fading(x[:, None], 1, rate, generator, max_doppler=100.0 / make.delay_scale)
    x, on = x[..., lead : lead + samples], on[..., lead : lead + samples]
    power = x.abs().square().sum((1, 2)) / on.sum((1, 2)).clamp(min=1)
    x = x / power.clamp(min=1e-9).sqrt()[:, None, None]
    x = add_noise(x, uniform((len(x),), *snr_db, generator), torch.ones(len(x)), generator)
    x = receive_filter(x, receiver.passband, receiver.stopband_db)
    x = iq_imbalance(x, receiver.iq_gain_db, receiver.iq_phase_deg)
    x = dc_offset(x, receiver.dc_dbc - 20.0, receiver.dc_phase)
    x = agc(x, uniform((len(x),), *_LEVEL_DBFS, generator))
    return quantise(x, receiver.bits.clamp(min=_LEAST_BITS), receiver.offset_binary)
