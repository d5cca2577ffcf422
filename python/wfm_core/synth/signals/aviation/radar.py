# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulses that measure distance: DME and TACAN, primary radar with plain and with chirped pulses.

DME: pairs of Gaussian pulses of 3.5 us, 12 us apart in mode X, 30 or 36 us in mode Y (ICAO Annex 10 volume I, 3.5), 960
to 1215 MHz, 99 % within 0.4 MHz. Primary radar: Skolnik, Introduction to Radar Systems (3rd edition), chapters 1, 3 and
6; 1.2 to 9.5 GHz, 99 % within about 4 divided by a plain pulse's length, or 1.1 times a chirp.
"""

import numpy as np

from wfm_core.synth.signals.aviation.pulses import pulses
from wfm_core.synth.signals.placing import put
from wfm_core.synth.signals.transmission import Transmission, transmission

DME_RATE = 2e6
_MOST_PULSES = 4000


def pair(spacing: float, width: float, start: float = 0.0, sample_rate: float = DME_RATE) -> np.ndarray:
    """float64: two Gaussian pulses, `width` seconds between half amplitudes; the first 6 us after `start`."""
    time = np.arange(int((spacing + 12e-6) * sample_rate)) / sample_rate - start - 6e-6
    sigma = width / np.sqrt(8 * np.log(2))
    return np.exp(-0.5 * (time / sigma) ** 2) + np.exp(-0.5 * ((time - spacing) / sigma) ** 2)


def dme_ground(seconds: float, rng: np.random.Generator) -> Transmission:
    """A transponder: 700 to 2700 pairs a second at random, its ident as 1350 regular pairs of pairs a second."""
    spacing = 12e-6 if rng.random() < 0.75 else 30e-6
    times = np.cumsum(60e-6 + rng.exponential(1 / rng.uniform(700, 2700), int(3000 * seconds) + 20))
    if rng.random() < 0.25:
        regular = np.arange(0, seconds, 1 / 1350) + rng.random() / 1350
        times = np.sort(np.concatenate([regular, regular + 100e-6]))
    # TACAN: 15 and 135 Hz of AM by its turning antenna.
    depth = rng.uniform(0.1, 0.3, 2) * (rng.random() < 0.4)
    level = 1 + depth[0] * np.sin(2 * np.pi * 15 * times) + depth[1] * np.sin(2 * np.pi * 135 * times)
    return _pairs(seconds, times[times < seconds], level[times < seconds], spacing, rng, "dme_ground")


def dme_airborne(seconds: float, rng: np.random.Generator) -> Transmission:
    """Interrogators of one to ten aircraft: 5 to 150 pairs a second each, jittered, at their own levels."""
    spacing = 12e-6 if rng.random() < 0.75 else 36e-6
    times, levels = [], []
    for _ in range(rng.integers(1, 11)):
        rate = rng.choice([5, 16, 30, 150])
        own = np.arange(rng.random() / rate, seconds, 1 / rate)
        times.append(own + rng.uniform(-0.3, 0.3, len(own)) / rate)
        levels.append(np.full(len(own), 10 ** (-rng.exponential(6) / 20)))
    return _pairs(seconds, np.concatenate(times), np.concatenate(levels), spacing, rng, "dme_airborne")


def _pairs(seconds, times, levels, spacing, rng, kind) -> Transmission:
    line = np.zeros(round(seconds * DME_RATE), np.complex64)
    if not len(times):
        times, levels = np.array([rng.random() * seconds]), np.ones(1)
    width = 3.5e-6 * rng.uniform(0.9, 1.1)
    for time, level in zip(times[:_MOST_PULSES], levels, strict=False):
        place = max(time, 0) * DME_RATE
        envelope = pair(spacing, width, place % 1 / DME_RATE)
        envelope[envelope < 1e-3] = 0  # 60 dB down it is off
        put(line, int(place) - 12, (level * envelope * np.exp(2j * np.pi * rng.random())).astype(np.complex64))
    if not line.any():
        put(line, 0, pair(spacing, width).astype(np.complex64))
    return transmission(line, DME_RATE, 0.4e6, kind)


def marine(seconds: float, rng: np.random.Generator) -> Transmission:
    """A magnetron: 50 ns to 1.2 us, 400 to 4000 pulses a second, 20 to 48 turns a minute."""
    width, rate = ((0.08e-6, 2500), (0.25e-6, 1500), (0.5e-6, 1000), (1.0e-6, 600))[rng.integers(4)]
    width *= rng.uniform(0.7, 1.2)
    return _plain(seconds, width, rate * rng.uniform(0.7, 1.5), 60 / rng.uniform(20, 48), rng, "marine")


def surveillance(seconds: float, rng: np.random.Generator) -> Transmission:
    """Air traffic or weather: 0.5 to 5 us, 250 to 1300 pulses a second, often staggered, 3 to 15 turns a minute."""
    return _plain(
        seconds, rng.uniform(0.5e-6, 5e-6), rng.uniform(250, 1300), 60 / rng.uniform(3, 15), rng, "surveillance"
    )


def chirped(seconds: float, rng: np.random.Generator) -> Transmission:
    """Solid state: linear or nonlinear chirps of 5 to 100 us and 0.5 to 10 MHz, a short plain pulse between them."""
    sweep, length = 10 ** rng.uniform(5.7, 7), 10 ** rng.uniform(-5.3, -4)
    sweep = max(sweep, 20 / length)
    rate = 2 * sweep
    count = int(length * rate)
    time = (np.arange(count) / count - 0.5) * 2
    bend = rng.uniform(0, 0.3)
    frequency = 0.5 * sweep * ((1 - bend) * time + bend * time**3) * rng.choice([-1, 1])
    phase = np.cumsum(frequency) / rate
    edge = np.clip(np.minimum(np.arange(count) + 1, count - np.arange(count)) / max(0.03 * count, 2), 0, 1)
    long = np.sin(np.pi / 2 * edge) * np.exp(2j * np.pi * phase)
    pieces = [long]
    if rng.random() < 0.4:
        pieces = [long, np.zeros(int(rng.uniform(5e-6, 30e-6) * rate)), np.ones(max(int(1e-6 * rate), 2)) * 1.0]
    pulse = np.concatenate(pieces)
    x = _dwells(seconds, rate, lambda late: pulse, rng.uniform(300, 4000), 60 / rng.uniform(5, 40), rng)
    return transmission(x, rate, 1.1 * sweep, "chirped")


def _plain(seconds, width, rate, turn, rng, kind) -> Transmission:
    sample_rate = 10 / width
    edge = width * rng.uniform(0.2, 0.4)
    drift = rng.normal(0, 0.05) / width  # a magnetron's frequency moves within the pulse

    def pulse(late: float) -> np.ndarray:
        envelope = pulses(np.array([late / sample_rate + edge / 2]), width, sample_rate, edge, edge)
        envelope[envelope < 1e-3] = 0
        time = np.arange(len(envelope)) / sample_rate
        return envelope * np.exp(2j * np.pi * drift * time**2 / width)

    x = _dwells(seconds, sample_rate, pulse, rate, turn, rng)
    return transmission(x, sample_rate, 4.2 / width, kind)


def _dwells(seconds, sample_rate, pulse, rate, turn, rng) -> np.ndarray:
    """Pulses with constant, staggered or jittered intervals; as the beam passes and with the sidelobes between."""
    count = round(seconds * sample_rate)
    line = np.zeros(count, np.complex64)
    stagger = 1 + rng.choice([0, 0, 0.05, 0.15]) * rng.standard_normal(int(rng.integers(2, 6)))
    number = min(int(seconds * rate) + 2, _MOST_PULSES)
    intervals = (
        np.resize(np.abs(stagger), number) / rate * (1 + rng.choice([0, 0, 1e-3, 0.02]) * rng.uniform(-1, 1, number))
    )
    times = np.cumsum(intervals) - rng.random() / rate
    beam = rng.uniform(0.8, 2.5) / 360 * turn  # s between half power points
    middle = rng.uniform(0.1, 0.9) * seconds
    angle = (times - middle) / beam
    gain = np.maximum(np.abs(np.sinc(0.886 * angle)) ** 2, 10 ** (-rng.uniform(25, 40) / 20))
    kinds = [pulse(late) for late in np.arange(4) / 4]
    coherent = rng.random() < 0.4
    for time, level in zip(times, gain, strict=True):
        place = time * sample_rate
        phase = 1.0 if coherent else np.exp(2j * np.pi * rng.random())
        put(line, int(np.floor(place)), (level * phase * kinds[int(place % 1 * 4)]).astype(np.complex64))
    if not line.any():
        put(line, count // 3, kinds[0].astype(np.complex64))
    return line
