# SPDX-License-Identifier: GPL-3.0-or-later
"""From packets of a transport stream to cells of DVB-T (ETSI EN 300 744 V1.6.2, clauses 4.3.1 to 4.3.5)."""

from functools import lru_cache

import numpy as np

from wfm_core.synth.signals.bits import convolutional, shift_register
from wfm_core.synth.signals.satellite.reed_solomon import generator, tables

PACKET = 188
CODED = 204
KEPT = {
    "1/2": "11", "2/3": "1101", "3/4": "110110", "5/6": "1101100110", "7/8": "11010101100110",
}  # fmt: skip
"""Of the pairs X1 Y1 X2 Y2 ... of the mother code, what is sent (table 3)."""
LEVELS = {1: (1, -1), 2: (3, 1, -3, -1), 3: (7, 5, 1, 3, -7, -5, -1, -3)}
"""Amplitude by the bits of one axis, of which the first is the sign (figure 9a)."""
_TURNS = (0, 63, 105, 42, 21, 84)
_WIRES = {
    2048: (4, 3, 9, 6, 2, 8, 1, 5, 7, 0),
    8192: (7, 1, 4, 2, 9, 6, 8, 10, 0, 3, 11, 5),
}
"""Where bits 0, 1, ... of R' go in R (table 4)."""
_FEEDBACK = {2048: (0, 3), 8192: (0, 1, 4, 6)}


@lru_cache
def dispersal() -> np.ndarray:
    """uint8 [8, 188]: what eight packets are exclusive-ored with; the first one's sync byte is inverted."""
    # what enters the first of 15 stages is sent, not what leaves the last one
    bits = shift_register((14, 15), 15, 15 + 8 * (8 * PACKET - 1), 0b100101010000000)[15:]
    mask = np.concatenate([[0xFF], np.packbits(bits)]).reshape(8, PACKET).astype(np.uint8)
    mask[1:, 0] = 0
    return mask


def protected(packets: np.ndarray) -> np.ndarray:
    """uint8 [n, 204]: packets [n, 188] with the 16 check bytes of the Reed-Solomon code of 0x11D, roots 0 to 15."""
    exponents, logarithms = tables(0x11D)
    taps = logarithms[generator(16, 0x11D, 0, 1)[1:]]
    register = np.zeros((len(packets), 16), np.int64)
    for column in packets.T:
        feedback = column ^ register[:, 0]
        register = np.concatenate([register[:, 1:], np.zeros((len(packets), 1), np.int64)], 1)
        product = exponents[taps[None, :] + logarithms[feedback][:, None]]
        register ^= np.where(feedback[:, None] > 0, product, 0)
    return np.concatenate([packets, register.astype(np.uint8)], 1)


def outer(packets: np.ndarray) -> np.ndarray:
    """uint8 [n * 204]: dispersed, protected and interleaved over twelve packets; n must be a multiple of eight."""
    mixed = (packets.reshape(-1, 8, PACKET) ^ dispersal()).reshape(-1, PACKET)
    line = protected(mixed).ravel()
    place = np.arange(len(line))
    source = place - 17 * 12 * (place % 12)
    return np.where(source >= 0, line[np.maximum(source, 0)], 0).astype(np.uint8)


def inner(line: np.ndarray, rate: str) -> np.ndarray:
    """Bits of the punctured convolutional code 171, 133."""
    coded = convolutional(np.unpackbits(line), (0o171, 0o133), 6)
    kept = np.frombuffer(KEPT[rate].encode(), np.uint8) == ord("1")
    return coded[np.resize(kept, len(coded))]


@lru_cache
def permutation(size: int) -> np.ndarray:
    """H of the symbol interleaver (clause 4.3.4.2) for 1512 or 6048 cells."""
    wires, stages = _WIRES[size], size.bit_length() - 2
    most = 1512 if size == 2048 else 6048
    state, out = 0, []
    for number in range(size):
        if number == 2:
            state = 1
        elif number > 2:
            new = 0
            for tap in _FEEDBACK[size]:
                new ^= state >> tap & 1
            state = state >> 1 | new << (stages - 1)
        value = number % 2 << stages | sum((state >> bit & 1) << wire for bit, wire in enumerate(wires))
        if value < most:
            out.append(value)
    return np.array(out)


def cells(bits: np.ndarray, axis_bits: int, size: int, first: int) -> np.ndarray:
    """complex128 [symbols, 1512 or 6048] of whole symbols, the first of which is number `first` of its frame.

    axis_bits: 1 for QPSK, 2 for 16QAM, 3 for 64QAM. Mean power 1.
    """
    per_cell, order = 2 * axis_bits, permutation(size)
    symbols = len(bits) // (per_cell * len(order))
    bits = bits[: symbols * per_cell * len(order)].reshape(symbols, -1, 126, per_cell)
    streams = np.empty_like(bits)
    for place in range(per_cell):
        stream = place // 2 if place % 2 == 0 else axis_bits + place // 2
        # the demultiplexer gives inputs 0, 1, 2 to streams 0, 2, 4 and the rest to 1, 3, 5
        streams[..., place] = bits[..., (np.arange(126) + _TURNS[place]) % 126, stream]
    words = streams.reshape(symbols, len(order), per_cell)
    turned = np.empty_like(words)
    even = (first + np.arange(symbols)) % 2 == 0
    turned[np.ix_(even, order)] = words[even]
    turned[~even] = words[~even][:, order]
    weights = 1 << np.arange(axis_bits)[::-1]
    levels = np.array(LEVELS[axis_bits]) / np.sqrt(2 * (4**axis_bits - 1) / 3)
    return levels[turned[..., ::2] @ weights] + 1j * levels[turned[..., 1::2] @ weights]
