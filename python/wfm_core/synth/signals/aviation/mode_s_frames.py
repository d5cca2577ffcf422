# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of Mode S transponders (ICAO Annex 10 volume IV, chapter 3; RTCA DO-260B for the extended squitter)."""

from dataclasses import dataclass

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc, number_bits
from wfm_core.synth.signals.content import DIGITS, LETTERS

GENERATOR = 0xFFF409
"""x^24 + ... without its highest term (3.1.2.3.3.1.2)."""

_CHARACTERS = "#ABCDEFGHIJKLMNOPQRSTUVWXYZ##### ###############0123456789######"


@dataclass
class Aircraft:
    """address: 24 bits. latitude, longitude: degrees. altitude: feet. squawk: four octal digits. speeds: knots."""

    address: int
    callsign: str
    latitude: float
    longitude: float
    altitude: int
    squawk: str
    east: int
    north: int
    climb: int
    ground: bool = False


def random_aircraft(rng: np.random.Generator) -> Aircraft:
    airline = "".join(rng.choice(list(LETTERS), 3)) + str(rng.integers(1, 9999))
    private = "".join(rng.choice(list(LETTERS + DIGITS), rng.integers(4, 7)))
    speed, track = rng.uniform(60, 560), rng.uniform(0, 2 * np.pi)
    return Aircraft(
        int(rng.integers(1, 0xFFFFFF)),
        (airline if rng.random() < 0.8 else private)[:8],
        rng.uniform(-70, 70),
        rng.uniform(-180, 180),
        int(25 * rng.integers(20, 1700)),
        "".join(rng.choice(list("01234567"), 4)),
        int(speed * np.sin(track)),
        int(speed * np.cos(track)),
        int(64 * rng.integers(-40, 41)),
        bool(rng.random() < 0.06),
    )


def parity(head: np.ndarray, address: int = 0) -> np.ndarray:
    """A frame's bits with their parity: exclusive-or `address` for replies (AP), 0 for squitters (PI)."""
    return np.concatenate([head, number_bits(crc(head, GENERATOR, 24) ^ address, 24)])


def squitter(aircraft: Aircraft, message: np.ndarray, downlink: int = 17, capability: int = 5) -> np.ndarray:
    """112 bits: DF17 (or 18) with a 56-bit extended squitter message."""
    return parity(np.concatenate([_fields((downlink, 5), (capability, 3), (aircraft.address, 24)), message]))


def all_call(aircraft: Aircraft, interrogator: int = 0) -> np.ndarray:
    """56 bits: DF11, the acquisition squitter, or the answer to an interrogator's all-call."""
    return parity(_fields((11, 5), (4 if aircraft.ground else 5, 3), (aircraft.address, 24)), interrogator)


def altitude_code(feet: int) -> int:
    """13 bits with the M bit 0 and the Q bit 1: steps of 25 ft (3.1.2.6.5.4)."""
    steps = (feet + 1000) // 25
    return (steps >> 5) << 7 | (steps >> 4 & 1) << 5 | 1 << 4 | steps & 15


def identity_code(squawk: str) -> int:
    """13 bits C1 A1 C2 A2 C4 A4 0 B1 D1 B2 D2 B4 D4 (3.1.2.6.7.1)."""
    a, b, c, d = map(int, squawk)
    code = 0
    for first, second, bits in ((c, a, (0, 1, 2)), (b, d, (0, 1, 2))):
        for bit in bits:
            code = code << 2 | (first >> bit & 1) << 1 | second >> bit & 1
        code <<= 1
    high, low = code >> 8 & 63, code >> 1 & 63
    return high << 7 | low


def short_reply(aircraft: Aircraft, downlink: int, rng: np.random.Generator) -> np.ndarray:
    """56 bits: DF0 (air-air surveillance), DF4 (altitude) or DF5 (identity)."""
    if downlink == 0:
        head = _fields((0, 5), (aircraft.ground, 1), (1, 1), (0, 1), (rng.integers(0, 8), 3), (0, 2),
                       (rng.integers(0, 16), 4), (0, 2), (altitude_code(aircraft.altitude), 13))  # fmt: skip
    else:
        code = altitude_code(aircraft.altitude) if downlink == 4 else identity_code(aircraft.squawk)
        head = _fields((downlink, 5), (aircraft.ground, 3), (0, 5), (rng.integers(0, 64), 6), (code, 13))
    return parity(head, aircraft.address)


def long_reply(aircraft: Aircraft, downlink: int, rng: np.random.Generator) -> np.ndarray:
    """112 bits: DF16 (air-air), DF20 or DF21 (Comm-B) with a register of 56 bits."""
    message = _register(aircraft, rng)
    if downlink == 16:
        head = _fields((16, 5), (0, 1), (0, 2), (rng.integers(0, 8), 3), (0, 2), (3, 4), (0, 2),
                       (altitude_code(aircraft.altitude), 13))  # fmt: skip
        message = np.concatenate([_fields((0x30, 8)), rng.integers(0, 2, 48, dtype=np.uint8)])
    else:
        code = altitude_code(aircraft.altitude) if downlink == 20 else identity_code(aircraft.squawk)
        head = _fields((downlink, 5), (aircraft.ground, 3), (0, 5), (rng.integers(0, 64), 6), (code, 13))
    return parity(np.concatenate([head, message]), aircraft.address)


def _register(aircraft: Aircraft, rng: np.random.Generator) -> np.ndarray:
    """A Comm-B register (Doc 9871): aircraft identification, intention, track, speed, or an empty one."""
    kind = rng.integers(0, 4)
    if kind == 0:
        return np.concatenate([_fields((0x20, 8)), _name(aircraft.callsign)])
    if kind == 1:  # BDS 4,0: selected altitude of MCP and FMS, barometric setting
        chosen = int(aircraft.altitude / 16)
        return _fields((1, 1), (chosen, 12), (1, 1), (chosen, 12), (1, 1), (rng.integers(1800, 2400), 12), (0, 17))
    if kind == 2:  # BDS 6,0: heading, indicated airspeed, Mach, vertical rates
        return _fields((1, 1), (rng.integers(0, 2048), 11), (1, 1), (rng.integers(100, 400), 10), (1, 1),
                       (rng.integers(60, 220), 10), (1, 1), (rng.integers(0, 1024), 10), (1, 1),
                       (rng.integers(0, 1024), 10))  # fmt: skip
    return np.zeros(56, np.uint8)


def identification(aircraft: Aircraft, category: int = 3) -> np.ndarray:
    """56 bits of type 4 (category set A): the call sign."""
    return np.concatenate([_fields((4, 5), (category, 3)), _name(aircraft.callsign)])


def airborne_position(aircraft: Aircraft, odd: int, kind: int = 11) -> np.ndarray:
    """56 bits of types 9 to 18: barometric altitude and compact position."""
    code = altitude_code(aircraft.altitude)
    twelve = code >> 7 << 6 | code & 63  # without the M bit
    latitude, longitude = compact_position(aircraft.latitude, aircraft.longitude, odd, 17)
    return _fields((kind, 5), (0, 2), (0, 1), (twelve, 12), (0, 1), (odd, 1), (latitude, 17), (longitude, 17))


def surface_position(aircraft: Aircraft, odd: int, rng: np.random.Generator) -> np.ndarray:
    """56 bits of types 5 to 8: movement, track and compact position."""
    latitude, longitude = compact_position(aircraft.latitude, aircraft.longitude, odd, 19)
    return _fields((rng.integers(5, 9), 5), (rng.integers(1, 100), 7), (1, 1), (rng.integers(0, 128), 7), (0, 1),
                   (odd, 1), (latitude, 17), (longitude, 17))  # fmt: skip


def velocity(aircraft: Aircraft) -> np.ndarray:
    """56 bits of type 19, subtype 1: ground speed east and north, vertical rate."""
    rate = abs(aircraft.climb) // 64 + 1
    return _fields((19, 5), (1, 3), (0, 2), (2, 3), (aircraft.east < 0, 1), (abs(aircraft.east) + 1, 10),
                   (aircraft.north < 0, 1), (abs(aircraft.north) + 1, 10), (1, 1), (aircraft.climb < 0, 1),
                   (rate, 9), (0, 2), (0, 1), (5, 7))  # fmt: skip


def status(aircraft: Aircraft, rng: np.random.Generator) -> np.ndarray:
    """56 bits: emergency and priority (28), target state (29) or operational status (31)."""
    kind = int(rng.choice([28, 29, 31]))
    if kind == 28:
        return _fields((28, 5), (1, 3), (0, 3), (identity_code(aircraft.squawk), 13), (0, 32))
    rest = rng.integers(0, 2, 48, dtype=np.uint8)
    return np.concatenate([_fields((kind, 5), (0 if kind == 31 else 2, 3)), rest])


def compact_position(latitude: float, longitude: float, odd: int, precision: int) -> tuple[int, int]:
    """17 bits each of compact position reporting; precision 19 on the surface (DO-260B, A.1.7)."""
    zone = 360 / (60 - odd)
    north = int(np.floor(2**precision * (latitude % zone) / zone + 0.5))
    seen = zone * (north / 2**precision + np.floor(latitude / zone))
    width = 360 / max(longitude_zones(seen) - odd, 1)
    east = int(np.floor(2**precision * (longitude % width) / width + 0.5))
    return north % 2**17, east % 2**17


def longitude_zones(latitude: float) -> int:
    """NL of compact position reporting, 1 to 59."""
    if abs(latitude) >= 87:
        return 2 if abs(latitude) == 87 else 1
    ratio = (1 - np.cos(np.pi / 30)) / np.cos(np.radians(abs(latitude))) ** 2
    return min(int(2 * np.pi / np.arccos(1 - ratio) + 1e-9), 59)


def _name(callsign: str) -> np.ndarray:
    return np.concatenate([number_bits(_CHARACTERS.index(letter), 6) for letter in callsign.ljust(8)[:8]])


def _fields(*fields: tuple[int, int]) -> np.ndarray:
    return np.concatenate([number_bits(int(value), width) for value, width in fields])


def frame_hex(frame: np.ndarray) -> str:
    """A frame as receivers print it."""
    return np.packbits(frame).tobytes().hex()


def frame_of(hexadecimal: str) -> np.ndarray:
    return bits_of(bytes.fromhex(hexadecimal))
