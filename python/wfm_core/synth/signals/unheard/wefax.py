# SPDX-License-Identifier: GPL-3.0-or-later
"""Weather charts by facsimile on shortwave (WMO-No. 386 volume I part III, "WMO facsimile transmissions"; ITU-R
F.1C/F3C emissions), and press pictures.

A tone of 1500 Hz (black) to 2300 Hz (white) in a sideband, or a carrier shifted by the same 800 Hz: 0.9 to 1.4 kHz hold
99 % of the power at 2 to 25 MHz. 60, 90, 120 or 240 lines a minute. Start: black and white in turn 300 times a second
(index of cooperation 576) or 675 (288); phasing: lines of black with a white pulse; the chart; stop: 450 a second.
"""

import numpy as np

from wfm_core.synth.signals.content import picture
from wfm_core.synth.signals.keying import frequency_modulated, gaussian, ramped
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

SAMPLE_RATE = 4000.0
SHIFT = 800.0
START_576, START_288, STOP = 300.0, 675.0, 450.0
PHASING_WHITE = 0.05
"""Of a phasing line, the part that is white."""


def alternating(rate: float, seconds: float) -> np.ndarray:
    """Brightness 0 or 1 at each sample: the start and stop signals."""
    return (np.arange(round(seconds * SAMPLE_RATE)) * (2 * rate / SAMPLE_RATE)).astype(int) % 2.0


def lines(rows: np.ndarray, per_minute: float) -> np.ndarray:
    """Brightness at each sample of rows [n, width] of 0 (black) to 1 (white), one after another."""
    count = int(len(rows) * 60 / per_minute * SAMPLE_RATE)
    place = np.arange(count) * (per_minute / 60 / SAMPLE_RATE) * rows.shape[1]
    return rows.ravel()[np.minimum(place.astype(int), rows.size - 1)]


def phasing(count: int, width: int = 400, inverted: bool = False) -> np.ndarray:
    """Rows that are black with a white pulse across the edge, or the other way round."""
    half = round(width * PHASING_WHITE / 2)
    row = np.zeros(width)
    row[:half] = row[width - half :] = 1
    return np.tile(1 - row if inverted else row, (count, 1))


def chart(count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of a weather chart: black isobars, fronts, letters and a grid on white."""
    width = 900
    height = max(count, 8)
    field = picture(height, width // 3, rng).mean(2).repeat(3, 1) * rng.uniform(6, 20)
    rows = (np.abs(field - np.round(field)) > rng.uniform(0.03, 0.08)).astype(float)
    rows[:, :: int(rng.integers(60, 200))] = 0
    rows[:: int(rng.integers(20, 90))] = 0
    for _ in range(rng.integers(0, 6)):  # captions and figures
        top, left = rng.integers(0, height - 6), rng.integers(0, width - 200)
        marks = rng.integers(0, 2, (6, int(rng.integers(10, 60)))).repeat(3, 1)
        rows[top : top + 6, left : left + marks.shape[1]] = marks
    return rows[:count]


def transmitted(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Brightness of enough of a transmission for `seconds`: its begin, its middle or its end."""
    per_minute = float(rng.choice([120, 120, 120, 60, 90, 240]))
    count = int(seconds * per_minute / 60) + 3
    # satellite images and press pictures have all greys
    rows = picture(count, 600, rng).mean(2) if rng.random() < 0.15 else chart(count, rng)
    image = lines(rows, per_minute)
    where = rng.random()
    if where < 0.2:
        start = alternating(START_288 if rng.random() < 0.15 else START_576, rng.uniform(0.1, 1) * min(5, seconds))
        return np.concatenate([start, lines(phasing(count, inverted=rng.random() < 0.1), per_minute)])
    if where < 0.3:
        return np.concatenate([lines(phasing(count), per_minute)[: len(image) // 2], image])
    if where < 0.4:
        return np.concatenate([image[: len(image) // 2], alternating(STOP, 5.0), np.zeros(round(5 * SAMPLE_RATE))])
    return image


def modulated(brightness: np.ndarray, shift: float) -> np.ndarray:
    """Its middle grey at 0 Hz; white is the upper frequency."""
    return ramped(frequency_modulated((brightness - 0.5) * shift, SAMPLE_RATE), 40)


def sideband(seconds: float, rng: np.random.Generator) -> Transmission:
    """A transmitter whose subcarrier goes through a sideband filter: white is up, edges are soft."""
    brightness = gaussian(transmitted(rng, seconds), rng.uniform(500, 1100), SAMPLE_RATE)
    return _sent(brightness, SHIFT, "wefax-sideband", seconds, rng)


def two_tones(seconds: float, rng: np.random.Generator) -> Transmission:
    """A shifted carrier with black and white alone; on long waves the shift is 300 Hz."""
    shift = (300.0 if rng.random() < 0.1 else SHIFT) * rng.uniform(0.97, 1.03)
    brightness = (transmitted(rng, seconds) > 0.5).astype(float)
    return _sent(gaussian(brightness, rng.uniform(800, 1600), SAMPLE_RATE), shift, "wefax-f1c", seconds, rng)


def _sent(brightness: np.ndarray, shift: float, kind: str, seconds: float, rng: np.random.Generator) -> Transmission:
    sense = -1 if rng.random() < 0.1 else 1
    rate = SAMPLE_RATE * (1 + rng.uniform(-20e-6, 20e-6))
    line = on_air([modulated(brightness, sense * shift)], [0], round(seconds * rate), rng)
    return transmission(line * np.exp(2j * np.pi * rng.random()), rate, shift + 600.0, kind)
