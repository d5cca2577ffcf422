# SPDX-License-Identifier: GPL-3.0-or-later
"""Reed-Solomon codes over GF(256): the code of CCSDS 131.0-B (conventional basis), and that of Vaisala's RS41."""

from functools import lru_cache

import numpy as np


@lru_cache
def tables(polynomial: int) -> tuple[np.ndarray, np.ndarray]:
    """Powers of alpha (twice over) and logarithms."""
    exponents, logarithms, value = np.zeros(510, np.int64), np.zeros(256, np.int64), 1
    for power in range(255):
        exponents[power] = exponents[power + 255] = value
        logarithms[value] = power
        value = value << 1 ^ (polynomial if value & 0x80 else 0)
    return exponents, logarithms


@lru_cache
def generator(parities: int, polynomial: int, first: int, step: int) -> np.ndarray:
    """Coefficients of the product of (x - alpha^(step (first + i))), the highest power first."""
    exponents, logarithms = tables(polynomial)
    product = np.array([1], np.int64)
    for root in range(parities):
        shift = step * (first + root) % 255
        scaled = np.where(product > 0, exponents[(logarithms[product] + shift) % 255], 0)
        product = np.append(product, 0) ^ np.concatenate([[0], scaled])
    return product


def parity(data: bytes, parities: int, polynomial: int, first: int, step: int) -> bytes:
    """Check bytes of `data`, whose first byte has the highest power."""
    exponents, logarithms = tables(polynomial)
    taps = generator(parities, polynomial, first, step)[1:]
    logs = logarithms[taps]
    register = np.zeros(parities, np.int64)
    for byte in data:
        feedback = int(byte ^ register[0])
        register = np.append(register[1:], 0)
        if feedback:
            register ^= np.where(taps > 0, exponents[(logs + logarithms[feedback]) % 255], 0)
    return bytes(register.astype(np.uint8))


def ccsds(data: bytes) -> bytes:
    """data (223 bytes or fewer) and its 32 check bytes: roots 112 to 143 of alpha^11, x^8 + x^7 + x^2 + x + 1."""
    return data + parity(data, 32, 0x187, 112, 11)
