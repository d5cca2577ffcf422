# SPDX-License-Identifier: GPL-3.0-or-later
"""Bits of frames: bytes to bits, checksums, line codes, scramblers. Bits are uint8 arrays of 0 and 1."""

import numpy as np


def random_bits(count: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 2, count, dtype=np.uint8)


def bits_of(data: bytes, lsb_first: bool = False) -> np.ndarray:
    return np.unpackbits(np.frombuffer(bytes(data), np.uint8), bitorder="little" if lsb_first else "big")


def number_bits(value: int, count: int, lsb_first: bool = False) -> np.ndarray:
    """The lowest `count` bits of a number."""
    bits = np.array([value >> place & 1 for place in range(count)], np.uint8)
    return bits if lsb_first else bits[::-1]


def bits_to_number(bits: np.ndarray) -> int:
    """The number of bits whose most significant one comes first."""
    return int("".join(map(str, np.asarray(bits, np.uint8))) or "0", 2)


def bytes_of(bits: np.ndarray, lsb_first: bool = False) -> bytes:
    return np.packbits(bits, bitorder="little" if lsb_first else "big").tobytes()


def crc(bits: np.ndarray, polynomial: int, width: int, start: int = 0, final: int = 0) -> int:
    """Remainder of `bits` in transmission order, by a polynomial without its highest term (Peterson and Brown 1961)."""
    register, top, mask = start, 1 << (width - 1), (1 << width) - 1
    for bit in np.asarray(bits, np.uint8).tolist():
        register ^= bit << (width - 1)
        register = (register << 1 ^ polynomial if register & top else register << 1) & mask
    return register ^ final


def crc_x25(data: bytes) -> bytes:
    """CRC-16 of HDLC (ISO/IEC 13239), low byte first, whose bits go out least significant first as the data's do."""
    value = crc(bits_of(data, lsb_first=True), 0x1021, 16, 0xFFFF, 0xFFFF)
    return int(f"{value:016b}"[::-1], 2).to_bytes(2, "little")


def remainder_code(bits: np.ndarray, polynomial: int, width: int, even: bool = False) -> np.ndarray:
    """Systematic cyclic code word: bits, their remainder of `width` bits and, if `even`, a bit that makes it even."""
    word = np.concatenate([bits, number_bits(crc(bits, polynomial, width), width)])
    return np.append(word, np.uint8(int(word.sum()) & 1)) if even else word


def nrzi(bits: np.ndarray, one_changes: bool = False, start: int = 0) -> np.ndarray:
    """The level changes at each 0 (HDLC), or at each 1."""
    changes = bits if one_changes else 1 - bits
    return ((start + np.cumsum(changes)) & 1).astype(np.uint8)


def stuffed(bits: np.ndarray) -> np.ndarray:
    """HDLC (ISO/IEC 13239, 4.3.1): a 0 behind each five 1 in a row."""
    out, run = [], 0
    for bit in bits.tolist():
        out.append(bit)
        run = run + 1 if bit else 0
        if run == 5:
            out.append(0)
            run = 0
    return np.array(out, np.uint8)


def manchester(bits: np.ndarray, one: tuple[int, int] = (1, 0)) -> np.ndarray:
    """Two half bits each: `one` for a 1, its opposite for a 0."""
    table = np.array([[1 - one[0], 1 - one[1]], one], np.uint8)
    return table[bits].ravel()


def scrambled(bits: np.ndarray, taps: tuple[int, ...], state: int = 0) -> np.ndarray:
    """Self-synchronising scrambler: each bit out is the bit in, exclusive-or the bits that went out `taps` ago."""
    out = np.zeros(len(bits) + max(taps), np.uint8)
    out[: max(taps)] = number_bits(state, max(taps))
    for place, bit in enumerate(bits.tolist(), start=max(taps)):
        for tap in taps:
            bit ^= out[place - tap]
        out[place] = bit
    return out[max(taps) :]


def shift_register(taps: tuple[int, ...], length: int, count: int, state: int) -> np.ndarray:
    """`count` bits of a Fibonacci register of `length` stages: out of the last stage, in the sum of stages `taps`."""
    stages = list(number_bits(state, length))
    out = np.zeros(count, np.uint8)
    for place in range(count):
        out[place] = stages[-1]
        new = 0
        for tap in taps:
            new ^= int(stages[tap - 1])
        stages = [new, *stages[:-1]]
    return out


def convolutional(bits: np.ndarray, generators: tuple[int, ...], memory: int) -> np.ndarray:
    """Rate 1/n code: for each bit in, a bit by each generator (its highest bit meets the newest bit in)."""
    padded = np.concatenate([np.zeros(memory, np.uint8), bits])
    outs = []
    for generator in generators:
        sum_ = np.zeros(len(bits), np.uint8)
        for delay in range(memory + 1):
            if generator >> (memory - delay) & 1:
                sum_ ^= padded[memory - delay : memory - delay + len(bits)]
        outs.append(sum_)
    return np.stack(outs, 1).ravel()
