# SPDX-License-Identifier: GPL-3.0-or-later
"""NOAA APT: pictures of weather satellites at 137.1 to 137.9125 MHz; FM of 17 kHz deviation, bandwidth 20 to 36 kHz.

4160 words a second amplitude modulate a 2400 Hz subcarrier; two lines a second, of 2080 words: sync, space, picture and
telemetry of channels A and B (NOAA KLM User's Guide, 4.2).
"""

import numpy as np

from wfm_core.synth.signals.content import picture
from wfm_core.synth.signals.keying import frequency_modulated, held
from wfm_core.synth.signals.telemetry.keyer import occupied
from wfm_core.synth.signals.transmission import Transmission, part, transmission

WORDS = 2080
LOW, HIGH = 11 / 255, 244 / 255
SYNC_A = np.array([0] * 4 + [1, 1, 0, 0] * 7 + [0] * 7)
SYNC_B = np.array([0] * 4 + [1, 1, 1, 0, 0] * 7)
WEDGES = np.array([31, 63, 95, 127, 159, 191, 224, 255, 0]) / 255


def telemetry_column(lines: int, first: int, sensor: np.ndarray) -> np.ndarray:
    """Level of each line: 16 wedges of 8 lines, of which nine are a grey scale and `sensor` (7 levels) the rest."""
    wedges = np.concatenate([WEDGES, sensor])
    return wedges[(np.arange(first, first + lines) // 8) % 16]


def lines_of(a: np.ndarray, b: np.ndarray, first: int, sensor: np.ndarray) -> np.ndarray:
    """float64 [lines, 2080] in 0..1 from two pictures [lines, 909]; `first` counts lines within a minute."""
    lines = len(a)
    minute = ((np.arange(first, first + lines) % 120) < 4).astype(float)[:, None]
    columns = []
    for sync, image, dark in ((SYNC_A, a, True), (SYNC_B, b, False)):
        space = np.abs((0.0 if dark else 1.0) - minute)
        wedge = telemetry_column(lines, first, sensor)[:, None]
        columns += [np.tile(LOW + (HIGH - LOW) * sync, (lines, 1)), np.tile(space, 47), image, np.tile(wedge, 45)]
    return np.concatenate(columns, 1)


def subcarrier(words: np.ndarray, sample_rate: float, depth: float = 0.87) -> np.ndarray:
    """float64 -1..1: 2400 Hz, its amplitude 1 - depth to 1."""
    level = held(words.ravel(), 4160.0, sample_rate)
    tone = np.sin(2 * np.pi * 2400 * np.arange(len(level)) / sample_rate)
    return (1 - depth + depth * level) * tone


def apt(seconds: float, rng: np.random.Generator) -> Transmission:
    rate = 83200.0
    lines = int(np.ceil(2 * seconds)) + 2
    images = []
    for _ in range(2):
        whole = picture(max(lines, 48), 909, rng).mean(2)[:lines]
        clouds = np.cumsum(rng.standard_normal((lines, 909)), 1) * 0.02
        images.append(np.clip(whole * rng.uniform(0.3, 1.0) + rng.uniform(0, 1) * clouds, 0, 1))
    words = lines_of(*images, int(rng.integers(128)), rng.random(7))
    audio = subcarrier(words, rate, rng.uniform(0.8, 0.9))
    # The satellite passes: the middle of the channel drifts.
    drift = rng.normal(0, 30) * np.arange(len(audio)) / rate
    signal = frequency_modulated(audio * 17e3 * rng.uniform(0.9, 1.1) + drift, rate, rng.random())
    samples = part(signal, round(seconds * rate), rng)
    return transmission(samples, rate, occupied(samples, rate), "noaa")
