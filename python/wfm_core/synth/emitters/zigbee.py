# SPDX-License-Identifier: GPL-3.0-or-later
"""IEEE 802.15.4 at 2.4 GHz (ZigBee, Thread): O-QPSK of 2 Mchip/s in bursts (IEEE 802.15.4-2020, section 12)."""

from functools import lru_cache

import torch

from wfm_core.synth.draws import uniform
from wfm_core.synth.emitters.bursts import burst_timeline
from wfm_core.synth.emitters.emission import Emission
from wfm_core.synth.shaping import half_sine_pulse, interpolated, symbol_clock, unit_power, unit_tone

RATES = (3e6, 61.44e6)
CHIP_RATE = 2e6
CHIPS = 32
"""Chips a symbol of four bits."""

_BANDWIDTH = 2.5e6  # holds 99 % of the power
_SYMBOL_ZERO = "11011001110000110101001000101110"  # table 12-1
_HEADER = (0,) * 8 + (0x7, 0xA)  # preamble, SFD 0xA7, low nibble first (section 12.1.3)
_FRAME = (2 * (6 + 5) * CHIPS, 2 * (6 + 127) * CHIPS)  # SHR and PHR, then 5 to 127 octets
_PAUSE = (12 * CHIPS, 150 * CHIPS)  # turnaround to a few back-off periods


def zigbee(samples: int, sample_rate: float, generator: torch.Generator) -> Emission:
    """Frames of preamble, SFD, length and random octets, with pauses of 0.2 to 2.4 ms between them."""
    device = generator.device
    pulse = half_sine_pulse(device)
    position = symbol_clock(samples, sample_rate / CHIP_RATE, generator)
    line = burst_timeline(pulse.length(position), _FRAME, _PAUSE, generator, 2 * CHIPS, pulse)
    stream = chip_stream(frame_symbols(line, generator), line.place)
    # The two chips that overlap at any time are a quarter turn apart: the envelope is 1.
    x = interpolated(stream * line.on, position, pulse) * unit_tone(uniform((1,), 0, 1, generator))
    return Emission(unit_power(x), _BANDWIDTH)


def frame_symbols(line, generator: torch.Generator) -> torch.Tensor:
    """The 4-bit symbol of each chip, int64 [n]: SHR and PHR by their place in the frame, then random data."""
    device = generator.device
    within = line.place // CHIPS
    # One draw per symbol of the window, shared by the symbol's chips.
    number = torch.div(torch.arange(len(within), device=device) - line.place % CHIPS, CHIPS, rounding_mode="floor") + 1
    data = torch.randint(16, (len(within) // CHIPS + 2,), generator=generator, device=device)[number]
    octets = line.length[line.frame] // (2 * CHIPS) - 6
    header = torch.tensor(_HEADER, device=device)[within.clamp(max=len(_HEADER) - 1)]
    symbol = torch.where(within < len(_HEADER), header, data)
    symbol = torch.where(within == len(_HEADER), octets & 15, symbol)
    return torch.where(within == len(_HEADER) + 1, octets >> 4, symbol)


def chip_stream(symbol: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """complex64 [n]: the chip at `place` of its frame, even chips on I, odd ones on Q (section 12.2.6)."""
    chips = chip_table(symbol.device)[symbol, place % CHIPS]
    odd = place % 2 == 1
    return torch.complex(chips * ~odd, chips * odd)


@lru_cache
def chip_table(device: torch.device) -> torch.Tensor:
    """float32 [16, 32] of +-1: table 12-1. Symbols 1 to 7 are rotations of symbol 0, 8 to 15 have Q inverted."""
    zero = torch.tensor([int(chip) for chip in _SYMBOL_ZERO]) * 2.0 - 1.0
    half = torch.stack([zero.roll(4 * symbol) for symbol in range(8)])
    flip = torch.tensor([1.0, -1.0]).repeat(CHIPS // 2)
    return torch.cat([half, half * flip]).to(device)
