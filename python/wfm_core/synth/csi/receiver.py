# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Wi-Fi or 5G receiver makes of a channel before it reports it.

Phases: each packet begins at another phase of the oscillators' difference (the carrier frequency offset turns it many
times between two packets, and wanders), and is cut out at another moment (packet detection, sampling frequency
offset), which is a slope over the subcarriers; both are the same on all antennas of one receiver (Xie, Li and Li,
Precise Power Delay Profiling with Commodity Wi-Fi, MobiCom 2015).
Amplitudes: filters that are not flat, antennas with gains of their own, noise, a gain control that moves in steps, and
integers.
"""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from wfm_core.synth.csi.grids import Grid
from wfm_core.synth.draws import complex_normal, log_uniform, uniform

SHIFTS = (0.0, -400e-9, -200e-9)
"""Cyclic shifts of the HT portion for up to three space-time streams, s, in their order (802.11n-2009, 20.3.9.4)."""
_RIPPLES = 3


@dataclass
class Receiver:
    """`count` receivers, float32 [B] each unless said otherwise.

    `snr_db`: of the mean over antennas, subcarriers and packets; `gain_db` [B, R]: of each antenna; `ripple_db`
    [B, R, 3] with `ripple_phase` [B, R, 3]: of the filters, as cosines of one, two and three half periods over the
    band; `locked` bool: to the transmitter's clock, else the phase of a packet is any; `delay` and `delay_jitter` s:
    between a packet's beginning and where it is cut out, and its deviation; `shifted` bool: cyclic shifts of the
    streams are in the channel; `gain_step` dB (0: held) and `gain_jitter` dB: of the gain control; `spike`: chance
    that a packet is disturbed; `bits` of every part, 0 for floating point; `level`: largest part of a packet of usual
    strength, of full scale.
    """

    snr_db: Tensor
    gain_db: Tensor
    ripple_db: Tensor
    ripple_phase: Tensor
    locked: Tensor
    delay: Tensor
    delay_jitter: Tensor
    shifted: Tensor
    gain_step: Tensor
    gain_jitter: Tensor
    spike: Tensor
    bits: int
    level: Tensor

    def __getitem__(self, rows: Tensor) -> "Receiver":
        """The receivers of these rows."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return Receiver(**{name: x[rows] if isinstance(x, Tensor) else x for name, x in values.items()})


def draw_receivers(count: int, antennas: int, grid: Grid, generator: torch.Generator) -> Receiver:
    """Receivers as they are met: from cards in laptops to measuring instruments."""

    def draw(low, high, *shape):
        return uniform((count, *shape), low, high, generator)

    normal = torch.randn((count, antennas), generator=generator, device=generator.device)
    return Receiver(
        snr_db=draw(14.0, 44.0),
        gain_db=draw(0.5, 6.0, 1) * normal,
        ripple_db=draw(0.0, 1.0, 1, 1) * draw(0.0, 0.7, antennas, _RIPPLES),
        ripple_phase=draw(0.0, 2 * math.pi, antennas, _RIPPLES),
        locked=draw(0, 1) < 0.1,
        delay=draw(-50e-9, 250e-9),
        delay_jitter=log_uniform((count,), 0.5e-9, 20e-9, generator),
        shifted=draw(0, 1) < 0.5,
        gain_step=torch.where(draw(0, 1) < 0.25, 0.0, log_uniform((count,), 0.5, 3.0, generator)),
        gain_jitter=log_uniform((count,), 0.02, 1.2, generator),
        spike=torch.where(draw(0, 1) < 0.5, 0.0, log_uniform((count,), 0.002, 0.03, generator)),
        bits=grid.bits,
        level=draw(0.25, 0.7),
    )


def received(
    channel: Tensor, times: Tensor, grid: Grid, receiver: Receiver, transmit: int, generator: torch.Generator
) -> Tensor:
    """Channels complex64 [B, A, N, K] at `times` [B, N] s as they are reported, of the same shape.

    A antennas are `transmit` times as many as the receiver has, the receiver's change fastest. Reported parts are
    integers where the receiver has `bits`, else the RMS of a window is about 1.
    """
    offsets, used = grid.offsets(channel.device), grid.mask(channel.device)
    batch, pairs, moments, _ = channel.shape
    level = channel.abs().square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(1e-20)
    x = channel / level * _filters(receiver, transmit, offsets, used)
    noise = 10 ** (-receiver.snr_db / 20)
    disturbed = uniform((batch, moments), 0, 1, generator) < receiver.spike.unsqueeze(1)
    louder = 10 ** (uniform((batch, moments), 0.3, 1.0, generator) * disturbed)
    scale = (noise.unsqueeze(1) * louder)[:, None, :, None]
    x = x + scale * complex_normal(x.shape, generator)
    x = x * _phases(receiver, times, offsets, generator).unsqueeze(1)
    x = x * _gain(x, receiver, generator)
    return _reported(x, receiver)


def _filters(receiver: Receiver, transmit: int, offsets: Tensor, used: Tensor) -> Tensor:
    """Complex64 [B, A, 1, K]: antennas' gains, ripple, streams' shifts; nothing where nothing is sent."""
    place = (offsets - offsets[0]) / (offsets[-1] - offsets[0])
    halves = torch.arange(1, _RIPPLES + 1, device=offsets.device)
    waves = torch.cos(math.pi * halves[:, None] * place + receiver.ripple_phase.unsqueeze(-1))
    decibels = receiver.gain_db.unsqueeze(-1) + (receiver.ripple_db.unsqueeze(-1) * waves).sum(2)
    gain = 10 ** (decibels / 20) * used
    shift = torch.tensor([SHIFTS[stream % len(SHIFTS)] for stream in range(transmit)], device=offsets.device)
    cycles = shift.view(1, -1, 1) * offsets * receiver.shifted.view(-1, 1, 1)
    turn = torch.polar(torch.ones_like(cycles), -2 * math.pi * cycles)
    return (turn.unsqueeze(2) * gain.unsqueeze(1)).flatten(1, 2).unsqueeze(2)


def _phases(receiver: Receiver, times: Tensor, offsets: Tensor, generator: torch.Generator) -> Tensor:
    """Complex64 [B, N, K]: of carrier and sampling offsets, the same on all antennas."""
    turns = uniform(times.shape, 0, 1, generator)
    turns = torch.where(receiver.locked.unsqueeze(1), turns[:, :1], turns)
    jitter = torch.randn(times.shape, generator=generator, device=times.device)
    delay = receiver.delay.unsqueeze(1) + receiver.delay_jitter.unsqueeze(1) * jitter
    cycles = turns.unsqueeze(-1) - delay.unsqueeze(-1) * offsets
    return torch.polar(torch.ones_like(cycles), 2 * math.pi * cycles)


def _gain(x: Tensor, receiver: Receiver, generator: torch.Generator) -> Tensor:
    """[B, 1, N, 1]: brings each packet near a mean power of 1, in steps, by what the control measured of it."""
    power_db = 10 * torch.log10(x.abs().square().mean((1, 3)).clamp_min(1e-20))
    measured = power_db + receiver.gain_jitter.unsqueeze(1) * torch.randn(
        power_db.shape, generator=generator, device=x.device
    )
    step = receiver.gain_step.unsqueeze(1)
    stepped = torch.where(step > 0, (measured / step.clamp_min(1e-3)).round() * step, _held(power_db, measured))
    return (10 ** (-stepped / 20))[:, None, :, None]


def _held(power_db: Tensor, measured: Tensor) -> Tensor:
    """Of a control that is held (as on instruments and where software holds it): one gain for a window, and what it
    jitters by."""
    return power_db.mean(1, keepdim=True) + 0.1 * (measured - power_db)


def _reported(x: Tensor, receiver: Receiver) -> Tensor:
    if not receiver.bits:
        return x
    # the strongest part of most packets is at `level`; beyond full scale it is clipped
    parts = torch.view_as_real(x)
    strongest = parts.abs().amax((1, 3, 4)).median(1).values.clamp_min(1e-12)
    full = 2 ** (receiver.bits - 1)
    scale = (receiver.level * full / strongest).view(-1, 1, 1, 1, 1)
    return torch.view_as_complex((parts * scale).round().clamp(-full, full - 1))
