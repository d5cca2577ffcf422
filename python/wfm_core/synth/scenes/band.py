# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of random radio bands: nothing, one transmitter or several, through channels and one receiver.

Powers. SNR (dB) = power of an emitter while it is on, averaged over fading and antennas, over the power of thermal
noise in the whole received band (-sample_rate/2 to sample_rate/2), before the front end's impairments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.fft import next_fast_len

from wfm_core.base.errors import WfmError
from wfm_core.synth.channel.fading import fading, settle_samples
from wfm_core.synth.channel.impairments import LONGEST_CLOCKED, apply_frontend, random_frontend
from wfm_core.synth.draws import choice, complex_normal, uniform
from wfm_core.synth.emitters import EMITTERS

KINDS = (*EMITTERS, "noise", "crowded")

_RATES_MHZ = (0.25, 0.3, 0.5, 0.6, 0.96, 1, 1.024, 1.2, 1.92, 2, 2.048, 2.4, 2.56, 3.2, 3.84, 4, 5, 5.76, 6.25)
_RATES_MHZ += (7.68, 8, 10, 11.52, 12.5, 15.36, 16, 20, 23.04, 25, 30.72, 40, 46.08, 50, 56, 61.44)
SAMPLE_RATES = tuple(1e6 * rate for rate in _RATES_MHZ)
"""Hz: common rates of radios, from 0.25 to 61.44 MS/s."""

SNR_DB = (-3.0, 30.0)
MOST_EMITTERS = 5
TUNED = 0.6
"""How often a receiver is tuned to its window's (first) emitter, but for the front end's carrier offset: as people
tune receivers. Narrow signals are then near 0 Hz, where raw IQ has a structure that is soon learnt."""
_STICKS_OUT = 0.1  # share of an emitter's bandwidth that may lie outside the band, at most
ON_STEP = 16
"""Samples over which it is said whether an emitter is on: those of an IQ token."""
_ON = 0.01  # of its mean power while on
_CHUNK = 1 << 18  # samples that go through the channels at a time: what lies between stays in the cache


@dataclass
class Emitters:
    """Where the emitters of windows are, [B, MOST_EMITTERS] in the order of their `kinds`; NaN where there are fewer.

    lower, upper: edges, as fractions of the sample rate from the middle of the band, not cut at the band's. snr_db: as
    above, but through the channel that was drawn, -inf where it is never on. on: bool
    [B, MOST_EMITTERS, T // ON_STEP], whether it sends something in so many samples.
    """

    lower: torch.Tensor
    upper: torch.Tensor
    snr_db: torch.Tensor
    on: torch.Tensor


@dataclass
class Band:
    """iq complex64 [B, A, T], full scale 1; kinds: emitters of each window, () for noise; sample_rate float32 [B]."""

    iq: torch.Tensor
    kinds: list[tuple[str, ...]]
    sample_rate: torch.Tensor
    emitters: Emitters


def render_band(
    count: int,
    samples: int,
    antennas: int,
    generator: torch.Generator,
    kind: str | Sequence[str] | None = None,
    noise_chance: float = 0.08,
    crowded_chance: float = 0.25,
) -> Band:
    """`count` windows of `samples` samples as a radio's driver delivers them, on the generator's device.

    kind: None draws each window's content (noise only, two to five emitters, else one of any kind); one of KINDS
    forces it, several draw from these alone. Raises WfmError for a kind that is not known.
    """
    kinds = (kind,) if isinstance(kind, str) else tuple(kind or ())
    for name in kinds:
        if name not in KINDS:
            raise WfmError(f"band scene kind is {name!r}, want one of {', '.join(KINDS)}: correct kind.")
    scenes = [_scene(_content(kinds, noise_chance, crowded_chance, generator), generator) for _ in range(count)]
    kinds = [emitters for emitters, _ in scenes]
    sample_rate = torch.tensor([rate for _, rate in scenes], device=generator.device)
    air = complex_normal((count, antennas, samples), generator)
    emitters = add_emitters(air, kinds, [rate for _, rate in scenes], generator)
    frontend = random_frontend(count, generator, antennas)
    if samples > LONGEST_CLOCKED:
        frontend.clock_ppm = torch.zeros_like(frontend.clock_ppm)
    offset = (frontend.carrier_offset / sample_rate).unsqueeze(1)
    emitters.lower, emitters.upper = emitters.lower + offset, emitters.upper + offset
    return Band(apply_frontend(air, frontend, sample_rate, generator), kinds, sample_rate, emitters)


def _content(kinds, noise_chance, crowded_chance, generator) -> str:
    if kinds:
        return kinds[0] if len(kinds) == 1 else choice(kinds, generator)
    drawn = float(uniform((), 0, 1, generator))
    if drawn < noise_chance:
        return "noise"
    return "crowded" if drawn < noise_chance + crowded_chance else choice(tuple(EMITTERS), generator)


def _scene(kind: str, generator) -> tuple[tuple[str, ...], float]:
    """The emitters of one window and its sample rate, at which all of them make sense."""
    if kind == "noise":
        return (), _rate(SAMPLE_RATES[0], SAMPLE_RATES[-1], generator)
    first = choice(tuple(EMITTERS), generator) if kind == "crowded" else kind
    rate = _rate(*EMITTERS[first].rates, generator)
    if kind != "crowded":
        return (first,), rate
    fitting = [name for name, emitter in EMITTERS.items() if emitter.rates[0] <= rate <= emitter.rates[1]]
    others = choice(range(1, MOST_EMITTERS), generator)
    return (first, *(choice(fitting, generator) for _ in range(others))), rate


def _rate(lowest: float, highest: float, generator) -> float:
    """One of SAMPLE_RATES within the limits, about uniform in the logarithm: each stands for half its gaps."""
    rates = torch.tensor([rate for rate in SAMPLE_RATES if lowest <= rate <= highest], dtype=torch.float64)
    edges = torch.cat((rates[:1], (rates[1:] * rates[:-1]).sqrt(), rates[-1:])).log()
    return choice(rates.tolist(), generator, (edges.diff() + 0.01).tolist())


def add_emitters(air, kinds, rates, generator) -> Emitters:
    """Adds every emitter of every window to the unit-power noise in `air` [B, A, T], in place, each faded; says where
    they are before any receiver."""
    found = _nowhere(len(air), max(MOST_EMITTERS, *map(len, kinds)), air.shape[-1], air.device)
    batch = [(row, place, name) for row, names in enumerate(kinds) for place, name in enumerate(names)]
    if not batch:
        return found
    samples = air.shape[-1]
    settle = settle_samples(max(rates[row] for row, _, _ in batch))
    lead = next_fast_len(samples + settle, real=True) - samples
    step = max(1, _CHUNK // (air.shape[1] * (samples + lead)))
    for begin in range(0, len(batch), step):
        part = batch[begin : begin + step]
        rows = torch.tensor([row for row, _, _ in part], device=air.device)
        rate = torch.tensor([rates[row] for row, _, _ in part], device=air.device)
        first = torch.tensor([place == 0 for _, place, _ in part], device=air.device)
        drawn = [EMITTERS[name].function(samples + lead, rates[row], generator) for row, _, name in part]
        sent = torch.stack([emission.samples for emission in drawn])
        width = torch.tensor([emission.bandwidth for emission in drawn], device=air.device) / rate
        snr = uniform((len(part), 1), *SNR_DB, generator)
        centre = _centre(width, first, generator)
        places = torch.tensor([place for _, place, _ in part], device=air.device)
        found.lower[rows, places], found.upper[rows, places] = centre - width / 2, centre + width / 2
        found.on[rows, places] = on = _is_on(sent[..., lead:])
        sent = placed(sent, centre) * 10 ** (snr / 20)
        heard = fading(sent[:, None], air.shape[1], rate, generator)[..., lead:]
        power = heard.abs().square().mean((1, 2)) / on.float().mean(1)
        found.snr_db[rows, places] = torch.where(on.any(1), 10 * power.log10(), -torch.inf)
        air.index_add_(0, rows, heard)
    return found


def _nowhere(count: int, most: int, samples: int, device: torch.device) -> Emitters:
    """No emitter in any of `count` windows, of which each may have `most`."""
    lower, upper, snr = torch.full((3, count, most), torch.nan, device=device)
    on = torch.zeros(count, most, samples // ON_STEP, dtype=torch.bool, device=device)
    return Emitters(lower, upper, snr, on)


def _is_on(sent: torch.Tensor) -> torch.Tensor:
    """complex64 [B, T] of unit mean power while on -> bool [B, T // ON_STEP]."""
    whole = sent[:, : sent.shape[1] // ON_STEP * ON_STEP]
    return whole.abs().square().unflatten(1, (-1, ON_STEP)).mean(2) > _ON


def _centre(width: torch.Tensor, first: torch.Tensor, generator) -> torch.Tensor:
    """Random centre frequencies [B] for emitters of `width`, both as fractions of the sample rate; 0 for the most of
    those that are the `first` (bool [B]) of their window."""
    room = (0.5 - (0.5 - _STICKS_OUT) * width).clamp(min=0.0)
    tuned = first & (uniform(width.shape, 0, 1, generator) < TUNED)
    return torch.where(tuned, 0.0, room * uniform(width.shape, -1, 1, generator))


def placed(sent: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
    """complex64 [B, n] moved up by `centre` [B] (fraction of the rate); what leaves the band is gone, not aliased."""
    count = sent.shape[-1]
    shift = (centre * count).round().long()[:, None]
    bins = torch.arange(count, device=sent.device)
    source = torch.where(bins < (count + 1) // 2, bins, bins - count) - shift
    inside = (source >= -(count // 2)) & (source < (count + 1) // 2)
    moved = torch.fft.fft(sent).gather(-1, source % count)
    return torch.fft.ifft(moved * inside)
