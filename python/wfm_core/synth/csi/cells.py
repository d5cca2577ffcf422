# SPDX-License-Identifier: GPL-3.0-or-later
"""Uplink channels of 5G cells, as a base station sounds them: delay lines of TR 38.901, not rooms.

What a base station measures of a terminal's sounding reference signal (SRS; TS 38.211, 6.4.1.4): a value a resource
block, at each transmission. The models are statistical: clustered delay lines (CDL, 7.7.1), whose rays have directions
at both ends, and tapped ones (TDL, 7.7.2), whose taps have classical Doppler spectra and no directions, so that here
the base station's antennas fade on their own. Delays are scaled to the drawn spread (7.7.3), angles of departure to
the drawn one (7.7.5.1), and the direct path of D and E to the drawn K-factor (7.7.6). One polarisation; antennas on a
horizontal line half a wavelength apart. The terminal moves level, at a speed that does not change.
"""

import math

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.grids import Grid
from wfm_core.synth.csi.profiles import PROFILES, RAY_OFFSETS
from wfm_core.synth.csi.receiver import draw_receivers, received
from wfm_core.synth.csi.rooms import LIGHT
from wfm_core.synth.csi.windows import UNKNOWN, CsiWindows
from wfm_core.synth.draws import log_uniform, uniform

PERIODS = (1e-3, 2e-3, 2.5e-3, 4e-3, 5e-3, 10e-3, 20e-3, 40e-3)
"""Seconds from one SRS to the next, of those that TS 38.331 (SRS-PeriodicityAndOffset) allows."""
RAYS = 2 * len(RAY_OFFSETS)
"""Of a cluster."""
TAPPED = 0.4
"""Share of tapped delay lines among all."""

_SPEEDS = (0.2, 30.0)  # m/s
_MISSING = -200.0  # dB


def draw_cells(
    count: int, grid: Grid, packets: int, antennas: int, generator: torch.Generator, models: str = "ABCDE"
) -> CsiWindows:
    """`count` windows of `packets` soundings by terminals at a base station of `antennas`; `models`: profiles' letters.

    See `CsiWindows`; there is no activity, no number of people and no place. Raises `WfmError` for sizes below 1 and
    unknown models.
    """
    if min(count, antennas) < 1 or packets < 2 or not models or set(models) - set(PROFILES):
        raise WfmError(
            f"{count} windows of {packets} soundings, {antennas} antennas, models {models!r}: 1 or more, 2 or more "
            f"soundings and some of {''.join(PROFILES)} are expected"
        )
    carrier, times = draw_soundings(count, grid, packets, generator)
    channel, causes = cell_channel(carrier, times, grid, antennas, generator, models)
    csi, receiver = sounded(channel, times, grid, generator)
    return CsiWindows(csi, times, grid, causes | receiver)


def draw_soundings(count: int, grid: Grid, packets: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Carriers [count] Hz of the grid's first band, and when each of the windows has its soundings, [count, packets]
    s, at one of PERIODS."""
    carrier = uniform((count,), *grid.carriers[0], generator)
    chosen = torch.randint(len(PERIODS), (count,), generator=generator, device=generator.device)
    period = torch.tensor(PERIODS, device=generator.device)[chosen]
    return carrier, period.unsqueeze(1) * torch.arange(packets, device=generator.device)


def sounded(channel: Tensor, times: Tensor, grid: Grid, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """Channels complex64 [B, antennas, soundings, subcarriers] as base stations report them, complex64 [B, antennas,
    subcarriers, soundings], and the causes `snr_db` (-1 to 29) and `packet_rate` Hz."""
    receiver = draw_receivers(len(channel), channel.shape[1], grid, generator)
    receiver.gain_db = receiver.gain_db / 4  # one calibrated radio, not a card with antennas of its own
    receiver.snr_db = receiver.snr_db - 15
    csi = received(channel, times, grid, receiver, 1, generator).transpose(2, 3)
    return csi, {"snr_db": receiver.snr_db, "packet_rate": 1 / times[:, 1]}


def cell_channel(
    carrier: Tensor, times: Tensor, grid: Grid, antennas: int, generator: torch.Generator, models: str = "ABCDE"
) -> tuple[Tensor, dict[str, Tensor]]:
    """The channel, of mean power 1, complex64 [B, antennas, soundings, subcarriers], and its causes; carriers [B] Hz,
    times [B, soundings] s."""
    count, device = len(times), times.device

    def draw(low, high, *shape):
        return uniform((count, *shape), low, high, generator)

    table = _tables(models, device)
    model = torch.randint(len(models), (count,), generator=generator, device=device)
    delay, decibels, aod, aoa, zod, zoa, within = (values[model] for values in table[:-1])
    seen = table[-1][model]
    power, strength = _powers(decibels, seen, 10 ** (draw(0.0, 15.0) / 10))
    spread = log_uniform((count,), 10e-9, 1e-6, generator)
    delay = delay * (spread / _deviation(delay, power)).unsqueeze(1)

    offsets = torch.tensor(RAY_OFFSETS, device=device)
    offsets = torch.deg2rad(torch.cat([offsets, -offsets]))
    offsets = offsets * torch.where(_first(power) & seen.unsqueeze(1), 0.0, 1.0).unsqueeze(2)
    heading = draw(-math.pi / 3, math.pi / 3)
    departure = aod.unsqueeze(2) + within[:, :1, None] * offsets
    departure = _narrowed(departure, strength.square(), torch.deg2rad(draw(2.0, 25.0))) + heading.view(-1, 1, 1)
    # which ray at one end is which at the other is drawn (7.5, step 8)
    shuffled = offsets.expand_as(departure).gather(2, draw(0, 1, *departure.shape[1:]).argsort(2))
    arrival = aoa.unsqueeze(2) + within[:, 1:, None] * shuffled
    level = zoa.sin().unsqueeze(2).expand_as(arrival)

    tapped = draw(0, 1) < TAPPED
    scattered = tapped.view(-1, 1) & ~(_first(power) & seen.unsqueeze(1))
    arrival = torch.where(scattered.unsqueeze(2), draw(-math.pi, math.pi, *arrival.shape[1:]), arrival)
    level = torch.where(scattered.unsqueeze(2), 1.0, level)
    speed = log_uniform((count,), *_SPEEDS, generator)
    course = draw(-math.pi, math.pi).view(-1, 1, 1)
    doppler = (speed * carrier / LIGHT).view(-1, 1, 1) * level * torch.cos(arrival - course)

    own = draw(0.0, 1.0, antennas, *arrival.shape[1:])
    line = torch.arange(antennas, device=device).view(1, -1, 1, 1) / 2
    steered = own[:, :1] + line * (zod.sin().unsqueeze(2) * departure.sin()).unsqueeze(1)
    phase = torch.where(scattered[:, None, :, None], own, steered)

    nowhere = torch.full((count, 3), torch.nan, device=device)
    nobody = torch.full((count,), UNKNOWN, device=device)
    return summed(phase, doppler, strength, delay, times, grid.offsets(device)), {
        "activity": nobody,
        "people": nobody,
        "position": nowhere,
        "transmitter": nowhere,
        "receiver": nowhere,
        "size": nowhere,
        "speed": speed,
        "carrier": carrier,
        "angle_of_arrival": torch.where(tapped & ~seen, torch.nan, heading),
        "line_of_sight": seen,
        "delay_spread": spread,
        "doppler_spread": _deviation(doppler.flatten(1), strength.square().flatten(1)),
    }


def _tables(models: str, device: torch.device) -> tuple[Tensor, ...]:
    """Delays, powers in dB, four angles in rad, each [models, clusters]; spreads within clusters [models, 2], in units
    of 1 (degrees over degrees); line of sight bool [models]."""
    profiles = [PROFILES[model] for model in models]

    def padded(name: str, value: float = 0.0) -> Tensor:
        rows = [torch.tensor(getattr(profile, name)) for profile in profiles]
        return pad_sequence(rows, batch_first=True, padding_value=value).to(device)

    angles = (torch.deg2rad(padded(name)) for name in ("aod", "aoa", "zod", "zoa"))
    within = torch.tensor([profile.spread for profile in profiles], device=device)
    seen = torch.tensor([profile.line_of_sight for profile in profiles], device=device)
    return padded("delay"), padded("power", _MISSING), *angles, within, seen


def _powers(decibels: Tensor, seen: Tensor, factor: Tensor) -> tuple[Tensor, Tensor]:
    """Powers of clusters [B, C] with a sum of 1, and amplitudes of their rays [B, C, RAYS]; where there is a line of
    sight (`seen`) the first cluster is one ray, with `factor` [B] times the power of all others."""
    power = 10 ** (decibels / 10)
    first = _first(power) & seen.unsqueeze(1)
    others = torch.where(first, 0.0, power)
    others = others / others.sum(1, keepdim=True)
    ratio = factor.unsqueeze(1)
    power = torch.where(seen.unsqueeze(1), torch.where(first, ratio, others) / (1 + ratio), others)
    share = torch.full((RAYS,), RAYS**-0.5, device=power.device)
    alone = torch.zeros(RAYS, device=power.device)
    alone[0] = 1
    return power, power.sqrt().unsqueeze(2) * torch.where(first.unsqueeze(2), alone, share)


def _first(power: Tensor) -> Tensor:
    """Which of the clusters [B, C] is the first, bool [C]."""
    return torch.arange(power.shape[1], device=power.device) == 0


def _deviation(values: Tensor, power: Tensor) -> Tensor:
    """RMS deviation from the mean, by power: [B, P] -> [B]."""
    total = power.sum(1, keepdim=True)
    mean = (power * values).sum(1, keepdim=True) / total
    return ((power * (values - mean).square()).sum(1, keepdim=True) / total).sqrt()[:, 0]


def _narrowed(angle: Tensor, power: Tensor, spread: Tensor) -> Tensor:
    """Angles [B, C, R] about their mean, scaled to the spread (annex A) `spread` [B], rad (7.7.5.1)."""
    mean = (torch.polar(power, angle)).sum((1, 2)) / power.sum((1, 2))
    around = angle - mean.angle().view(-1, 1, 1)
    around = torch.atan2(around.sin(), around.cos())
    model = (-2 * mean.abs().clamp(1e-6, 1 - 1e-6).log()).sqrt()
    return around * (spread / model).view(-1, 1, 1)


def summed(phase: Tensor, doppler: Tensor, strength: Tensor, delay: Tensor, times: Tensor, offsets: Tensor) -> Tensor:
    """Rays of clusters to complex64 [B, A, N, K]: phase [B, A, C, R] in turns, doppler [B, C, R] Hz, strength alike,
    delay [B, C] s."""
    begin = torch.polar(strength.unsqueeze(1).expand_as(phase), 2 * math.pi * phase)
    cycles = doppler.unsqueeze(3) * times[:, None, None]
    turn = torch.polar(torch.ones_like(cycles), 2 * math.pi * (cycles - cycles.round()))
    taps = begin.transpose(1, 2) @ turn  # [B, C, A, N]
    cycles = delay.unsqueeze(2) * offsets
    spectrum = torch.polar(torch.ones_like(cycles), -2 * math.pi * cycles)
    batch, clusters, antennas, moments = taps.shape
    channel = taps.flatten(2).transpose(1, 2) @ spectrum
    return channel.view(batch, antennas, moments, len(offsets))
