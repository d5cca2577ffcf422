# SPDX-License-Identifier: GPL-3.0-or-later
"""Symbols to samples at any, also fractional, number of samples per symbol.

A stream of symbols is summed over tabulated pulses: y(t) = sum_k values[k] p(t - k), t in symbols. In a stream for
a pulse that reaches `before` symbols back, values[0] is the symbol at time -before.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch

from wfm_core.synth.draws import uniform
from wfm_core.synth.dsss import root_raised_cosine

STEPS = 256
_ROLLOFF_STEP = 0.02


@dataclass(frozen=True, eq=False)
class Pulse:
    """table: float32 [STEPS, taps]; row: fraction of a symbol; column c: the symbol at floor(t) - before + c."""

    table: torch.Tensor
    before: int

    @property
    def taps(self) -> int:
        return self.table.shape[1]

    @property
    def after(self) -> int:
        return self.taps - 1 - self.before

    def length(self, position: torch.Tensor) -> int:
        """How many symbols a stream needs to be interpolated at these ascending positions."""
        return int(position[-1]) + self.taps


def symbol_clock(samples: int, samples_per_symbol: float, generator: torch.Generator) -> torch.Tensor:
    """Time of each sample in symbols, float64 [samples], from a random instant of the first symbol on."""
    time = torch.arange(samples, device=generator.device, dtype=torch.float64)
    return time / samples_per_symbol + uniform((), 0, 1, generator).double()


def interpolated(values: torch.Tensor, position: torch.Tensor, pulse: Pulse) -> torch.Tensor:
    """values [K], real or complex, through `pulse` at `position` float64 [n] (>= 0): [n] of the values' type."""
    nearest = position.floor()
    weights = pulse.table.index_select(0, ((position - nearest) * STEPS).long())
    parts = torch.view_as_real(values) if values.is_complex() else values[:, None]
    # [K, 1 or 2, taps], so that one row holds all that a sample needs: far faster than a gather per tap.
    around = parts.unfold(0, pulse.taps, 1).contiguous().index_select(0, nearest.long())
    sums = torch.bmm(around, weights[:, :, None])[..., 0]
    return torch.view_as_complex(sums) if values.is_complex() else sums[:, 0]


def held(values: torch.Tensor, position: torch.Tensor, before: int = 0) -> torch.Tensor:
    """The value that holds at each position, for a stream that starts at time -before."""
    return values.index_select(0, position.long() + before)


def unit_tone(cycles: torch.Tensor) -> torch.Tensor:
    """exp(j 2 pi cycles), complex64. Whole turns are taken off in the double precision that comes in."""
    turns = (cycles - cycles.round()).float() * (2 * torch.pi)
    return torch.complex(turns.cos(), turns.sin())


def unit_power(x: torch.Tensor) -> torch.Tensor:
    """x, complex64 [n], scaled to a mean power of 1 over the samples that are not exactly zero."""
    power = torch.view_as_real(x).square().sum(-1)
    return x * ((power > 0).sum() / power.sum().clamp(min=1e-20)).sqrt()


def cpfsk_cycles(bits: torch.Tensor, position: torch.Tensor, index: float, pulse: Pulse) -> torch.Tensor:
    """Phase in cycles, float64 [n], of continuous-phase FSK of modulation index `index` (Proakis, ch. 3).

    bits: float32 [K] of +-1; pulse: a phase pulse that has risen to 1/2 where the symbol leaves its reach.
    """
    whole = torch.zeros(len(bits) + 1, dtype=torch.float64, device=bits.device)
    torch.cumsum(bits, 0, dtype=torch.float64, out=whole[1:])
    return index * (0.5 * held(whole, position) + interpolated(bits, position, pulse))


def root_raised_cosine_pulse(rolloff: float, device: torch.device) -> Pulse:
    """The nearest tabulated roll-off (steps of 0.02) of 12 symbols, energy one symbol's."""
    return _root_raised_cosine(round(rolloff / _ROLLOFF_STEP), torch.device(device))


@lru_cache(maxsize=128)
def _root_raised_cosine(rolloff_steps: int, device: torch.device) -> Pulse:
    reach = 6
    time = _times(reach - 1, 2 * reach) + 1e-9
    table = root_raised_cosine(time, rolloff_steps * _ROLLOFF_STEP)
    return Pulse((table / (table.square().sum() / STEPS).sqrt()).float().to(device), reach - 1)


@lru_cache(maxsize=64)
def gaussian_phase_pulse(bandwidth_time: float, device: torch.device) -> Pulse:
    """Phase pulse q(t), 0 to 1/2: a symbol-long rectangle through a Gaussian filter (3GPP TS 45.004 section 2.3)."""
    sigma = (torch.log(torch.tensor(2.0)).sqrt() / (2 * torch.pi * bandwidth_time)).double()
    time = _times(3, 6)

    def ramp(t):
        """Integral of the Gaussian's distribution function up to t."""
        scaled = t / sigma
        normal = torch.exp(-scaled.square() / 2) / (2 * torch.pi) ** 0.5
        return t * torch.special.ndtr(scaled) + sigma * normal

    return Pulse((0.5 * (ramp(time) - ramp(time - 1))).float().to(device), 3)


@lru_cache
def rectangular_phase_pulse(device: torch.device) -> Pulse:
    """Phase pulse of plain FSK: rises evenly from 0 to 1/2 within its symbol."""
    return Pulse((0.5 * _times(0, 1)).float().to(device), 0)


@lru_cache
def half_sine_pulse(device: torch.device) -> Pulse:
    """Half a sine over two symbols (chips), as IEEE 802.15.4 O-QPSK shapes its chips (section 12.2.6)."""
    return Pulse(torch.sin(torch.pi / 2 * _times(1, 2)).float().to(device), 1)


@lru_cache(maxsize=64)
def keying_pulse(edge: float, device: torch.device) -> Pulse:
    """A rectangle of one symbol whose raised-cosine edges take `edge` (0..1) of a symbol; a run of ones stays 1."""
    time = _times(1, 2)
    rise = 0.5 - 0.5 * torch.cos(torch.pi * (time / edge).clamp(0, 1))
    fall = 0.5 - 0.5 * torch.cos(torch.pi * ((time - 1) / edge).clamp(0, 1))
    return Pulse((rise - fall).float().to(device), 1)


def _times(before: int, taps: int) -> torch.Tensor:
    """t - k of each table entry, float64 [STEPS, taps], in the middle of each step."""
    fraction = (torch.arange(STEPS, dtype=torch.float64)[:, None] + 0.5) / STEPS
    return fraction + before - torch.arange(taps)
