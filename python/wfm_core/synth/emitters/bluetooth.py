# SPDX-License-Identifier: GPL-3.0-or-later
"""Bluetooth basic rate: GFSK packets of 1 Mb/s in 625 us slots, each on another channel (Core 5.4, vol. 2 part B)."""

import torch

from wfm_core.synth.draws import uniform
from wfm_core.synth.emitters.bursts import Timeline, active_start, frames_in_line
from wfm_core.synth.emitters.emission import Emission
from wfm_core.synth.modulation import random_signs
from wfm_core.synth.shaping import (
    Pulse,
    cpfsk_cycles,
    gaussian_phase_pulse,
    held,
    interpolated,
    keying_pulse,
    symbol_clock,
    unit_power,
    unit_tone,
)

RATES = (2e6, 61.44e6)
BIT_RATE = 1e6
SLOT = 625
"""Bits a slot lasts."""

BANDWIDTH_TIME = 0.5
ACCESS_CODE = 72
HEADER = 54
"""18 bits, each sent three times (section 7.4)."""

_SPACING = 1e6
_CHANNELS = 79
_LEAST = ACCESS_CODE + HEADER
_SLOTS = (1, 3, 5)
_MOST = (366, 1622, 2870)  # bits of DH1, DH3 and DH5


def bluetooth(samples: int, sample_rate: float, generator: torch.Generator) -> Emission:
    """One piconet: packets of 1, 3 or 5 slots hopping over a random number of channels within the received band.

    Modulation index 0.28 to 0.35, BT 0.5 (vol. 2 part A, section 3.1). bandwidth spans the hops that are seen.
    """
    index, spread, load, phase = uniform((4,), 0, 1, generator).tolist()
    pulse = gaussian_phase_pulse(BANDWIDTH_TIME, generator.device)
    position = symbol_clock(samples, sample_rate / BIT_RATE, generator)
    line = slot_timeline(pulse.length(position), 0.3 + 0.7 * load, generator, pulse)
    cycles = cpfsk_cycles(packet_bits(line, generator), position, 0.28 + 0.07 * index, pulse)
    # Ramps of one microsecond at both ends of a packet.
    envelope = interpolated(line.on[pulse.before - 1 :].float(), position, keying_pulse(1.0, generator.device))

    room = min(int((sample_rate - BIT_RATE) / _SPACING) + 1, _CHANNELS)
    channels = 1 + int(spread * room)
    hop = torch.randint(channels, line.length.shape, generator=generator, device=generator.device)
    seen = hop[line.frame[line.on]]
    lowest, highest = torch.stack(seen.aminmax()).tolist()
    carrier = (hop - 0.5 * (lowest + highest))[line.frame].double()
    # The ramp down outlasts the last bit by one, still within the slot.
    cycles = cycles + held(carrier, position, pulse.before) * position * (_SPACING / BIT_RATE) + phase
    x = unit_power(envelope * unit_tone(cycles))
    return Emission(x, BIT_RATE + (highest - lowest) * _SPACING)


def slot_timeline(bits: int, load: float, generator: torch.Generator, pulse: Pulse | None = None) -> Timeline:
    """A window of `bits` bits on packets that begin on slots; a share 1 - load of them is missing."""
    total = bits + _SLOTS[-1] * SLOT
    shape = (total // SLOT + 1,)
    kind = torch.randint(len(_SLOTS), shape, generator=generator, device=generator.device)
    fill, sent = uniform((2, *shape), 0, 1, generator)
    most = torch.tensor(_MOST, device=kind.device)[kind]
    length = _LEAST + (fill * (most - _LEAST)).long()
    length[1:] *= sent[1:] < load
    line = frames_in_line(total, length, SLOT * torch.tensor(_SLOTS, device=kind.device)[kind])
    return line.window(active_start(line.on, bits, generator, pulse), bits)


def packet_bits(line: Timeline, generator: torch.Generator) -> torch.Tensor:
    """float32 [n] of +-1: the piconet's access code, each packet's header in threes, random payload."""
    code = access_code(generator)
    headers = random_signs(len(line.length) * (HEADER // 3), generator).view(-1, HEADER // 3)
    bits = random_signs(len(line.place), generator)
    third = ((line.place - ACCESS_CODE) // 3).clamp(0, HEADER // 3 - 1)
    bits = torch.where(line.place < ACCESS_CODE + HEADER, headers[line.frame, third], bits)
    return torch.where(line.place < ACCESS_CODE, code[line.place.clamp(max=ACCESS_CODE - 1)], bits)


def access_code(generator: torch.Generator) -> torch.Tensor:
    """float32 [72] of +-1: preamble, sync word, trailer (section 6.3).

    The sync word is random but for its end, a Barker sequence that the last address bit chooses.
    """
    word = random_signs(58, generator)
    barker = torch.tensor([-1.0, -1.0, 1.0, 1.0, -1.0, 1.0], device=word.device) * -word[-1]
    # Preamble and trailer go on alternating from the bits beside them.
    alternating = torch.tensor([1.0, -1.0, 1.0, -1.0], device=word.device)
    return torch.cat([alternating * word[0], word, barker, -alternating * barker[-1]])
