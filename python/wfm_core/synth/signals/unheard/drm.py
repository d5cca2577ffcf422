# SPDX-License-Identifier: GPL-3.0-or-later
"""Digital Radio Mondiale on long, medium and short waves (ETSI ES 201 980 V4.2.1), robustness mode B, 10 kHz.

OFDM of 206 carriers 46.875 Hz apart (clause 8): 9.7 kHz hold 99 % of the power, at 0.15 to 27 MHz. Symbols of 26.67 ms,
15 a frame of 400 ms. Frequency, time and gain references are the standard's (8.4); all other cells are random points
of 16- or 64-QAM, as energy dispersal and interleaving make of what is sent.
"""

from functools import lru_cache

import numpy as np

from wfm_core.synth.signals.transmission import Transmission, part, transmission

SAMPLE_RATE = 12e3
SIZE, GUARD, SYMBOLS = 256, 64, 15
CARRIERS = np.array([k for k in range(-103, 104) if k])
FREQUENCY = {16: 331, 48: 651, 64: 555}
"""Carriers with the same phase (1/1024 turns) in each symbol (8.4.2)."""
TIME = {14: 304, 16: 331, 18: 108, 20: 620, 24: 192, 26: 704, 32: 44, 36: 432, 42: 588, 44: 844, 48: 651, 49: 651,
        50: 651, 54: 460, 56: 460, 62: 944, 64: 555, 66: 940, 68: 428}  # fmt: skip
"""Those of the first symbol of a frame (8.4.3)."""
_Z = np.array([[0, 57, 164, 64, 12], [168, 255, 161, 106, 118], [25, 232, 132, 233, 38]])
_W = np.array([[512, 0, 512, 0, 512], [0, 512, 0, 512, 0], [512, 0, 512, 0, 512]])
_Q = 12
"""Phases of the gain references, 1/256 and 1/1024 turns (8.4.4.3)."""
_BOOSTED = (-103, -101, 101, 103)


@lru_cache
def references() -> tuple[np.ndarray, np.ndarray]:
    """complex128 [15, 206] of reference cells, and bool [15, 206], which cells they are."""
    cells = np.zeros((SYMBOLS, len(CARRIERS)), complex)
    where = np.zeros(cells.shape, bool)
    for symbol in range(SYMBOLS):
        column, row = symbol // 3, symbol % 3
        for place, carrier in enumerate(CARRIERS):
            number, rest = divmod(carrier - 1 - 2 * row, 6)
            phase, gain = None, np.sqrt(2)
            if rest == 0:
                phase = 4 * _Z[row, column] + number * _W[row, column] + number**2 * (1 + symbol) * _Q
                gain = 2.0 if carrier in _BOOSTED else gain
            if symbol == 0:
                phase = TIME.get(carrier, phase)
            phase = FREQUENCY.get(carrier, phase)
            if phase is not None:
                cells[symbol, place] = gain * np.exp(2j * np.pi * (phase % 1024) / 1024)
                where[symbol, place] = True
    return cells, where


def square(points: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random points of a square constellation, of mean power 1."""
    side = int(np.sqrt(points))
    levels = 2.0 * np.arange(side) - side + 1
    drawn = rng.choice(levels, shape) + 1j * rng.choice(levels, shape)
    return drawn / np.sqrt(2 * np.mean(levels**2))


def frames(count: int, points: int, rng: np.random.Generator) -> np.ndarray:
    """complex128 [count * 4800] of frames at SAMPLE_RATE."""
    reference, where = references()
    cells = np.where(where, reference, square(points, (count, *where.shape), rng))
    bins = np.zeros((count * SYMBOLS, SIZE), complex)
    bins[:, CARRIERS % SIZE] = cells.reshape(-1, len(CARRIERS))
    body = np.fft.ifft(bins) * SIZE
    return np.concatenate([body[:, SIZE - GUARD :], body], 1).ravel()


def mode_b(seconds: float, rng: np.random.Generator) -> Transmission:
    """A station, from anywhere in a frame."""
    count = round(seconds * SAMPLE_RATE)
    sent = frames(count // ((SIZE + GUARD) * SYMBOLS) + 2, int(rng.choice([16, 64, 64])), rng)
    turned = part(sent, count, rng) * np.exp(2j * np.pi * rng.random())
    return transmission(turned, SAMPLE_RATE * (1 + rng.uniform(-2e-6, 2e-6)), 9.7e3, "drm-b")
