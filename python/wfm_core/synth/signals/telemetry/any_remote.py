# SPDX-License-Identifier: GPL-3.0-or-later
"""On-off keying of no known make: any pulse code with any timing, so that remotes nobody listed are covered too.

Chips of 50 us to 2.5 ms, 12 to 100 bits, with or without preamble and sync, repeated or not; 310 to 915 MHz.
"""

import numpy as np

from wfm_core.synth.signals.bits import manchester, random_bits
from wfm_core.synth.signals.telemetry.keyer import Protocol
from wfm_core.synth.signals.telemetry.pulses import distance_coded, joined, repeated, runs, width_coded

CODES = ("width", "distance", "manchester", "levels")


def _content(code: str):
    def draw(rng: np.random.Generator) -> dict:
        low = {"width": 80e-6, "distance": 100e-6, "manchester": 60e-6, "levels": 50e-6}[code]
        bits = random_bits(int(rng.integers(12, 100)), rng)
        bits[0] = 1
        return {"bits": bits, "unit": float(np.exp(rng.uniform(np.log(low), np.log(1.2e-3))))}

    return draw


def _coded(code: str, bits: np.ndarray, unit: float, rng: np.random.Generator) -> np.ndarray:
    if code == "width":
        ratio = rng.choice([2.0, 2.5, 3.0, 4.0])
        same_period = rng.random() < 0.7
        gap = ratio * unit if same_period else unit * rng.uniform(1, 2.5)
        short, long = (unit, gap), (ratio * unit, unit if same_period else gap)
        return width_coded(bits, *((short, long) if rng.random() < 0.5 else (long, short)))
    if code == "distance":
        return distance_coded(bits, unit, unit * rng.choice([1, 2, 4]), unit * rng.choice([3, 5, 8]))
    if code == "manchester":
        return runs(manchester(bits, one=(1, 0) if rng.random() < 0.5 else (0, 1)), unit)
    return runs(bits, unit)


def _preamble(unit: float, rng: np.random.Generator) -> list:
    kind = rng.integers(4)
    if kind == 0:
        return []
    if kind == 1:
        return [np.tile([unit, unit], rng.integers(4, 24))]
    if kind == 2:
        return [[unit * rng.uniform(4, 20), unit * rng.uniform(1, 12)]]
    return [np.tile([unit, unit], rng.integers(8, 40)), [unit * rng.uniform(2, 10), unit * rng.uniform(2, 10)]]


def _press(code: str):
    def press(content: dict, rng: np.random.Generator) -> np.ndarray:
        unit = content["unit"]
        packet = joined(*_preamble(unit, rng), _coded(code, content["bits"], unit, rng))
        gap = rng.uniform(3, 60) * unit if rng.random() < 0.8 else rng.uniform(0.02, 0.2)
        return repeated(packet, int(rng.integers(1, 12)), gap)

    return press


PROTOCOLS = tuple(Protocol(f"any-{code}", _content(code), _press(code), tolerance=0.01) for code in CODES)
