# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmitters of one make, told apart by their flaws alone (radio frequency fingerprints).

All send the same kind of signal, by default 16-QAM, of 0.25 Mbaud received at 1 MS/s, as narrow as that of many
sensors: at 20 MS/s the channel's own frequency response hides most flaws from a window of 1024 samples. A
transmitter's flaws stay; its data, its slow drift of frequency and the channel change from window to window. The
receiver has no flaws of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial

import torch

from wfm_core.synth.channel.fading import fading, settle_samples
from wfm_core.synth.channel.impairments import carrier_offset, dc_offset, iq_imbalance, phase_noise
from wfm_core.synth.draws import log_uniform, uniform
from wfm_core.synth.modulation import modulated

SAMPLE_RATE = 1e6
SAMPLES_PER_SYMBOL = 4.0
DRIFT = 500.0
"""Hz: how far a transmitter's frequency strays from its own offset, either way."""


@dataclass
class Transmitters:
    """One flaw of each transmitter per row, float32 [N]."""

    carrier_offset: torch.Tensor  # Hz: 25 ppm of 2.4 GHz either way
    linewidth: torch.Tensor  # Hz, of the oscillator's phase noise
    iq_gain_db: torch.Tensor
    iq_phase_deg: torch.Tensor
    leakage_dbc: torch.Tensor  # of the local oscillator
    leakage_phase: torch.Tensor  # rad, relative to the mixer
    compression: torch.Tensor  # gain lost at an amplitude of 1 (the mean power), a fraction
    rotation: torch.Tensor  # rad of phase gained there (AM/PM)


def random_transmitters(count: int, generator: torch.Generator) -> Transmitters:
    """`count` transmitters as different as cheap radios are."""
    draw = partial(uniform, (count,), generator=generator)
    return Transmitters(
        carrier_offset=draw(-60e3, 60e3),
        linewidth=log_uniform((count,), 1.0, 300.0, generator),
        iq_gain_db=draw(-1.0, 1.0),
        iq_phase_deg=draw(-5.0, 5.0),
        leakage_dbc=draw(-40.0, -15.0),
        leakage_phase=draw(0.0, 2 * torch.pi),
        compression=draw(0.0, 0.12),
        rotation=draw(-0.1, 0.1),
    )


def transmit(
    transmitters: Transmitters,
    which: torch.Tensor,
    samples: int,
    generator: torch.Generator,
    modulation: str | Sequence[str] = "16qam",
    antennas: int = 1,
) -> torch.Tensor:
    """A window of each transmitter `which` (int64 [B]) through its own channel: complex64 [B, antennas, samples]; all
    of one modulation, or each of its own."""
    device = Transmitters(*(getattr(transmitters, field.name)[which] for field in fields(Transmitters)))
    lead_in = settle_samples(SAMPLE_RATE)
    kinds = [modulation] * len(which) if isinstance(modulation, str) else modulation
    sent = [modulated(kind, samples + lead_in, SAMPLES_PER_SYMBOL, generator) for kind in kinds]
    x = torch.stack(sent)[:, None]
    x = iq_imbalance(x, device.iq_gain_db, device.iq_phase_deg)
    x = dc_offset(x, device.leakage_dbc, device.leakage_phase)
    x = phase_noise(x, device.linewidth, SAMPLE_RATE, generator)
    drift = uniform((len(which),), -DRIFT, DRIFT, generator)
    x = carrier_offset(x, device.carrier_offset + drift, SAMPLE_RATE)
    x = amplify(x, device.compression, device.rotation)
    return fading(x, antennas, SAMPLE_RATE, generator)[..., lead_in:]


def amplify(x: torch.Tensor, compression: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    """A power amplifier near its limit (Saleh's model) on complex64 [B, A, n] of about unit mean power.

    Gain 1 / (1 + c |x|^2) and phase r |x|^2 / (1 + |x|^2), with `compression` c / (1 + c) and `rotation` r / 2 [B]
    as they are at |x| = 1. Source: Saleh 1981, "Frequency-independent and frequency-dependent nonlinear models".
    """
    power = x.abs().square()
    bend = (compression / (1 - compression))[:, None, None]
    gain = 1 / (1 + bend * power)
    return x * torch.polar(gain, 2 * rotation[:, None, None] * power / (1 + power))
