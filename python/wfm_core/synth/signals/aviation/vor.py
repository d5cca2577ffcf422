# SPDX-License-Identifier: GPL-3.0-or-later
"""VHF omnidirectional range, conventional and Doppler (ICAO Annex 10 volume I, 3.3); 108 to 117.95 MHz.

AM of a carrier: 30 Hz, a subcarrier of 9960 Hz with 30 Hz FM of +-480 Hz, both at 28 to 32 %, the ident in Morse at
1020 Hz and at times voice. Bandwidth that holds 99 % of the power: 20.8 kHz.
"""

import numpy as np

from wfm_core.synth.signals.content import LETTERS, speech
from wfm_core.synth.signals.keying import amplitude_modulated, filtered, keyed
from wfm_core.synth.signals.transmission import Transmission, transmission

SAMPLE_RATE = 40000.0
BANDWIDTH = 20.8e3
_MORSE = (
    ".-",
    "-...",
    "-.-.",
    "-..",
    ".",
    "..-.",
    "--.",
    "....",
    "..",
    ".---",
    "-.-",
    ".-..",
    "--",
    "-.",
    "---",
    ".--.",
    "--.-",
    ".-.",
    "...",
    "-",
    "..-",
    "...-",
    ".--",
    "-..-",
    "-.--",
    "--..",
)


def ident(name: str, dot: float) -> np.ndarray:
    """Levels of 0 and 1, `1 / dot` a second (ITU-R M.1677-1)."""
    levels: list[int] = []
    for letter in name:
        for element in _MORSE[LETTERS.index(letter)]:
            levels += [1] * (1 if element == "." else 3) + [0]
        levels += [0, 0]
    return np.array(levels[:-3], np.uint8)


def composite(seconds: float, bearing: float, rng: np.random.Generator, doppler: bool = False) -> np.ndarray:
    """float64 [seconds * 40000]: both 30 Hz signals, `bearing` degrees apart. A Doppler station has them exchanged."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    turn = 2 * np.pi * (30 * (1 + rng.normal(0, 1e-3)) * time + rng.random())
    late = turn - np.radians(bearing)
    in_carrier, in_subcarrier = (turn, late) if doppler else (late, turn)
    deviation = 480 * rng.uniform(0.96, 1.04) / 30
    centre = 9960 * (1 + rng.normal(0, 2e-3)) * time
    subcarrier = np.cos(2 * np.pi * centre + deviation * np.sin(in_subcarrier))
    if doppler:  # the switching of antennas, and sidebands that are not alike, show as AM of the subcarrier
        subcarrier = subcarrier * (1 + rng.uniform(0, 0.3) * np.cos(in_subcarrier + rng.uniform(0, 6.3)))
    return rng.uniform(0.28, 0.32) * np.sin(in_carrier) + rng.uniform(0.24, 0.32) * subcarrier


def vor(seconds: float, rng: np.random.Generator) -> Transmission:
    return _station(seconds, rng, False, "vor")


def dvor(seconds: float, rng: np.random.Generator) -> Transmission:
    return _station(seconds, rng, True, "dvor")


def _station(seconds: float, rng: np.random.Generator, doppler: bool, kind: str) -> Transmission:
    sound = composite(seconds, rng.uniform(0, 360), rng, doppler)
    count = len(sound)
    dot = rng.uniform(0.1, 0.15)
    name = ident("".join(rng.choice(list(LETTERS), rng.choice([2, 3, 3, 3]))), dot)
    period = np.concatenate([name, np.zeros(max(int(rng.uniform(6, 10) / dot) - len(name), 10), np.uint8)])
    levels = np.resize(np.roll(period, -int(rng.integers(len(period)))), int(seconds / dot) + 2)
    tone = np.sin(2 * np.pi * 1020 * (1 + rng.normal(0, 0.01)) * np.arange(count) / SAMPLE_RATE)
    envelope = keyed(levels, 1 / dot, SAMPLE_RATE, 0.005)[:count]
    sound += rng.uniform(0.05, 0.12) * envelope * tone
    if rng.random() < 0.15:
        sound += rng.uniform(0.1, 0.3) * filtered(speech(seconds, SAMPLE_RATE, rng), 300, 3000, SAMPLE_RATE)
    x = amplitude_modulated(sound, 1.0) * np.exp(2j * np.pi * rng.random())
    return transmission(x, SAMPLE_RATE, BANDWIDTH, kind)
