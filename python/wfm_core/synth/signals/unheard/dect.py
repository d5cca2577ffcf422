# SPDX-License-Identifier: GPL-3.0-or-later
"""DECT cordless telephones (ETSI EN 300 175-2 V2.8.1, physical layer; 175-3, medium access), one carrier.

GFSK, BT 0.5, 1.152 Mbit/s, nominal deviation 288 kHz (175-2, clause 5): 1.2 MHz hold 99 % of the power, on carriers
1.728 MHz apart at 1880 to 1930 MHz. Frames of 10 ms have 24 slots of 480 bits; the fixed part sends in the first
half, portable parts answer 5 ms later. Packets: S-field, A-field with header, tail and R-CRC, and in calls a
scrambled B-field of 32 kbit/s speech with its X-field.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc, number_bits, random_bits
from wfm_core.synth.signals.keying import fsk, ramped
from wfm_core.synth.signals.placing import put
from wfm_core.synth.signals.transmission import Transmission, part, transmission

BIT_RATE = 1.152e6
SAMPLE_RATE = 4 * BIT_RATE
BANDWIDTH = 1.22e6
SLOT = 480  # bits
FRAME = 24 * SLOT
FIXED, PORTABLE = bits_of(bytes.fromhex("aaaae98a")), bits_of(bytes.fromhex("55551675"))
"""S-fields: preamble and synchronisation word (175-2, 4.6)."""
_IDENTITIES, _SYSTEM, _MAC, _PAGING = 3, 4, 6, 7
"""Kinds of A-field tails (175-3, 7.1.2)."""
_SPEECH, _NO_B_FIELD = 0, 7
_TAILS = (_PAGING, _IDENTITIES, _PAGING, _IDENTITIES, _PAGING, _IDENTITIES, _PAGING, _IDENTITIES, _SYSTEM, _IDENTITIES,
          _PAGING, _IDENTITIES, _PAGING, _IDENTITIES, _IDENTITIES, _IDENTITIES)  # fmt: skip
"""What a fixed part says in each frame of a multiframe (175-3, 6.2.2.1): Q in frame 8, N in frame 14."""


def r_crc(bits: np.ndarray) -> np.ndarray:
    """Sixteen bits of check, the last one inverted (175-3, 6.2.5.2)."""
    return number_bits(crc(bits, 0x0589, 16, final=1), 16)


def a_field(header: int, tail: np.ndarray) -> np.ndarray:
    """64 bits: header of 8, tail of 40, R-CRC."""
    bits = np.concatenate([number_bits(header, 8), tail]).astype(np.uint8)
    return np.concatenate([bits, r_crc(bits)])


def scrambling(frame: int, count: int = 320) -> np.ndarray:
    """What is added to a B-field in a frame (175-3, 6.2.4 and annex E): x^5 + x^3 + 1, inverted with each period."""
    register = [1, 1, *number_bits(frame, 3).tolist()]
    out, inverted = [], 1
    while len(out) < count:
        out.append(register[0] ^ inverted)
        if all(register):
            inverted ^= 1
        register = [*register[1:], register[3] ^ register[0]]
    return np.array(out, np.uint8)


def x_field(b_field: np.ndarray) -> np.ndarray:
    """Four bits of check by x^4 + 1 over 80 of the 320 scrambled bits (175-3, 6.2.5.4)."""
    places = np.arange(80)
    tested = b_field[places + 48 * (1 + places // 16)]
    return np.bitwise_xor.reduce(tested.reshape(-1, 4), axis=0)


def packet(sync: np.ndarray, a: np.ndarray, b: np.ndarray | None = None, frame: int = 0) -> np.ndarray:
    """Bits of a short packet (P00, 96), or with a B-field of 320 bits of a full slot's (P32 with Z-field, 424)."""
    if b is None:
        return np.concatenate([sync, a])
    scrambled = b ^ scrambling(frame % 8)
    check = x_field(scrambled)
    return np.concatenate([sync, a, scrambled, check, check])


def beacon(seconds: float, rng: np.random.Generator) -> Transmission:
    """A fixed part whose phones are idle: a dummy bearer in one slot of each frame, or two."""
    return _system(seconds, rng, 0, "dect-beacon")


def call(seconds: float, rng: np.random.Generator) -> Transmission:
    """One to four calls on the carrier, both directions, perhaps with a dummy bearer beside."""
    return _system(seconds, rng, int(rng.choice([1, 1, 1, 2, 3, 4])), "dect-call")


def _system(seconds: float, rng: np.random.Generator, calls: int, kind: str) -> Transmission:
    count = round(seconds * SAMPLE_RATE)
    frames = int(seconds / 10e-3) + 3
    line = np.zeros(frames * FRAME * 4, np.complex64)
    identity, first = random_bits(40, rng), int(rng.integers(16))
    slots = rng.permutation(12)
    dummies = int(rng.integers(1, 3)) if calls == 0 else int(rng.random() < 0.3)
    for slot in slots[:dummies]:
        _bearer(line, rng, int(slot), FIXED, identity, first, None, _Radio(rng))
    for slot in slots[dummies : dummies + calls]:
        muted = rng.random() < 0.2
        _bearer(line, rng, int(slot), FIXED, identity, first, muted, _Radio(rng))
        _bearer(line, rng, int(slot) + 12, PORTABLE, identity, first, muted, _Radio(rng))
    return transmission(part(line, count, rng), SAMPLE_RATE, BANDWIDTH, kind)


class _Radio:
    """One transmitter: deviation within the limits of 175-2 clause 5, up to 50 kHz off, level, edges, preamble."""

    def __init__(self, rng: np.random.Generator):
        self.deviation = 288e3 * rng.uniform(0.85, 1.15)
        self.offset = np.clip(rng.normal(0, 12e3), -50e3, 50e3)
        self.level = 10 ** (-rng.exponential(6) / 20)
        self.edge = int(rng.uniform(6, 40))
        self.longer = rng.random() < 0.3  # prolonged preamble, 175-2, 4.7

    def sends(self, bits: np.ndarray) -> tuple[np.ndarray, int]:
        """The samples, and how many lie before the first bit."""
        before = bits[:16] if self.longer else bits[:2]
        bits = np.concatenate([before, bits, bits[-2:]])
        x = fsk(2.0 * bits - 1, BIT_RATE, SAMPLE_RATE, self.deviation, 0.5)
        x = ramped(x, self.edge) * np.exp(2j * np.pi * self.offset / SAMPLE_RATE * np.arange(len(x)))
        return (self.level * x).astype(np.complex64), 4 * len(before)


def _bearer(line, rng, slot: int, sync, identity, first: int, muted: bool | None, radio: _Radio) -> None:
    """A packet in `slot` of each frame; muted: is there no sound in its speech; None: no B-field."""
    for number in range(len(line) // (4 * FRAME)):
        frame = (first + number) % 16
        kind = _TAILS[frame] if sync is FIXED else (_IDENTITIES if frame % 2 else _MAC)
        tail = identity if kind == _IDENTITIES else random_bits(40, rng)
        speech = None
        if muted is not None:
            speech = np.ones(320, np.uint8) if muted else random_bits(320, rng)
        a = a_field(kind << 5 | (_NO_B_FIELD if speech is None else _SPEECH) << 1, tail)
        x, early = radio.sends(packet(sync, a, speech, frame))
        put(line, 4 * (number * FRAME + slot * SLOT) - early, x)
