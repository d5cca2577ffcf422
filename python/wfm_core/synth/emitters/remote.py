# SPDX-License-Identifier: GPL-3.0-or-later
"""Remote controls and sensors of the 433 and 868 MHz bands: short OOK or FSK frames, sent several times over."""

import torch

from wfm_core.synth.draws import choice, uniform
from wfm_core.synth.emitters.bursts import active_start, frames_in_line
from wfm_core.synth.emitters.emission import Emission
from wfm_core.synth.modulation import random_signs
from wfm_core.synth.shaping import (
    cpfsk_cycles,
    interpolated,
    keying_pulse,
    rectangular_phase_pulse,
    symbol_clock,
    unit_power,
    unit_tone,
)

RATES = (0.25e6, 3.2e6)
CHIP_RATES = (1e3, 20e3)
CODINGS = ("pwm", "manchester", "nrz")

_SLOWEST = 300  # samples a chip
_OOK = 0.6
_WIDEST_FSK = 0.7  # of the sample rate
_BITS = (24, 64)
_PAUSE = (5, 40)  # chips
_LONG_PAUSE = 200


def remote(samples: int, sample_rate: float, generator: torch.Generator) -> Emission:
    """One button press or sensor report after another: the same frame 2 to 8 times, then a longer pause."""
    keyed, speed, deviation, edge, phase = uniform((5,), 0, 1, generator).tolist()
    slowest = max(CHIP_RATES[0], sample_rate / _SLOWEST)
    chip_rate = slowest * (CHIP_RATES[1] / slowest) ** speed
    ook = keyed < _OOK
    chips = frame_chips(choice(CODINGS, generator) if ook else choice(CODINGS[1:], generator), generator)
    pulse = keying_pulse(round(0.05 + 0.25 * edge, 2), generator.device)
    position = symbol_clock(samples, sample_rate / chip_rate, generator)
    sent, on = _window(chips, ook, pulse, position, generator)
    envelope = interpolated(on.float(), position, pulse)
    if ook:
        cycles = torch.tensor([phase], dtype=torch.float64, device=generator.device)
        bandwidth = 2 * chip_rate
    else:
        index = 0.7 * 12.0**deviation
        index = min(index, _WIDEST_FSK * sample_rate / chip_rate - 2)
        # The keying pulse begins one chip earlier in the stream.
        cycles = cpfsk_cycles(sent[pulse.before :], position, index, rectangular_phase_pulse(generator.device)) + phase
        bandwidth = (index + 2) * chip_rate
    return Emission(unit_power(envelope * unit_tone(cycles)), bandwidth)


def frame_chips(coding: str, generator: torch.Generator) -> torch.Tensor:
    """float32 [chips] of +-1: a preamble, then 24 to 64 random bits in one of CODINGS.

    pwm: as the encoders EV1527 and PT2262: one chip on and 31 off, then 1 = 1110 and 0 = 1000. manchester: 1 = 10,
    0 = 01. nrz: one chip a bit. The last two begin with 16 alternating chips and a sync word of 4 on, 4 off.
    """
    bits = random_signs(_BITS[0] + int(uniform((), 0, 1, generator) * (_BITS[1] - _BITS[0] + 1)), generator)
    one, zero = torch.ones_like(bits), -torch.ones_like(bits)
    if coding == "pwm":
        head = [1.0] + 31 * [-1.0]
        body = torch.stack([one, bits, bits, zero], 1).flatten()
    else:
        head = 8 * [1.0, -1.0] + 4 * [1.0] + 4 * [-1.0]
        body = torch.stack([bits, -bits], 1).flatten() if coding == "manchester" else bits
    return torch.cat([torch.tensor(head, device=bits.device), body])


def _window(chips, ook, pulse, position, generator):
    """A stream of the repeated frame for `pulse` at `position`: signs, float32, and where there is carrier, bool."""
    count = pulse.length(position)
    pause = _PAUSE[0] + int(uniform((), 0, 1, generator) * (_PAUSE[1] - _PAUSE[0] + 1))
    repeats = 2 + int(uniform((), 0, 1, generator) * 7)
    total = count + len(chips) + pause
    number = torch.arange(total // (len(chips) + pause) + 1, device=chips.device)
    length = torch.full_like(number, len(chips))
    period = length + pause + (number % repeats == repeats - 1) * _LONG_PAUSE
    line = frames_in_line(total, length, period)
    sent = chips[line.place.clamp(max=len(chips) - 1)]
    on = line.on & (sent > 0) if ook else line.on
    begin = active_start(on, count, generator, pulse)
    return sent[begin : begin + count], on[begin : begin + count]
