# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast information channel of DAB: what an ensemble says of itself (ETSI EN 300 401 V2.1.1, clauses 5, 6 and 8),
scrambled and coded (clauses 10 and 11)."""

from dataclasses import dataclass

import numpy as np

from wfm_core.synth.signals.bits import bits_of, convolutional, crc, shift_register
from wfm_core.synth.signals.content import text

BLOCK = 256
_GENERATORS = (0o133, 0o171, 0o145, 0o133)
_SIXTEEN = "1110" * 8
_FIFTEEN = "1110" * 7 + "1100"
KEPT = np.frombuffer((_SIXTEEN * 84 + _FIFTEEN * 12 + "1100" * 6).encode(), np.uint8) == ord("1")
"""What is sent of the code's 3096 bits: 21 blocks by vector 16, 3 by vector 15, the tail (clause 11.2)."""


@dataclass(frozen=True)
class Service:
    """identity: 16 bits. label: up to 16 letters. size: capacity units of its sub-channel, EEP 3-A."""

    identity: int
    label: str
    size: int


@dataclass(frozen=True)
class Ensemble:
    identity: int
    label: str
    services: tuple[Service, ...]


def random_ensemble(rng: np.random.Generator) -> Ensemble:
    country = int(rng.integers(1, 16)) << 12
    services = tuple(
        Service(country | int(identity), text(3, rng).upper()[:16], int(rng.choice([48, 54, 66, 72])))
        for identity in rng.choice(np.arange(0x100, 0xF00), rng.integers(3, 13), replace=False)
    )
    return Ensemble(country | int(rng.integers(0x100, 0xF00)), text(3, rng).upper()[:16], services)


def _group(kind: int, body: bytes) -> bytes:
    return bytes([kind << 5 | len(body)]) + body


def _label(extension: int, identity: int, label: str) -> bytes:
    short = 0xFF00  # the first eight letters
    letters = label.ljust(16).encode("ascii")
    return _group(1, bytes([extension]) + identity.to_bytes(2, "big") + letters + short.to_bytes(2, "big"))


def _ensemble_group(ensemble: Ensemble, frame: int) -> bytes:
    """FIG 0/0 with the count of logical frames of 24 ms."""
    count = bytes([frame // 250 % 20, frame % 250])
    return _group(0, bytes([0]) + ensemble.identity.to_bytes(2, "big") + count)


def _organisation(ensemble: Ensemble) -> list[bytes]:
    """FIG 0/1 (sub-channels), FIG 0/2 (services), FIG 1/0 and 1/1 (labels), four of the first two kinds together."""
    places, components, start = [], [], 0
    for number, service in enumerate(ensemble.services):
        places.append(((number << 10 | start) << 16 | 1 << 15 | 2 << 10 | service.size).to_bytes(4, "big"))
        components.append(service.identity.to_bytes(2, "big") + bytes([1, 63, number << 2 | 2]))
        start += service.size
    groups = [_group(0, bytes([1]) + b"".join(places[at : at + 4])) for at in range(0, len(places), 4)]
    groups += [_group(0, bytes([2]) + b"".join(components[at : at + 4])) for at in range(0, len(components), 4)]
    groups.append(_label(0, ensemble.identity, ensemble.label))
    return groups + [_label(1, service.identity, service.label) for service in ensemble.services]


def block(groups: list[bytes]) -> np.ndarray:
    """256 bits: groups, an end marker, padding and the checksum."""
    data = b"".join(groups)
    data = data if len(data) == 30 else (data + b"\xff").ljust(30, b"\0")
    bits = bits_of(data)
    return np.concatenate([bits, bits_of(crc(bits, 0x1021, 16, 0xFFFF, 0xFFFF).to_bytes(2, "big"))])


def coded(blocks: np.ndarray) -> np.ndarray:
    """2304 bits of three blocks (768 bits)."""
    # what enters the register is sent, not what leaves its ninth stage
    mixed = blocks ^ shift_register((5, 9), 9, 768 + 9, 0x1FF)[9:]
    return convolutional(np.concatenate([mixed, np.zeros(6, np.uint8)]), _GENERATORS, 6)[KEPT]


class Carousel:
    """All groups in turn, as many a block as it holds."""

    def __init__(self, ensemble: Ensemble, frame: int):
        self.ensemble, self.frame = ensemble, frame
        self._groups = _organisation(ensemble)
        self._next = 0

    def _filled(self, groups: list[bytes]) -> np.ndarray:
        while sum(map(len, groups)) + len(self._groups[self._next]) <= 30:
            groups.append(self._groups[self._next])
            self._next = (self._next + 1) % len(self._groups)
        return block(groups)

    def transmission_frame(self) -> np.ndarray:
        """9216 bits: the three symbols of one frame of 96 ms."""
        parts = []
        for _ in range(4):
            first = self._filled([_ensemble_group(self.ensemble, self.frame)])
            parts.append(coded(np.concatenate([first, self._filled([]), self._filled([])])))
            self.frame = (self.frame + 1) % 5000
        return np.concatenate(parts)
