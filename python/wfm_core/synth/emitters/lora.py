# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRa frames: chirp spread spectrum of 125, 250 or 500 kHz (Semtech AN1200.22; Robyns et al., "gr-lora", 2018)."""

import torch

from wfm_core.synth.draws import choice, uniform
from wfm_core.synth.emitters.bursts import burst_timeline
from wfm_core.synth.emitters.emission import Emission
from wfm_core.synth.modulation import chirp_cycles
from wfm_core.synth.shaping import held, symbol_clock, unit_power, unit_tone

RATES = (0.25e6, 25e6)
BANDWIDTHS = (125e3, 250e3, 500e3)
SPREADING_FACTORS = (7, 8, 9, 10, 11, 12)
SYNC_WORDS = (0x12, 0x34)
"""Private and public networks."""

PREAMBLE = 8
_DOWN = PREAMBLE + 2  # first down-chirp, after two sync symbols
_QUARTERS = 4
_LEAD = _QUARTERS * _DOWN + 9  # quarter symbols before the payload: 2.25 down-chirps
_HEADER = 8  # payload symbols that are sent at SF - 2
_FRAME = (_LEAD + _QUARTERS * 8, _LEAD + _QUARTERS * 60)
_PAUSE = (8, 160)


def lora(samples: int, sample_rate: float, generator: torch.Generator) -> Emission:
    """Eight up-chirps, two sync symbols, 2.25 down-chirps, 8 to 60 random symbols; pauses between frames."""
    bandwidth = choice([width for width in BANDWIDTHS if sample_rate / 200 <= width <= sample_rate], generator)
    chips = 2 ** choice(SPREADING_FACTORS, generator)
    word = choice(SYNC_WORDS, generator)
    # Time in quarter symbols, for that is what frames are whole multiples of.
    position = symbol_clock(samples, chips / _QUARTERS * sample_rate / bandwidth, generator)
    line = burst_timeline(int(position[-1]) + 1, _FRAME, _PAUSE, generator)
    values = symbol_values(line.place, chips, word, generator)
    on, place = held(line.on, position), held(line.place, position)
    number, quarter = chirp_number(place)
    chip = (quarter + position - position.floor()) * (chips / _QUARTERS)
    down = (number >= _DOWN) & (place < _LEAD)
    cycles = chirp_cycles(held(values, position), chip, chips)
    cycles = torch.where(down, -cycles, cycles) + uniform((1,), 0, 1, generator)
    return Emission(unit_power(unit_tone(cycles) * on), bandwidth)


def chirp_number(place: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Which chirp of its frame a quarter symbol belongs to and which quarter of it; the payload is a quarter late."""
    payload = place >= _LEAD
    shifted = place + payload * (_QUARTERS - 1)
    return shifted // _QUARTERS, shifted % _QUARTERS


def symbol_values(place: torch.Tensor, chips: int, word: int, generator: torch.Generator) -> torch.Tensor:
    """The symbol of each quarter symbol, int64 [n]: 0 for the preamble, 8 times each nibble of the sync word, data."""
    number, quarter = chirp_number(place)
    drawn = torch.randint(chips, (len(place) // _QUARTERS + 3,), generator=generator, device=place.device)
    index = torch.arange(len(place), device=place.device) - quarter + _QUARTERS
    data = drawn[torch.div(index, _QUARTERS, rounding_mode="floor")]
    payload = number - _DOWN - 3
    data = torch.where(payload < _HEADER, data // 4 * 4, data)
    data = torch.where(place < _LEAD, 0, data)
    data = torch.where(number == PREAMBLE, 8 * (word >> 4), data)
    return torch.where(number == PREAMBLE + 1, 8 * (word & 15), data)
