# SPDX-License-Identifier: GPL-3.0-or-later
"""PSK31, amateurs' keyboard conversations (P. Martinez, "PSK31: A new radio-teletype mode", RadCom, 1998 and 1999).

31.25 baud BPSK, or QPSK with a code of constraint length 5; where the phase changes, the envelope follows a cosine:
47 Hz hold 99 % of the power, at 3.58, 7.04, 14.07 MHz. A 0 is a reversal of the phase, a 1 none. Characters are
varicode, separated by 00; reversals before a message and a steady carrier behind it. PSK63 and PSK125 are the same
at twice and four times the speed.
"""

import numpy as np

from wfm_core.synth.signals.amateur import phrases
from wfm_core.synth.signals.bits import convolutional
from wfm_core.synth.signals.content import text
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

BAUD = 31.25
PER_SYMBOL = 8
_CODES = """
    1 111111111 101011111 111110101 111011011 1011010101 1010111011 101111111 11111011 11110111 101101111 111011111
    1110101 110101 1010111 110101111 10110111 10111101 11101101 11111111 101110111 101011011 101101011 110101101
    110101011 110110111 11110101 110111101 111101101 1010101 111010111 1010101111 1010111101 1111101 11101011 10101101
    10110101 1110111 11011011 11111101 101010101 1111111 111111101 101111101 11010111 10111011 11011101 10101011
    11010101 111011101 10101111 1101111 1101101 101010111 110110101 101011101 101110101 101111011 1010101101 111110111
    111101111 111111011 1010111111 101101101 1011011111 1011 1011111 101111 101101 11 111101 1011011 101011 1101
    111101011 10111111 11011 111011 1111 111 111111 110111111 10101 10111 101 110111 1111011 1101011 11011111 1011101
    111010101 1010110111 110111011 1010110101 1011010111
"""
VARICODE = {"\n": "11101", "\r": "11111", **{chr(32 + place): code for place, code in enumerate(_CODES.split())}}
"""Codes of the printed characters, and of line feed and carriage return."""
_QUARTERS = np.array([2, 1, 0, 3])
"""Quarter turns that the pairs 00, 01, 10, 11 of the code make: 180 degrees for idle, none for a carrier."""


def message_bits(said: str, before: int, behind: int) -> np.ndarray:
    """`before` zeros (reversals), the characters, `behind` ones (a carrier)."""
    bits = "0" * before + "".join(VARICODE[letter] + "00" for letter in said if letter in VARICODE) + "1" * behind
    return np.frombuffer(bits.encode(), np.uint8) - ord("0")


def bpsk_turns(bits: np.ndarray) -> np.ndarray:
    """Quarter turns of each symbol against the one before."""
    return 2 * (1 - bits.astype(int))


def qpsk_turns(bits: np.ndarray) -> np.ndarray:
    """Quarter turns, of the code with polynomials 25 and 23 (octal 31, 27) and five symbols of its memory's end."""
    pairs = convolutional(bits, (0b11001, 0b10111), 4).reshape(-1, 2).astype(int)
    return _QUARTERS[2 * pairs[:, 0] + pairs[:, 1]]


def shaped(turns: np.ndarray, per_symbol: int = PER_SYMBOL) -> np.ndarray:
    """complex128: each symbol goes over into the next by a raised cosine of one symbol."""
    points = 1j ** np.cumsum(np.concatenate([[0], turns]))
    weight = 0.5 - 0.5 * np.cos(np.pi * (np.arange(per_symbol) + 0.5) / per_symbol)
    steps = points[:-1, None] * (1 - weight) + points[1:, None] * weight
    # Begins and ends as from nothing and into nothing.
    return np.concatenate([points[0] * weight, steps.ravel(), points[-1] * (1 - weight)])


def bpsk(seconds: float, rng: np.random.Generator) -> Transmission:
    return _sent(seconds, rng, bpsk_turns, "bpsk31")


def qpsk(seconds: float, rng: np.random.Generator) -> Transmission:
    return _sent(seconds, rng, qpsk_turns, "qpsk31")


def _sent(seconds: float, rng: np.random.Generator, turns_of, kind: str) -> Transmission:
    baud = BAUD * float(rng.choice([1, 1, 1, 2, 4]))
    said = phrases.contact(rng)
    if rng.random() < 0.6:
        said = said.lower()
    while rng.random() < 0.5 or len(said) < seconds * baud / 8:
        said += " " + text(int(rng.integers(4, 20)), rng)
    bits = message_bits(said, int(rng.integers(16, 65)), int(rng.integers(16, 65)))
    idle = np.flatnonzero(bits == 0)[rng.integers(0, 16)]
    bits = np.insert(bits, idle, np.zeros(int(rng.integers(0, 40)), np.uint8))
    wave = shaped(turns_of(bits)) * np.exp(2j * np.pi * rng.random())
    rate = baud * PER_SYMBOL * (1 + rng.uniform(-50e-6, 50e-6))
    line = on_air([wave], [0], round(seconds * rate), rng)
    return transmission(line, rate, 1.5 * baud, kind)
