# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the automatic identification system (ITU-R M.1371-5, annex 8), as bits, most significant first."""

from dataclasses import dataclass

import numpy as np

from wfm_core.synth.signals.bits import number_bits
from wfm_core.synth.signals.content import DIGITS, LETTERS, call_sign

_SIX_BITS = "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_ !\"#$%&'()*+,-./0123456789:;<=>?"


@dataclass
class Vessel:
    """mmsi: nine digits. latitude, longitude, course: degrees. speed: knots."""

    mmsi: int
    name: str
    call: str
    latitude: float
    longitude: float
    speed: float
    course: float
    ship_type: int
    size: tuple[int, int, int, int]


def random_vessel(rng: np.random.Generator, base: bool = False) -> Vessel:
    country = int(rng.integers(201, 776))
    mmsi = int(f"00{country}{rng.integers(1000, 9999)}") if base else country * 10**6 + int(rng.integers(10**6))
    name = "".join(rng.choice(list(LETTERS + DIGITS + "  "), rng.integers(3, 21)))
    return Vessel(
        mmsi,
        name.strip() or "A",
        call_sign(rng),
        rng.uniform(-75, 75),
        rng.uniform(-180, 180),
        float(rng.choice([0.0, rng.uniform(0.1, 30)])),
        rng.uniform(0, 359.9),
        int(rng.integers(20, 100)),
        tuple(int(side) for side in rng.integers(1, (250, 60, 30, 30))),
    )


def position_report(vessel: Vessel, kind: int, rng: np.random.Generator) -> np.ndarray:
    """168 bits of messages 1, 2 and 3: class A."""
    return _fields(
        *_head(kind, vessel, rng),
        (rng.integers(0, 9), 4),
        (rng.choice([0, 128, rng.integers(256)]), 8),
        *_motion(vessel, rng),
        (0, 2),
        (0, 3),
        (rng.integers(2), 1),
        (rng.integers(2**19), 19),
    )


def base_report(vessel: Vessel, rng: np.random.Generator) -> np.ndarray:
    """168 bits of message 4: time and place of a base station."""
    date = (rng.integers(2015, 2035), 14), (rng.integers(1, 13), 4), (rng.integers(1, 29), 5)
    clock = (rng.integers(24), 5), (rng.integers(60), 6), (rng.integers(60), 6)
    rest = (1, 4), (0, 10), (0, 1), (rng.integers(2**19), 19)
    return _fields(*_head(4, vessel, rng), *date, *clock, (1, 1), *_place(vessel), *rest)


def static_data(vessel: Vessel, rng: np.random.Generator) -> np.ndarray:
    """424 bits of message 5: name, call sign, destination."""
    goal = "".join(rng.choice(list(LETTERS), rng.integers(3, 15)))
    head = _fields(*_head(5, vessel, rng), (0, 2), (rng.integers(10**6, 10**7), 30))
    middle = np.concatenate([head, text(vessel.call, 7), text(vessel.name, 20), number_bits(vessel.ship_type, 8)])
    arrival = (rng.integers(1, 13), 4), (rng.integers(1, 29), 5), (rng.integers(24), 5), (rng.integers(60), 6)
    tail = _fields(*_sides(vessel), (1, 4), *arrival, (rng.integers(10, 150), 8))
    return np.concatenate([middle, tail, text(goal, 20), [0, 0]]).astype(np.uint8)


def class_b_report(vessel: Vessel, rng: np.random.Generator) -> np.ndarray:
    """168 bits of message 18."""
    motion = _motion(vessel, rng)
    flags = (0, 2), (rng.integers(2), 1), (0, 1), (1, 1), (1, 1), (0, 1), (0, 1), (1, 1), (rng.integers(2**20), 20)
    return _fields(*_head(18, vessel, rng), (0, 8), *motion, *flags)


def class_b_static(vessel: Vessel, part: int, rng: np.random.Generator) -> np.ndarray:
    """168 bits of message 24, part A (0: name) or B (1: type, maker, call sign, size)."""
    head = _fields(*_head(24, vessel, rng), (part, 2))
    if part == 0:
        return np.concatenate([head, text(vessel.name, 20), np.zeros(8, np.uint8)])
    maker = np.concatenate([text("SRT", 3), number_bits(int(rng.integers(2**24)), 24)])
    body = [head, number_bits(vessel.ship_type, 8), maker, text(vessel.call, 7), _fields(*_sides(vessel))]
    return np.concatenate([*body, np.zeros(6, np.uint8)])


def text(characters: str, count: int) -> np.ndarray:
    """Six bits a character, padded with @."""
    padded = characters[:count].ljust(count, "@")
    return np.concatenate([number_bits(_SIX_BITS.index(letter), 6) for letter in padded])


def _head(kind: int, vessel: Vessel, rng: np.random.Generator) -> tuple:
    return (kind, 6), (rng.choice([0, 0, 0, 3]), 2), (vessel.mmsi, 30)


def _place(vessel: Vessel) -> tuple:
    return (round(vessel.longitude * 600000), 28), (round(vessel.latitude * 600000), 27)


def _motion(vessel: Vessel, rng: np.random.Generator) -> tuple:
    heading = int(vessel.course + rng.normal(0, 3)) % 360 if rng.random() < 0.8 else 511
    after = (int(vessel.course * 10), 12), (heading, 9), (rng.integers(60), 6)
    return (int(vessel.speed * 10), 10), (rng.integers(2), 1), *_place(vessel), *after


def _sides(vessel: Vessel) -> tuple:
    return tuple(zip(vessel.size, (9, 9, 6, 6), strict=True))


def _fields(*fields) -> np.ndarray:
    return np.concatenate([number_bits(int(value), width) for value, width in fields])
