# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields and checks of sensor frames: nibble sums, digests by shift registers, parities. Bits come first bit first."""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, bytes_of, crc, number_bits


def fields(*pairs: tuple[int, int]) -> np.ndarray:
    """Bits of (value, width) after one another, the most significant first; negative values as two's complement."""
    return np.concatenate([number_bits(int(value) & ((1 << width) - 1), width) for value, width in pairs])


def padded(bits: np.ndarray, step: int = 8) -> np.ndarray:
    """bits with zeros up to a multiple of `step`."""
    return np.concatenate([bits, np.zeros(-len(bits) % step, np.uint8)])


def nibbles(bits: np.ndarray) -> np.ndarray:
    return padded(bits, 4).reshape(-1, 4) @ np.array([8, 4, 2, 1])


def nibble_reversed(bits: np.ndarray) -> np.ndarray:
    """Each group of four bits the other way about."""
    return bits.reshape(-1, 4)[:, ::-1].ravel()


def byte_sum(data: bytes) -> int:
    return sum(data) & 0xFF


def crc_of(data: bytes, polynomial: int, width: int = 8, start: int = 0, final: int = 0) -> int:
    return crc(bits_of(data), polynomial, width, start, final)


def digest(data: bytes, generator: int, key: int, width: int = 8) -> int:
    """Exclusive-or of a key that a Galois register of `width` bits (shifted right) rolls on, where bits are 1."""
    total = 0
    for bit in bits_of(data).tolist():
        if bit:
            total ^= key
        key = key >> 1 ^ generator if key & 1 else key >> 1
    return total


def digest_reflected(data: bytes, generator: int, key: int) -> int:
    """The same with 8 bits, from the last bit to the first, the register shifted left."""
    total = 0
    for bit in bits_of(data)[::-1].tolist():
        if bit:
            total ^= key
        key = (key << 1 ^ generator if key & 0x80 else key << 1) & 0xFF
    return total


def even_parity(value: int) -> int:
    """The bit that makes the count of ones even."""
    return bin(value).count("1") & 1


def byte_reversed(bits: np.ndarray) -> np.ndarray:
    return bits_of(bytes_of(bits), lsb_first=True)[: len(bits)] if len(bits) % 8 == 0 else _short_reversed(bits)


def _short_reversed(bits: np.ndarray) -> np.ndarray:
    whole = len(bits) // 8 * 8
    return np.concatenate([byte_reversed(bits[:whole]), bits[whole:][::-1]])
