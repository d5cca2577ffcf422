# SPDX-License-Identifier: GPL-3.0-or-later
"""dPMR (ETSI TS 102 490 and TS 102 658): FDMA digital radio of 446 MHz and business bands.

4FSK of 2400 symbols/s, deviation 1050 Hz, root raised cosine 0.2: 4.3 kHz hold 99 % of the power, 6.25 kHz channels.
Header (twice coded and scrambled), superframes of four frames of 80 ms with frame sync or colour code, control
channel and four vocoder frames; end frame.
"""

import numpy as np

from wfm_core.synth.signals.bits import crc, number_bits, random_bits, remainder_code
from wfm_core.synth.signals.transmission import Transmission
from wfm_core.synth.signals.voice.four_level import (
    hexadecimal,
    levels,
    modulated,
    over_seconds,
    overs,
    true_rate,
    vocoder,
)
from wfm_core.synth.signals.voice.pn9 import interleaved, pn9

SYMBOL_RATE = 2400.0
DEVIATION = 1050.0
BANDWIDTH = 4.3e3
SYNC_HEADER = hexadecimal("57FF5F75D577")
SYNC_FRAME = hexadecimal("5FF77D")
SYNC_END = hexadecimal("7DDFF5")
SILENCE = hexadecimal("B9E881526173002A6B")
_SCRAMBLE = pn9("111111111", 4, 120)


def protected(info: np.ndarray, polynomial: int, width: int) -> np.ndarray:
    """Bits with their CRC, in Hamming (12, 8), interleaved and scrambled."""
    info = np.concatenate([info, number_bits(crc(info, polynomial, width), width)])
    words = np.concatenate([remainder_code(byte, 0b0011, 4) for byte in info.reshape(-1, 8)])
    return interleaved(words, 12) ^ _SCRAMBLE[: len(words)]


def control(number: int, half: int, mode: int, slow: np.ndarray) -> np.ndarray:
    """72 bits of a frame's control channel: frame number, half an address, mode, slow data."""
    fields = [number_bits(number, 2), number_bits(half, 12), number_bits(mode, 3), np.zeros(6, np.uint8), slow]
    return protected(np.concatenate(fields), 0b0001001, 7)


def header(called: int, own: int, mode: int, colour: np.ndarray, preamble: int) -> np.ndarray:
    """Preamble of so many bits, sync, and header information before and after the colour code."""
    fields = [number_bits(0, 4), number_bits(called, 24), number_bits(own, 24), number_bits(mode, 3)]
    info = protected(np.concatenate([*fields, np.zeros(17, np.uint8)]), 0b00000111, 8)
    start = np.resize(hexadecimal("5F"), preamble)
    return np.concatenate([start, SYNC_HEADER, info, colour, info])


def superframe(called: int, own: int, mode: int, colour: np.ndarray, speech: np.ndarray, slow: np.ndarray):
    """1536 bits; speech: [4, 288], slow: [18]."""
    halves = (called >> 12, called & 0xFFF, own >> 12, own & 0xFFF)
    pieces = []
    for number, half in enumerate(halves):
        pieces += [colour if number % 2 else SYNC_FRAME, control(number, half, mode, slow), speech[number]]
    return np.concatenate(pieces)


def end(rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([SYNC_END, random_bits(72, rng)])


def dpmr(seconds: float, rng: np.random.Generator) -> Transmission:
    """Overs of hand-helds, or of repeaters that send on."""
    deviation, edge = DEVIATION * rng.uniform(0.85, 1.15), rng.uniform(0.5e-3, 4e-3)
    colour = np.stack([random_bits(12, rng), np.ones(12, np.uint8)], 1).ravel()
    bursts = []
    for _ in range(rng.integers(1, 3)):
        called, own = int(rng.integers(1, 1 << 24)), int(rng.integers(1, 1 << 24))
        mode = int(rng.choice([0, 0, 0, 1, 5]))
        count = int(over_seconds(seconds, rng) / 0.32) + 1
        speech = vocoder(16 * count, 72, SILENCE, rng).reshape(count, 4, 288)
        slow = random_bits(18, rng) * np.uint8(rng.random() < 0.3)
        frames = [superframe(called, own, mode, colour, words, slow) for words in speech]
        start = header(called, own, mode, colour, 8 * int(rng.integers(9, 40)))
        bits = np.concatenate([start, *frames, end(rng)])
        bursts.append(modulated(levels(bits), SYMBOL_RATE, deviation, edge=edge))
    return overs(bursts, true_rate(SYMBOL_RATE, rng), BANDWIDTH, "dpmr", seconds, rng)
