# SPDX-License-Identifier: GPL-3.0-or-later
"""Radars of coasts that see currents and waves (Recommendation ITU-R M.1874-1), 4.4 to 50 MHz.

Linear sweeps of 25 to 300 kHz, one to eight a second, that hold 99 % of the power. Gated ones (FMICW) send and listen
in turn many hundred times within each sweep, about half of the time; others send without a pause.
"""

import numpy as np

from wfm_core.synth.signals.keying import smoothed
from wfm_core.synth.signals.transmission import Transmission, transmission

WIDTHS = (25e3, 25e3, 50e3, 50e3, 100e3, 100e3, 150e3, 300e3)
"""Hz, by the band: the lower, the narrower."""


def swept(seconds: float, width: float, sweep: float, sample_rate: float, begin: float, down: bool) -> np.ndarray:
    """complex128: sweeps of `sweep` seconds over `width` Hz, the first one `begin` of its time old, phase coherent."""
    place = (np.arange(round(seconds * sample_rate)) / (sample_rate * sweep) + begin) % 1.0
    cycles = width * sweep * (place**2 - place) / 2
    return np.exp((-2j if down else 2j) * np.pi * cycles)


def gates(count: int, period: float, share: float, sample_rate: float, edge: float, begin: float) -> np.ndarray:
    """float64 [count]: 1 for `share` of each `period` seconds, edges that take `edge` seconds."""
    place = (np.arange(count) / (period * sample_rate) + begin) % 1.0
    return smoothed((place < share).astype(float), edge, sample_rate)


def gated(seconds: float, rng: np.random.Generator) -> Transmission:
    """Sends half of 0.4 to 2 ms, with edges shaped so that the gating does not widen it much."""
    x, rate, width = _sweeps(seconds, rng)
    period = float(np.exp(rng.uniform(np.log(4e-4), np.log(2e-3))))
    envelope = gates(len(x), period, rng.uniform(0.4, 0.55), rate, rng.uniform(0.02, 0.06) * period, rng.random())
    envelope[envelope < 1e-3] = 0.0
    return transmission(x * envelope, rate, width + 1 / period, "fmicw")


def continuous(seconds: float, rng: np.random.Generator) -> Transmission:
    x, rate, width = _sweeps(seconds, rng)
    return transmission(x, rate, width, "fmcw")


def _sweeps(seconds: float, rng: np.random.Generator) -> tuple[np.ndarray, float, float]:
    width = float(rng.choice(WIDTHS)) * rng.uniform(0.9, 1.1)
    sweep = 1 / float(rng.choice([1, 2, 2, 4, 4, 8]))
    rate = 2 * width
    x = swept(seconds, width, sweep, rate, rng.random(), rng.random() < 0.6)
    return x * np.exp(2j * np.pi * rng.random()), rate, width
