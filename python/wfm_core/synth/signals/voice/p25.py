# SPDX-License-Identifier: GPL-3.0-or-later
"""APCO Project 25 phase 1 (TIA-102.BAAA): C4FM radios, and base stations of simulcast that send CQPSK.

4800 symbols/s: four-level FSK of 1800 Hz, raised cosine 0.2 (8.2 kHz hold 99 % of the power), or pi/4-DQPSK with the
same filter (5.6 kHz), 12.5 kHz channels of VHF, 700 and 800 MHz. Frame sync, network identifier, header, the two kinds
of logical link data unit in turn, terminators, and trunking blocks, with status symbols. Vocoder frames and trunking
blocks are random.
"""

import numpy as np
from scipy import signal as dsp

from wfm_core.synth.signals.bits import number_bits, random_bits
from wfm_core.synth.signals.keying import ramped
from wfm_core.synth.signals.transmission import Transmission
from wfm_core.synth.signals.voice.four_level import (
    PER_SYMBOL,
    RAISED,
    hexadecimal,
    levels,
    modulated,
    over_seconds,
    overs,
    raised_cosine,
    true_rate,
)
from wfm_core.synth.signals.voice.p25_coding import (
    cyclic_16_8,
    golay_18_6,
    hamming_10_6,
    hexbits,
    network_identifier,
    reed_solomon,
)

SYMBOL_RATE = 4800.0
DEVIATION = 1800.0
BANDWIDTH = 8.2e3
BANDWIDTH_CQPSK = 5.6e3
FRAME_SYNC = hexadecimal("5575F5FF77FF")
HEADER, TERMINATOR, LINK_1, TRUNKING, LINK_2, LINK_TERMINATOR = 0x0, 0x3, 0x5, 0x7, 0xA, 0xF
LINEAR = raised_cosine(0.2)


def data_unit(access: int, kind: int, payload: np.ndarray, status: int = 1) -> np.ndarray:
    """A data unit with its status symbols (one dibit behind each 70 bits), filled up to the end of one such block."""
    bits = np.concatenate([FRAME_SYNC, network_identifier(access, kind), payload])
    blocks = np.concatenate([bits, np.zeros(-len(bits) % 70, np.uint8)]).reshape(-1, 70)
    return np.concatenate([blocks, np.tile(number_bits(status, 2), (len(blocks), 1))], 1).ravel()


def header_payload(rng: np.random.Generator) -> np.ndarray:
    """648 bits: message indicator, manufacturer, algorithm, key, talk group."""
    clear = rng.random() < 0.8
    data = (bytes(9) if clear else rng.bytes(9)) + (b"\x00\x80\x00\x00" if clear else b"\x00" + rng.bytes(3))
    words = reed_solomon(hexbits(data + rng.bytes(2)), 16)
    return np.concatenate([golay_18_6(number_bits(word, 6)) for word in words])


def link_payload(words: list[int], rng: np.random.Generator) -> np.ndarray:
    """1568 bits: nine vocoder frames, 24 hexbits between them, and low speed data."""
    voice = random_bits(9 * 144, rng).reshape(9, 144)
    control = np.concatenate([hamming_10_6(number_bits(word, 6)) for word in words]).reshape(6, 40)
    pieces = [voice[0], voice[1]]
    for place in range(6):
        pieces += [control[place], voice[place + 2]]
    slow = np.concatenate([cyclic_16_8(0), cyclic_16_8(0)])
    return np.concatenate([*pieces, slow, voice[8]])


def link_control(group: int, source: int) -> list[int]:
    """24 hexbits of LDU1: group call."""
    data = bytes([0, 0, 0, 0]) + group.to_bytes(2, "big") + source.to_bytes(3, "big")
    return reed_solomon(hexbits(data), 12)


def encryption() -> list[int]:
    """24 hexbits of LDU2: not encrypted."""
    return reed_solomon(hexbits(bytes(9) + b"\x80\x00\x00"), 8)


def call(pairs: int, access: int, status: int, rng: np.random.Generator) -> np.ndarray:
    control = link_control(int(rng.integers(1, 1 << 16)), int(rng.integers(1, 1 << 24)))
    units = [data_unit(access, HEADER, header_payload(rng), status)]
    for _ in range(pairs):
        units.append(data_unit(access, LINK_1, link_payload(control, rng), status))
        units.append(data_unit(access, LINK_2, link_payload(encryption(), rng), status))
    for _ in range(rng.integers(1, 3)):
        units.append(data_unit(access, TERMINATOR, np.zeros(28, np.uint8), status))
    return np.concatenate(units)


def control_channel(seconds: float, access: int, rng: np.random.Generator) -> np.ndarray:
    """Trunking signalling blocks without end, three in a data unit; their trellis code makes all words likely."""
    count = int(seconds / 0.075) + 2
    return np.concatenate([data_unit(access, TRUNKING, random_bits(3 * 196, rng)) for _ in range(count)])


def linear_modulated(bits: np.ndarray, edge: float) -> np.ndarray:
    """CQPSK: the same dibits as steps of phase of 45 and 135 degrees."""
    symbols = np.exp(1j * np.cumsum(levels(bits)) * 3 * np.pi / 4)
    lead = max(round(edge * SYMBOL_RATE), 8)
    x = dsp.upfirdn(LINEAR, np.concatenate([np.full(lead, symbols[0]), symbols, np.full(lead, symbols[-1])]),
                    PER_SYMBOL)  # fmt: skip
    return ramped(x, lead * PER_SYMBOL)


def p25(seconds: float, rng: np.random.Generator) -> Transmission:
    """Radios, repeaters and control channels."""
    access = int(rng.choice([0x293, rng.integers(0, 4096)]))
    edge, linear = rng.uniform(0.5e-3, 4e-3), rng.random() < 0.3
    deviation = DEVIATION * rng.uniform(0.88, 1.12)
    if rng.random() < 0.3:
        bits = [control_channel(seconds, access, rng)]
    else:
        bits = [
            call(int(over_seconds(seconds, rng) / 0.36) + 1, access, int(rng.integers(0, 4)), rng)
            for _ in range(rng.integers(1, 3))
        ]
    if linear:
        bursts = [linear_modulated(b, edge) for b in bits]
    else:
        bursts = [modulated(levels(b), SYMBOL_RATE, deviation, RAISED, edge) for b in bits]
    bandwidth = BANDWIDTH_CQPSK if linear else BANDWIDTH
    return overs(bursts, true_rate(SYMBOL_RATE, rng), bandwidth, "p25", seconds, rng)
