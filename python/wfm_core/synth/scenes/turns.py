# SPDX-License-Identifier: GPL-3.0-or-later
"""Senders that take turns on one frequency: kinds of signals in a band, or transmitters told apart by their flaws.

One sender is heard at a time, through channels of its own, over noise of `NOISE_DBFS`; `GATE_DBFS` lies between the
noise and the weakest sender. The receiver has no flaws of its own.
"""

from dataclasses import dataclass

import torch
from scipy.fft import next_fast_len

from wfm_core.base.errors import WfmError
from wfm_core.synth.channel.fading import fading, settle_samples
from wfm_core.synth.draws import choice, complex_normal, uniform
from wfm_core.synth.emitters import EMITTERS
from wfm_core.synth.scenes.band import placed
from wfm_core.synth.scenes.devices import SAMPLE_RATE as TRANSMITTERS_RATE
from wfm_core.synth.scenes.devices import random_transmitters, transmit

NOISE_DBFS = -50.0
GATE_DBFS = -44.0
SNR_DB = (12.0, 25.0)
"""Of a sender's mean power while it is on, over the noise in the whole received band."""

BAND_KINDS = ("lte", "bluetooth", "zigbee", "lora", "fm", "psk_qam", "chirp")
BAND_RATES = (4e6, 8e6)
"""Hz: the lowest and highest rate at which all of BAND_KINDS make sense, and a turn of each is quickly rendered."""

MODULATIONS = ("qpsk", "16qam", "gfsk")
TRANSMITTERS = tuple(f"device-{number}" for number in range(1, 6))
STRANGER = "stranger"
_FLEET_SEED = 20
_CHANNEL_SAMPLES = 8192  # for so long a transmitter's channel stays


@dataclass
class Turn:
    """What is heard of one sender: complex64 [antennas, n], full scale 1, and its true labels by task."""

    samples: torch.Tensor
    labels: dict[str, str]


def silence(samples: int, antennas: int, generator: torch.Generator) -> torch.Tensor:
    """The receiver's noise alone, complex64 [antennas, samples]."""
    return 10 ** (NOISE_DBFS / 20) * complex_normal((antennas, samples), generator)


def band_turn(samples: int, sample_rate: float, antennas: int, generator: torch.Generator, kind: str = "") -> Turn:
    """A signal of `kind` (one of BAND_KINDS, "" for any), near the centre. Raises `WfmError` at a rate out of range."""
    low, high = BAND_RATES
    if not low <= sample_rate <= high:
        raise WfmError(
            f"the simulated band at {sample_rate / 1e6:g} MS/s, {low / 1e6:g} to {high / 1e6:g} are expected: "
            "set the sample rate"
        )
    kind = kind or choice(BAND_KINDS, generator)
    length = next_fast_len(samples + settle_samples(sample_rate), real=True)
    emission = EMITTERS[kind].function(length, sample_rate, generator)
    room = max(0.0, 0.4 - 0.5 * emission.bandwidth / sample_rate)
    sent = placed(emission.samples[None], room * uniform((1,), -1.0, 1.0, generator))
    received = fading(sent[None], antennas, sample_rate, generator)[0, :, -samples:]
    gain = (received.abs().square().mean() / sent[0, -samples:].abs().square().mean().clamp(min=1e-12)).sqrt()
    return Turn(_heard(received / gain.clamp(min=1e-6), generator), {"classification": kind})


def transmitter_turn(
    samples: int, device: str, modulation: str, generator: torch.Generator, snr_db: tuple[float, float] = SNR_DB
) -> Turn:
    """One of TRANSMITTERS, or the STRANGER, at 1 MS/s on one antenna; the channel changes every 8,192 samples.

    The transmitters are always the same six; the generator draws their data, drift, channels and noise.
    """
    names = (*TRANSMITTERS, STRANGER)
    fleet = random_transmitters(len(names), torch.Generator().manual_seed(_FLEET_SEED))
    pieces = -(-samples // _CHANNEL_SAMPLES)
    which = torch.full((pieces,), names.index(device))
    received = transmit(fleet, which, _CHANNEL_SAMPLES, generator, modulation)
    received = received / received.abs().square().mean((1, 2), keepdim=True).sqrt()
    line = received.transpose(0, 1).flatten(1)[:, :samples]
    return Turn(_heard(line, generator, snr_db), {"fingerprint": device, "classification": modulation})


def check_transmitters(sample_rate: float, antennas: int) -> None:
    """Raises `WfmError` where the transmitters cannot be heard like that."""
    if sample_rate != TRANSMITTERS_RATE or antennas != 1:
        raise WfmError(
            f"the simulated transmitters at {sample_rate / 1e6:g} MS/s on {antennas} antennas, 1 MS/s on 1 is expected"
            ": set the sample rate and the channels"
        )


def _heard(received: torch.Tensor, generator: torch.Generator, snr_db: tuple[float, float] = SNR_DB) -> torch.Tensor:
    """A sender of about unit power while on [antennas, n], at the receiver."""
    level = 10 ** ((NOISE_DBFS + uniform((), *snr_db, generator)) / 20)
    return level * received + silence(received.shape[-1], len(received), generator)
