# SPDX-License-Identifier: GPL-3.0-or-later
"""Voice of air traffic control: AM in channels of 8.33 and 25 kHz (ICAO Annex 10 volume III, part II, 2.2).

Up to 2.5 or 3.4 kHz of sound, so 5 to 6.8 kHz of spectrum, most of the power in the carrier; offset carriers (CLIMAX)
up to +-7.5 kHz apart; 118 to 137 MHz.
"""

import numpy as np

from wfm_core.synth.signals.content import speech
from wfm_core.synth.signals.keying import amplitude_modulated, filtered, ramped
from wfm_core.synth.signals.placing import filled
from wfm_core.synth.signals.transmission import Transmission, transmission

SAMPLE_RATE = 16000.0
_OFFSETS = {2: (-5000.0, 5000.0), 3: (-7300.0, 0.0, 7300.0), 4: (-7500.0, -2500.0, 2500.0, 7500.0)}


def voice(seconds: float, rng: np.random.Generator) -> Transmission:
    """A controller and pilots in turn: carrier before the first word and after the last, each at its own frequency."""
    radios = [_Radio(rng) for _ in range(rng.integers(2, 5))]
    idle = rng.choice([0.4, 1.5, 6.0])

    def over() -> np.ndarray:
        return radios[rng.integers(len(radios))].over(rng)

    line = filled(round(seconds * SAMPLE_RATE), over, lambda: (0.1 + rng.exponential(idle)) * SAMPLE_RATE, rng)
    return transmission(line, SAMPLE_RATE, 6e3, "voice")


def atis(seconds: float, rng: np.random.Generator) -> Transmission:
    """Continuous: a recorded or synthetic voice that repeats the weather, short pauses between."""
    radio = _Radio(rng, 150)
    x = radio.modulated(_said(seconds, SAMPLE_RATE, radio.top, rng), SAMPLE_RATE, rng)
    return transmission(x, SAMPLE_RATE, 6e3, "atis")


def climax(seconds: float, rng: np.random.Generator) -> Transmission:
    """Two to four stations that send the same voice on carriers some kHz apart."""
    rate = 2 * SAMPLE_RATE
    offsets = _OFFSETS[int(rng.integers(2, 5))]
    levels = 10 ** (-rng.exponential(5, len(offsets)) / 20)
    errors = rng.normal(0, 40, len(offsets))

    def over() -> np.ndarray:
        radio = _Radio(rng, 0)
        x = radio.modulated(radio.sound(rate, rng), rate, rng)
        place = np.arange(len(x)) / rate
        turns = (offsets + errors)[:, None] * place + rng.random((len(offsets), 1))
        return (ramped(x, 60) * (levels @ np.exp(2j * np.pi * turns))).astype(np.complex64)

    line = filled(round(seconds * rate), over, lambda: (0.2 + rng.exponential(2)) * rate, rng)
    return transmission(line, rate, offsets[-1] - offsets[0] + 5e3, "climax")


def _said(seconds: float, rate: float, top: float, rng: np.random.Generator) -> np.ndarray:
    """Compressed and filtered as by a headset and a modulation limiter."""
    sound = filtered(speech(seconds, rate, rng), 300, top, rate)
    return np.tanh(rng.uniform(1, 3) * sound / (3 * np.std(sound) + 1e-9))


class _Radio:
    def __init__(self, rng: np.random.Generator, tolerance: float = 500):
        self.carrier = rng.normal(0, tolerance) if tolerance else 0.0
        self.depth = rng.uniform(0.5, 0.95)
        self.top = float(rng.choice([2500, 3000, 3400]))
        self.level = 10 ** (-rng.exponential(6) / 20)
        self.hum = rng.uniform(0, 0.08) * (rng.random() < 0.3)
        self.hum_pitch = rng.choice([100.0, 120.0, 400.0, 800.0])

    def sound(self, rate: float, rng: np.random.Generator) -> np.ndarray:
        """Silence while the key is held before and after a sentence; now and then nothing is said."""
        before, after = rng.uniform(0.05, 0.6), rng.uniform(0.02, 0.4)
        said = 0.0 if rng.random() < 0.06 else rng.uniform(0.7, 5.0)
        quiet = (np.zeros(int(length * rate)) for length in (before, after))
        middle = _said(said, rate, self.top, rng) if said else np.zeros(0)
        return np.concatenate([next(quiet), middle, next(quiet)])

    def modulated(self, sound: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
        time = np.arange(len(sound)) / rate
        hum = self.hum * np.sin(2 * np.pi * self.hum_pitch * time)
        noise = 0.01 * rng.standard_normal(len(sound))
        x = amplitude_modulated(np.clip(self.depth * sound + hum + noise, -0.98, 1.2), 1.0)
        # An oscillator that has just been keyed drifts a little.
        drift = 20 * rng.normal() * np.exp(-time / 0.1) if rng.random() < 0.3 else 0.0
        return x * np.exp(2j * np.pi * (np.cumsum(self.carrier + drift + 0 * time) / rate + rng.random()))

    def over(self, rng: np.random.Generator) -> np.ndarray:
        x = self.modulated(self.sound(SAMPLE_RATE, rng), SAMPLE_RATE, rng)
        return (self.level * ramped(x, int(rng.uniform(0.001, 0.01) * SAMPLE_RATE))).astype(np.complex64)
