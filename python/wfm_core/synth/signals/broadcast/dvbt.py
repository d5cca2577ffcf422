# SPDX-License-Identifier: GPL-3.0-or-later
"""DVB-T (ETSI EN 300 744 V1.6.2): 2k and 8k carriers in channels of 6, 7 or 8 MHz of 174 to 230 and 470 to 862 MHz.

Coded packets, scattered and continual pilots and transmission parameters are those of the standard, not hierarchical.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft

from wfm_core.synth.signals.bits import crc, number_bits, shift_register
from wfm_core.synth.signals.broadcast import dvbt_coding as coding
from wfm_core.synth.signals.transmission import Transmission, part, transmission

FRAME = 68
"""Symbols; four frames are a superframe."""
CONTINUAL = (
    0, 48, 54, 87, 141, 156, 192, 201, 255, 279, 282, 333, 432, 450, 483, 525, 531, 618, 636, 714, 759, 765, 780, 804,
    873, 888, 918, 939, 942, 969, 984, 1050, 1101, 1107, 1110, 1137, 1140, 1146, 1206, 1269, 1323, 1377, 1491, 1683,
    1704,
)  # fmt: skip
PARAMETERS = (34, 50, 209, 346, 413, 569, 595, 688, 790, 901, 1073, 1219, 1262, 1286, 1469, 1594, 1687)
"""Carriers of the 2k mode (tables 7 and 8); the 8k mode has them four times over, 1704 apart."""
_RATES = tuple(coding.KEPT)
_SYNC = 0b0011010111101110
_BCH = 0b1101110111
"""x^14 + x^9 + x^8 + x^6 + x^5 + x^4 + x^2 + x + 1 without its highest term (clause 4.6.2.11)."""


@dataclass(frozen=True)
class Mode:
    """size: 2048 or 8192. axis_bits: 1 to 3, of QPSK to 64QAM. guard: 4 to 32, the share of the prefix."""

    size: int
    axis_bits: int
    rate: str
    guard: int

    @property
    def used(self) -> int:
        return 1705 if self.size == 2048 else 6817

    @property
    def cells(self) -> int:
        return 1512 if self.size == 2048 else 6048


def carriers(few: tuple[int, ...], used: int) -> np.ndarray:
    return np.unique(np.array(few)[None, :] + 1704 * np.arange(used // 1704)[:, None])


@lru_cache
def reference(used: int) -> np.ndarray:
    """1 or -1 for each carrier, of the sequence x^11 + x^2 + 1 (clause 4.5.2)."""
    return 1 - 2.0 * shift_register((9, 11), 11, used, 0x7FF)


def parameter_bits(mode: Mode, frame: int) -> np.ndarray:
    """68 bits of frame 0 to 3 (clause 4.6); the first one stands for the reference of each carrier."""
    number = _SYNC ^ (0xFFFF if frame % 2 else 0)
    fields = (
        (number, 16), (0b010111, 6), (frame, 2), (mode.axis_bits - 1, 2), (0, 3), (_RATES.index(mode.rate), 3), (0, 3),
        ((32, 16, 8, 4).index(mode.guard), 2), (mode.size == 8192, 2), (0, 14),
    )  # fmt: skip
    said = np.concatenate([number_bits(int(value), width) for value, width in fields])
    return np.concatenate([[0], said, number_bits(crc(said, _BCH, 14), 14)]).astype(np.uint8)


def symbols(values: np.ndarray, mode: Mode, first: int) -> np.ndarray:
    """complex64: cells [n, 1512 or 6048] with all pilots as n symbols, of which the first is number `first` (0 to 271)
    of its superframe."""
    used = mode.used
    sign, continual, parameters = reference(used), carriers(CONTINUAL, used), carriers(PARAMETERS, used)
    said = np.concatenate([np.cumsum(parameter_bits(mode, frame)) & 1 for frame in range(4)])
    fixed = np.zeros(used, bool)
    fixed[continual] = fixed[parameters] = True
    bins = np.zeros((len(values), mode.size), np.complex64)
    where = (np.arange(used) - used // 2) % mode.size
    for row, cells in enumerate(values):
        number = (first + row) % (4 * FRAME)
        line = np.zeros(used, complex)
        pilots = np.zeros(used, bool)
        pilots[3 * (number % 4) :: 12] = True
        line[~(pilots | fixed)] = cells
        boosted = pilots.copy()
        boosted[continual] = True
        line[boosted] = 4 / 3 * sign[boosted]
        line[parameters] = sign[parameters] * (1 - 2.0 * said[number])
        bins[row, where] = line
    body = fft.ifft(bins) * mode.size / np.sqrt(used)
    return np.concatenate([body[:, mode.size - mode.size // mode.guard :], body], 1).ravel()


def packets(count: int, rng: np.random.Generator) -> np.ndarray:
    """uint8 [count, 188]: transport packets of a few programmes, with null packets between them (ISO/IEC 13818-1)."""
    out = rng.integers(0, 256, (count, coding.PACKET), dtype=np.uint8)
    pids = np.where(rng.random(count) < 0.1, 0x1FFF, rng.choice(rng.integers(0x20, 0x1FFE, 6), count))
    out[:, 0], out[:, 1], out[:, 2] = 0x47, pids >> 8, pids & 0xFF
    out[:, 3] = 0x10 | np.arange(count) % 16
    return out


def coded(sent: np.ndarray, mode: Mode) -> np.ndarray:
    return coding.inner(coding.outer(sent), mode.rate)


def dvb_t(seconds: float, rng: np.random.Generator) -> Transmission:
    """A multiplex: any mode, constellation, rate and prefix, from anywhere in its superframe."""
    mode = Mode(
        8192 if rng.random() < 0.7 else 2048, int(rng.choice([1, 2, 3, 3])), str(rng.choice(_RATES)),
        int(rng.choice([4, 8, 16, 32])),
    )  # fmt: skip
    rate = 8e6 / 7 * float(rng.choice([8, 8, 7, 6]))
    count = round(seconds * rate)
    many = count // (mode.size + mode.size // mode.guard) + 2
    needed = many * mode.cells * 2 * mode.axis_bits
    numerator, denominator = map(int, mode.rate.split("/"))
    total = int(needed * numerator / denominator / (8 * coding.CODED)) + 25
    bits = coded(packets(total + -total % 8, rng), mode)
    bits = bits[-needed:]  # the interleaver is full there
    first = int(rng.integers(0, 4 * FRAME))
    sent = symbols(coding.cells(bits, mode.axis_bits, mode.size, first), mode, first)
    kind = "dvb-t-8k" if mode.size == 8192 else "dvb-t-2k"
    return transmission(part(sent, count, rng), rate, rate * mode.used / mode.size, kind)
