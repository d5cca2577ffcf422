# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound like speech: syllables of vowels and consonants in phrases, with the melody and the pauses of one speaker.

The source-filter model (Fant, Acoustic Theory of Speech Production, 1960) with the vowels of Peterson and Barney
(J. Acoust. Soc. Am. 24, 1952), in frames of 10 ms. It says nothing: syllables come by chance.
"""

import numpy as np
from scipy import signal as dsp

RATE = 8000
FRAME = 80
_VOWELS = np.array(
    [
        (270, 2290, 3010), (390, 1990, 2550), (530, 1840, 2480), (660, 1720, 2410), (730, 1090, 2440),
        (570, 840, 2410), (440, 1020, 2240), (300, 870, 2240), (640, 1190, 2390), (490, 1350, 1690),
    ],
    np.float64,
)  # fmt: skip
_NASALS = np.array([(250, 1100, 2200), (280, 1600, 2600), (360, 1300, 2700), (310, 1060, 1380)], np.float64)
_WIDTHS = (70.0, 100.0, 140.0)
"""Of the formants, Hz."""


def spoken(count: int, rng: np.random.Generator) -> np.ndarray:
    """float64 [count] at RATE, of no particular level, zeros in the pauses."""
    frames = -(-count // FRAME) + 1
    formants, voice, hiss, hiss_at, melody = _tracks(frames, rng)
    samples = np.arange(frames * FRAME)
    # Cords that open once a period, not quite evenly, with a spectrum that falls by 12 dB an octave, less the lips' 6.
    pitch = np.interp(samples, np.arange(frames) * FRAME, melody) * (1 + 0.01 * rng.standard_normal(len(samples)))
    pulses = np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0.0)
    breath = 0.004 * rng.standard_normal(len(samples))
    source = dsp.lfilter([1.0], [1.0, -0.97], pulses + breath) * np.interp(samples, np.arange(frames) * FRAME, voice)
    noise = rng.standard_normal(len(samples)) * np.interp(samples, np.arange(frames) * FRAME, hiss)
    out = _resonated(source, formants, _WIDTHS)
    if hiss.any():
        out += 0.12 * _resonated(noise, hiss_at[:, None], (600.0,))
    quiet = np.repeat((voice + hiss) < 1e-3, FRAME)
    out[quiet] = 0.0
    return out[:count]


def _tracks(frames: int, rng: np.random.Generator):
    """For each frame: formants [frames, 3] (Hz), levels of voice and of hiss, where the hiss is (Hz), pitch (Hz)."""
    base = rng.uniform(85, 240)
    tract = np.interp(base, [85, 240], [0.95, 1.18]) * rng.uniform(0.95, 1.05)
    pace = rng.uniform(0.75, 1.4)
    rows: list[tuple] = []

    def add(length: float, target, voice: float, hiss: float, where: float) -> None:
        rows.extend([(*target, voice, hiss, where, pitch)] * max(int(length / pace), 1))

    neutral = _VOWELS[2]
    pitch = base
    while len(rows) < frames + 60:
        syllables = int(rng.integers(2, 14))
        for place in range(syllables):
            stressed = rng.random() < 0.4
            pitch = base * (1.12 - 0.3 * place / syllables) * (rng.uniform(1.05, 1.25) if stressed else 1)
            vowel = _VOWELS[int(rng.integers(len(_VOWELS)))]
            loud = rng.uniform(0.8, 1.0) if stressed else rng.uniform(0.4, 0.8)
            _consonant(add, vowel, loud, rng)
            add(rng.uniform(9, 20) if stressed else rng.uniform(4, 10), vowel, loud, 0, 3000)
            if rng.random() < 0.35:
                _consonant(add, vowel, loud, rng)
        add(pace * rng.gamma(2.0, 22.0), neutral, 0, 0, 3000)
    start = int(rng.integers(0, 60))
    table = np.array(rows[start : start + frames])
    smooth = np.array([1, 2, 3, 2, 1]) / 9
    table = np.stack([np.convolve(np.pad(column, 2, mode="edge"), smooth, "valid") for column in table.T], 1)
    return np.minimum(table[:, :3] * tract, 3700), table[:, 3], table[:, 4], table[:, 5], table[:, 6]


def _consonant(add, vowel: np.ndarray, loud: float, rng: np.random.Generator) -> None:
    kind = rng.choice(4, p=[0.35, 0.25, 0.3, 0.1])
    if kind == 0:  # a stop: silence, burst
        voiced = 0.05 * (rng.random() < 0.5)
        add(rng.uniform(4, 9), vowel, voiced, 0, 3000)
        add(rng.uniform(1, 3), vowel, 0, rng.uniform(0.3, 1.0), rng.uniform(1000, 3500))
    elif kind == 1:  # a fricative
        add(
            rng.uniform(5, 12), vowel, 0.3 * loud * (rng.random() < 0.3), rng.uniform(0.2, 0.9), rng.uniform(1800, 3700)
        )
    elif kind == 2:  # a nasal or a liquid
        add(rng.uniform(4, 9), _NASALS[int(rng.integers(len(_NASALS)))], 0.5 * loud, 0, 3000)


def _resonated(source: np.ndarray, centres: np.ndarray, widths: tuple[float, ...]) -> np.ndarray:
    """source [frames * FRAME] through a chain of resonances whose centres [frames, len(widths)] (Hz) change."""
    out = np.empty_like(source)
    radii = np.exp(-np.pi * np.array(widths) / RATE)
    states = [np.zeros(2) for _ in widths]
    middles = -2 * radii * np.cos(2 * np.pi * centres / RATE)
    for frame in range(len(centres)):
        piece = source[frame * FRAME : (frame + 1) * FRAME]
        for place, radius in enumerate(radii):
            poles = [1.0, middles[frame, place], radius**2]
            piece, states[place] = dsp.lfilter([sum(poles)], poles, piece, zi=states[place])
        out[frame * FRAME : (frame + 1) * FRAME] = piece
    return out
