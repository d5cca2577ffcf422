# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said on the air: sound like speech and music, texts, call signs, pictures. Nothing is recorded."""

import numpy as np
from scipy import signal as dsp

from wfm_core.synth.signals.speaking import RATE, spoken

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
_WORDS = """
    the of and to in is on for with at by from weather station report call back please meeting today tomorrow alarm
    door fire level pump north south east west wind rain cloud sky test check one two three four five six seven eight
    nine ten good morning evening name here temperature pressure speed altitude battery number message received
"""


def text(words: int, rng: np.random.Generator) -> str:
    return " ".join(rng.choice(_WORDS.split(), words))


def call_sign(rng: np.random.Generator) -> str:
    """As ITU Radio Regulations, article 19, has amateurs': one or two letters, a digit, one to three letters."""
    prefix = "".join(rng.choice(list(LETTERS), rng.integers(1, 3)))
    return prefix + str(rng.integers(0, 10)) + "".join(rng.choice(list(LETTERS), rng.integers(1, 4)))


def speech(seconds: float, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """float64 [seconds * sample_rate] in -1..1: phrases of one speaker, and silence (exact zeros) between them."""
    out = spoken(max(int(seconds * RATE), 1), rng)
    loud = out[out != 0]
    out = np.tanh(0.6 * out / (np.std(loud) + 1e-9 if len(loud) else 1.0))
    return _to_rate(out, float(RATE), sample_rate, round(seconds * sample_rate))


def music(seconds: float, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """float64 [seconds * sample_rate] in -1..1: chords of harmonic notes with decay, and a beat of noise."""
    rate = min(sample_rate, 32000.0)
    count = max(int(seconds * rate), 1)
    out = np.zeros(count)
    beat = rng.uniform(0.25, 0.7)
    for start in np.arange(-1.0, seconds, beat / 2):
        if rng.random() < 0.25:
            continue
        first = max(int(start * rate), 0)
        t = np.arange(first, min(int((start + 1.2) * rate), count)) / rate - start
        note = np.zeros(len(t))
        for _ in range(rng.integers(1, 4)):
            pitch = 55 * 2 ** (rng.integers(0, 60) / 12)
            for harmonic in range(1, rng.integers(3, 9)):
                if pitch * harmonic < 0.45 * rate:
                    note += np.sin(2 * np.pi * pitch * harmonic * t + rng.uniform(0, 6.3)) / harmonic**1.2
        out[first : first + len(t)] += note * np.exp(-t * rng.uniform(1, 6))
        drum = np.exp(-t * 30) * rng.standard_normal(len(t)) * (rng.random() < 0.5)
        out[first : first + len(t)] += drum
    out = np.tanh(1.2 * out / (np.std(out) * 2 + 1e-9))
    return _to_rate(out, rate, sample_rate, round(seconds * sample_rate))


def programme(seconds: float, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """What a broadcaster sends: speech, music, or both."""
    kind = rng.random()
    if kind < 0.35:
        return speech(seconds, sample_rate, rng)
    if kind < 0.8:
        return music(seconds, sample_rate, rng)
    return np.clip(0.7 * speech(seconds, sample_rate, rng) + 0.4 * music(seconds, sample_rate, rng), -1, 1)


def picture(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """float64 [height, width, 3] in 0..1: smooth shapes, edges and texture, as photographs and cloud images have."""
    small = rng.random((rng.integers(2, 8), rng.integers(2, 8), 3))
    image = dsp.resample(dsp.resample(small, height, axis=0), width, axis=1)
    rows, columns = np.mgrid[:height, :width]
    for _ in range(rng.integers(1, 8)):
        middle = rng.random(2) * (height, width)
        inside = ((rows - middle[0]) / (rng.uniform(0.05, 0.4) * height)) ** 2 + (
            (columns - middle[1]) / (rng.uniform(0.05, 0.4) * width)
        ) ** 2 < 1
        image[inside] = 0.3 * image[inside] + 0.7 * rng.random(3)
    image += rng.uniform(0, 0.15) * rng.standard_normal(image.shape)
    return np.clip(image, 0, 1)


def _to_rate(x: np.ndarray, rate: float, sample_rate: float, count: int) -> np.ndarray:
    """x at `rate` as `count` samples at `sample_rate`, by straight lines where it gets denser."""
    if rate == sample_rate:
        return np.resize(x, count)
    if sample_rate < rate:
        sections = dsp.butter(6, 0.42 * sample_rate, fs=rate, output="sos")
        x = dsp.sosfilt(sections, x)
    elif sample_rate > rate:
        dense = int(np.ceil(min(sample_rate / rate, 4)))
        x, rate = dsp.resample_poly(x, dense, 1), rate * dense
    return np.interp(np.arange(count) * (rate / sample_rate), np.arange(len(x)), x)
