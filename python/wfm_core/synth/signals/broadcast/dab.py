# SPDX-License-Identifier: GPL-3.0-or-later
"""DAB and DAB+ (ETSI EN 300 401 V2.1.1, transmission mode I): ensembles of 1.537 MHz at 174 to 240 MHz.

Phase reference, fast information channel, carriers' order and transmitter identification are the standard's. What the
programmes say is random bits, as scrambled and coded sound is.
"""

from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy import fft

from wfm_core.synth.signals.bits import random_bits
from wfm_core.synth.signals.broadcast.dab_fic import Carousel, Ensemble, random_ensemble
from wfm_core.synth.signals.transmission import Transmission, transmission

SAMPLE_RATE = 2.048e6
NULL, SYMBOL, SIZE, CARRIERS = 2656, 2552, 2048, 1536
FRAME_SYMBOLS = 76
FRAME = NULL + FRAME_SYMBOLS * SYMBOL
_H = (
    "0200001120002211", "0323013021232330", "0002021322022013", "0121033223212132",
)  # fmt: skip
"""Table 24 of clause 14.3.2: quarter turns of sixteen carriers, twice over."""
_LOWER = "120132232123123322211312"
_UPPER = "311122102233021333303011"
"""Table 23: n of each 32 carriers below and above the middle."""


def numbers() -> np.ndarray:
    """The carriers, lowest first; 0 is none."""
    return np.concatenate([np.arange(-CARRIERS // 2, 0), np.arange(1, CARRIERS // 2 + 1)])


@lru_cache
def phase_reference() -> np.ndarray:
    """complex128 [1536]: the first symbol after the null symbol, by carrier (clause 14.3.2)."""
    quarters = []
    for half, order in ((_LOWER, (0, 1, 2, 3)), (_UPPER, (0, 3, 2, 1))):
        for place, turn in enumerate(half):
            quarters += [int(h) + int(turn) for h in _H[order[place % 4]] * 2]
    return 1j ** np.array(quarters)


@lru_cache
def interleaver() -> np.ndarray:
    """int [1536]: to which place in numbers() the n-th symbol of a block goes (clause 14.6)."""
    value, out = 0, []
    for _ in range(SIZE):
        if 256 <= value <= 1792 and value != 1024:
            number = value - 1024
            out.append(number + CARRIERS // 2 if number < 0 else number + CARRIERS // 2 - 1)
        value = (13 * value + 511) % SIZE
    return np.array(out)


@lru_cache
def _patterns() -> list[tuple[int, ...]]:
    """Which four of eight combs, by pattern number (clause 14.8.1), in the order of their binary numbers."""
    fours = combinations(range(8), 4)
    return sorted(fours, key=lambda four: sum(1 << (7 - place) for place in four))


def identification(main: int, sub: int) -> np.ndarray:
    """complex128 [1536]: pairs of carriers in the null symbol of transmitter `sub` (0 to 23) of group `main` (0 to
    69), in the phases of the reference symbol (clause 14.8.1)."""
    values = np.zeros(CARRIERS, complex)
    first = [quarter * 384 + 2 * sub + 48 * comb for quarter in range(4) for comb in _patterns()[main]]
    reference = phase_reference()
    for place in first:
        values[place] = values[place + 1] = reference[place]
    return values


def _time(values: np.ndarray) -> np.ndarray:
    bins = np.zeros((len(values), SIZE), np.complex64)
    bins[:, numbers() % SIZE] = values
    return fft.ifft(bins) * SIZE / np.sqrt(CARRIERS)


def frame(information: np.ndarray, programmes: np.ndarray, null: np.ndarray | None) -> np.ndarray:
    """complex64 [196608] of 9216 bits of information, 221184 of programmes, and identification() or None."""
    blocks = np.concatenate([information, programmes]).reshape(FRAME_SYMBOLS - 1, 2, CARRIERS)
    points = ((1 - 2.0 * blocks[:, 0]) + 1j * (1 - 2.0 * blocks[:, 1])) / np.sqrt(2)
    turns = np.empty((FRAME_SYMBOLS, CARRIERS), complex)
    turns[0] = phase_reference()
    turns[1:, interleaver()] = points
    body = _time(np.cumprod(turns, 0))
    symbols = np.concatenate([body[:, 2 * SIZE - SYMBOL :], body], 1).ravel()
    silence = np.zeros(NULL, np.complex64)
    if null is not None:
        once = _time(null[None])[0]
        silence = np.concatenate([once[2 * SIZE - NULL :], once])
    return np.concatenate([silence, symbols]).astype(np.complex64)


def frames(count: int, ensemble: Ensemble, first: int, identified: tuple[int, int] | None, rng) -> np.ndarray:
    """complex64: `count` frames of 96 ms; first: number of the first logical frame of 24 ms, a multiple of four."""
    carousel = Carousel(ensemble, first)
    null = None if identified is None else identification(*identified)
    out = []
    for _ in range(count):
        told = null if carousel.frame % 8 < 4 else None
        out.append(frame(carousel.transmission_frame(), random_bits(72 * 2 * CARRIERS, rng), told))
    return np.concatenate(out)


def dab(seconds: float, rng: np.random.Generator) -> Transmission:
    """An ensemble, with transmitter identification or not, from anywhere in a frame."""
    count = round(seconds * SAMPLE_RATE)
    start = int(rng.integers(0, FRAME))
    identified = (int(rng.integers(70)), int(rng.integers(24))) if rng.random() < 0.7 else None
    ensemble, first = random_ensemble(rng), 4 * int(rng.integers(1250))
    sent = frames((start + count) // FRAME + 1, ensemble, first, identified, rng)[start : start + count]
    if not sent.any():  # a window within a null symbol without identification
        sent = frames(1, ensemble, first, identified, rng)[NULL : NULL + count]
    return transmission(sent, SAMPLE_RATE, 1.537e6, "dab")
