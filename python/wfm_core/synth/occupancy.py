# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic windows of a band with one signal in it or none: what detectors of occupancy are trained and tried on.

Nothing here was received. A window is white noise, and in every second one a signal of any of `KINDS`, at most 0.8 of
the band wide and at any place in it, behind a channel without fading, with one Rayleigh path, or with the many of
`wfm_core.synth.channel.fading`. The SNR is that of the signal's mean power over window and fading, in the whole band.
The noise's level is known within `uncertainty_db`: levels are relative to what it is thought to be. With `flaws` the
receiver rolls off towards the band's edges, signal and noise alike, and adds a constant, as those of
`wfm_core.synth.channel.frontend` do.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.synth.channel.fading import fading, settle_samples
from wfm_core.synth.channel.impairments import dc_offset, receive_filter
from wfm_core.synth.draws import choice, complex_normal, log_uniform, uniform
from wfm_core.synth.emitters import EMITTERS
from wfm_core.synth.modulation import MODULATIONS, modulated
from wfm_core.synth.shaping import unit_tone

LABELS = ("free", "occupied")
KINDS = (*MODULATIONS, *(f"{name} emitter" for name in EMITTERS))
FADING = ("none", "flat", "paths")
_SYMBOL_SAMPLES = (1.8, 40.0)
_RATES = (0.25e6, 30.72e6)
"""Hz, of modulations; emitters have their own."""
_MOST_RATE = 61.44e6
_LEAD_IN = settle_samples(_MOST_RATE)
_TRIES = 200


@dataclass(frozen=True)
class Listening:
    """How windows are drawn: ranges that each is drawn from, uniformly. `fading` names some of `FADING`; `flaws` is the
    share of receivers that have any; `occupied` of windows with a signal."""

    snr_db: tuple[float, float] = (-20.0, 10.0)
    uncertainty_db: float = 1.0
    fading: tuple[str, ...] = FADING
    flaws: float = 0.5
    occupied: float = 0.5

    def __post_init__(self):
        unknown = [name for name in self.fading if name not in FADING]
        if unknown or not self.fading:
            raise WfmError(f"fading {', '.join(unknown) or 'of none'}: expected some of {', '.join(FADING)}")


@dataclass(frozen=True, eq=False)
class Signals:
    """`sent` complex64 [M, lead-in + T] of mean power 1 in their last T samples; their kind (of `KINDS`) and Hz [M]."""

    sent: Tensor
    kind: Tensor
    sample_rate: Tensor


@dataclass(frozen=True, eq=False)
class Windows:
    """`iq` complex64 [B, 1, T], `occupied` int64 [B] (of `LABELS`), `kind` int64 [B] (of `KINDS`, -1 without a signal),
    `snr_db` and `noise_db` float32 [B]: the noise's level over what it is thought to be, which is a mean power of 1."""

    iq: Tensor
    occupied: Tensor
    kind: Tensor
    snr_db: Tensor
    noise_db: Tensor


def draw_signals(
    count: int,
    samples: int,
    generator: torch.Generator,
    kinds: tuple[str, ...] = KINDS,
    width: tuple[float, float] = (0.0, 0.8),
) -> Signals:
    """`count` signals of the `kinds` in turn, for `draw_windows` of `samples` samples; their `width` is a share of the
    band. Raises `WfmError` for kinds that are never so wide or narrow."""
    drawn = [_signal(kinds[number % len(kinds)], samples + _LEAD_IN, width, generator) for number in range(count)]
    sent, rates = torch.stack([x for x, _ in drawn]), torch.tensor([rate for _, rate in drawn])
    level = sent[:, _LEAD_IN:].abs().square().mean(1, keepdim=True).clamp(min=1e-6).sqrt()
    kind = torch.tensor([KINDS.index(kinds[number % len(kinds)]) for number in range(count)])
    return Signals(sent / level, kind, rates)


def draw_windows(signals: Signals, count: int, how: Listening, generator: torch.Generator) -> Windows:
    """`count` windows, those that are occupied each with any of the `signals`."""
    occupied = uniform((count,), 0, 1, generator) < how.occupied
    snr_db = uniform((count,), *how.snr_db, generator)
    x = complex_normal((count, 1, signals.sent.size(1) - _LEAD_IN), generator)
    kind = torch.full((count,), -1)
    if bool(occupied.any()):
        rows = torch.randint(len(signals.sent), (int(occupied.sum()),), generator=generator)
        received = _faded(signals.sent[rows], signals.sample_rate[rows], how, generator)
        x[occupied] += received * 10 ** (snr_db[occupied] / 20)[:, None, None]
        kind[occupied] = signals.kind[rows]
    noise_db = uniform((count,), -how.uncertainty_db, how.uncertainty_db, generator)
    x = x * (10 ** (noise_db / 20))[:, None, None]
    flawed = uniform((count,), 0, 1, generator) < how.flaws
    if bool(flawed.any()):
        x[flawed] = _through_a_receiver(x[flawed], generator)
    return Windows(x, occupied.long(), kind, snr_db, noise_db)


def _signal(kind: str, samples: int, width: tuple[float, float], generator: torch.Generator) -> tuple[Tensor, float]:
    """A signal at a place in the band, and its sample rate."""
    for _ in range(_TRIES):
        if kind in MODULATIONS:
            rate = float(log_uniform((), *_RATES, generator))
            length = float(log_uniform((), *_SYMBOL_SAMPLES, generator))
            sent, share = modulated(kind, samples, length, generator), 1.4 / length
        else:
            emitter = EMITTERS[kind.removesuffix(" emitter")]
            rate = float(log_uniform((), *emitter.rates, generator))
            emission = emitter.function(samples, rate, generator)
            sent, share = emission.samples, emission.bandwidth / rate
        if width[0] <= share <= width[1] and sent[_LEAD_IN:].abs().square().mean() > 1e-3:
            break
    else:
        raise WfmError(f"no {kind} of {_TRIES} is {width[0]:g} to {width[1]:g} of its band wide: widen the range")
    offset = uniform((), -0.5, 0.5, generator).double() * (1 - share)
    return sent * unit_tone(offset * torch.arange(samples)), rate


def _faded(sent: Tensor, rate: Tensor, how: Listening, generator: torch.Generator) -> Tensor:
    """[B, lead-in + T] -> [B, 1, T], of mean power 1 over channels."""
    names = [choice(how.fading, generator) for _ in range(len(sent))]
    gain = complex_normal((len(sent), 1), generator)
    flat = torch.tensor([name == "flat" for name in names])[:, None]
    x = torch.where(flat, gain, unit_tone(uniform((len(sent), 1), 0, 1, generator).double())) * sent
    paths = torch.tensor([name == "paths" for name in names]).nonzero().flatten()
    if len(paths):
        x[paths] = fading(sent[paths][:, None], 1, rate[paths], generator)[:, 0]
    return x[:, None, _LEAD_IN:]


def _through_a_receiver(x: Tensor, generator: torch.Generator) -> Tensor:
    count = len(x)
    passband, stopband = uniform((count,), 0.7, 1.0, generator), uniform((count,), -40.0, 0.0, generator)
    dbc, phase = uniform((count, 1), -60.0, -12.0, generator), uniform((count, 1), 0, 2 * torch.pi, generator)
    return dc_offset(receive_filter(x, passband, stopband), dbc, phase)
