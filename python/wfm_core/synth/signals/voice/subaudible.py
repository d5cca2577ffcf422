# SPDX-License-Identifier: GPL-3.0-or-later
"""Signalling of voice radios: sub-audible tones and codes (EIA/TIA-603), selective calls, and the tones of keys."""

import numpy as np

from wfm_core.synth.signals.bits import number_bits, remainder_code
from wfm_core.synth.signals.keying import filtered, held

CTCSS = (
    67.0, 71.9, 74.4, 77.0, 79.7, 82.5, 85.4, 88.5, 91.5, 94.8, 97.4, 100.0, 103.5, 107.2, 110.9, 114.8, 118.8, 123.0,
    127.3, 131.8, 136.5, 141.3, 146.2, 151.4, 156.7, 162.2, 167.9, 173.8, 179.9, 186.2, 192.8, 203.5, 210.7, 218.1,
    225.7, 233.6, 241.8, 250.3,
)  # fmt: skip
"""Hz."""
DCS = (0o023, 0o025, 0o026, 0o031, 0o032, 0o043, 0o047, 0o051, 0o054, 0o065, 0o071, 0o072, 0o073, 0o114, 0o125, 0o155,
       0o174, 0o205, 0o223, 0o244, 0o311, 0o343, 0o411, 0o445, 0o466, 0o506, 0o532, 0o612, 0o627, 0o654, 0o703, 0o732,
       0o754)  # fmt: skip
_ZVEI = (2400, 1060, 1160, 1270, 1400, 1530, 1670, 1830, 2000, 2200)
_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)


def dcs_word(code: int) -> np.ndarray:
    """23 bits in the order of transmission: nine of code, 0 0 1, eleven of Golay (23, 12)."""
    return remainder_code(number_bits(0o4000 | code, 12, lsb_first=True), 0x2E3, 11)


def below_speech(count: int, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """float64 [count] of amplitude 1: a tone, a digital code of 134.4 bit/s, or (half of the radios) nothing."""
    kind = rng.random()
    if kind < 0.5:
        return np.zeros(count)
    if kind < 0.85:
        tone = rng.choice(CTCSS) * rng.uniform(0.998, 1.002)
        return np.sin(2 * np.pi * (tone * np.arange(count) / sample_rate + rng.random()))
    word = dcs_word(int(rng.choice(DCS)))
    bits = np.resize(word, int(count * 134.4 / sample_rate) + 2)
    code = filtered(held(2.0 * bits - 1, 134.4, sample_rate), 0, 280, sample_rate, 3)
    return np.resize(code * rng.choice([-1, 1]), count)


def tone_sequence(tones, seconds: float, sample_rate: float) -> np.ndarray:
    """Tones (Hz, or pairs of them) of `seconds` each, of amplitude 1."""
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    pieces = [np.sin(2 * np.pi * np.outer(np.atleast_1d(tone), t)).sum(0) / np.size(tone) for tone in tones]
    return np.concatenate(pieces)


def opening(sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """What some radios send before speech: five tones, DTMF, or 1750 Hz for a repeater."""
    kind = rng.choice(3)
    if kind == 0:
        return tone_sequence(rng.choice(_ZVEI, 5), 0.07, sample_rate)
    if kind == 1:
        pairs = [(rng.choice(_ROWS), rng.choice(_COLUMNS)) for _ in range(rng.integers(1, 6))]
        return np.concatenate(
            [np.pad(tone_sequence([pair], 0.08, sample_rate), (0, int(0.06 * sample_rate))) for pair in pairs]
        )
    return tone_sequence([1750.0], rng.uniform(0.3, 1.0), sample_rate)


def closing(sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """A roger beep: one to four short tones."""
    return tone_sequence(rng.uniform(500, 2500, rng.integers(1, 5)), rng.uniform(0.04, 0.15), sample_rate)
