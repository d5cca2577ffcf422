# SPDX-License-Identifier: GPL-3.0-or-later
"""Codes of APCO Project 25 phase 1 (TIA-102.BAAA, section 5 to 8)."""

from functools import cache

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc, number_bits, remainder_code

_NETWORK = 0o6331141367235453
_FIELD = [1]
for _ in range(62):
    _FIELD.append(_FIELD[-1] << 1 ^ (0x43 if _FIELD[-1] & 0x20 else 0))
_LOGARITHM = {value: power for power, value in enumerate(_FIELD)}


def network_identifier(access: int, data_unit: int) -> np.ndarray:
    """64 bits: network access code, data unit, BCH (63, 16, 23) and a last bit."""
    info = np.concatenate([number_bits(access, 12), number_bits(data_unit, 4)])
    last = np.uint8(data_unit in (0x5, 0xA))
    return np.concatenate([info, number_bits(crc(info, _NETWORK & (1 << 47) - 1, 47), 47), [last]]).astype(np.uint8)


def hamming_10_6(word: np.ndarray) -> np.ndarray:
    parity = (0b1110, 0b1101, 0b1011, 0b0111, 0b0011, 0b1100)
    sums = 0
    for bit, row in zip(word, parity, strict=True):
        sums ^= row if bit else 0
    return np.concatenate([word, number_bits(sums, 4)])


def golay_18_6(word: np.ndarray) -> np.ndarray:
    return remainder_code(word, 0x475, 11, even=True)


def cyclic_16_8(byte: int) -> np.ndarray:
    return remainder_code(number_bits(byte, 8), 0x39, 8)


def _product(a: int, b: int) -> int:
    return _FIELD[(_LOGARITHM[a] + _LOGARITHM[b]) % 63] if a and b else 0


@cache
def _generator(parity: int) -> tuple[int, ...]:
    """Coefficients of the product of (x + a^i), i from 1 to `parity`, highest power first."""
    polynomial = [1]
    for power in range(1, parity + 1):
        shifted = [*polynomial, 0]
        scaled = [0, *(_product(value, _FIELD[power]) for value in polynomial)]
        polynomial = [a ^ b for a, b in zip(shifted, scaled, strict=True)]
    return tuple(polynomial)


def reed_solomon(data: list[int], parity: int) -> list[int]:
    """Hexbits and their `parity` hexbits over GF(64): (24, 12), (24, 16) and (36, 20)."""
    generator, register = _generator(parity), [0] * parity
    for value in data:
        feedback = value ^ register[0]
        register = [
            old ^ _product(feedback, factor) for old, factor in zip([*register[1:], 0], generator[1:], strict=True)
        ]
    return [*data, *register]


def hexbits(data: bytes) -> list[int]:
    return [int("".join(map(str, word)), 2) for word in bits_of(data).reshape(-1, 6)]
