# SPDX-License-Identifier: GPL-3.0-or-later
"""Bare carriers: spurs of receivers and computers, beacons' pauses, transmitters that say nothing."""

import numpy as np

from wfm_core.synth.signals.transmission import Generator, Transmission, transmission

_RATE = 4e3


def carrier(seconds: float, rng: np.random.Generator) -> Transmission:
    """A line that drifts a little, with the phase noise of a free-running oscillator of 0.01 to 20 Hz, perhaps hum."""
    count = max(round(seconds * _RATE), 1)
    t = np.arange(count) / _RATE
    linewidth = 10 ** rng.uniform(-2, 1.3)
    phase = np.cumsum(rng.standard_normal(count)) * np.sqrt(2 * np.pi * linewidth / _RATE)
    phase += 2 * np.pi * (rng.normal(0, 10) * t + 0.5 * rng.normal(0, 20) * t**2)
    level = np.ones(count)
    if rng.random() < 0.3:
        level += rng.uniform(0.02, 0.3) * np.cos(2 * np.pi * rng.choice([50, 60, 100, 120, 1000]) * t)
    return transmission(level * np.exp(1j * phase), _RATE, min(max(10 * linewidth, 20 / seconds, 60), _RATE), "carrier")


KINDS: dict[str, dict[str, Generator]] = {"carrier": {"carrier": carrier}}
