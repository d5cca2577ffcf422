# SPDX-License-Identifier: GPL-3.0-or-later
"""Codes of DMR (ETSI TS 102 361-1, annex B). Bits are uint8 arrays, most significant bit of a field first."""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc, number_bits, remainder_code

_FIELD = [1]
for _ in range(254):
    _FIELD.append(_FIELD[-1] << 1 ^ (0x11D if _FIELD[-1] & 0x80 else 0))
_LOGARITHM = {value: power for power, value in enumerate(_FIELD)}


def golay_20_8(bits: np.ndarray) -> np.ndarray:
    return remainder_code(bits, 0x475, 11, even=True)


def quadratic_residue_16_7(bits: np.ndarray) -> np.ndarray:
    return remainder_code(bits, 0x39, 8, even=True)


def hamming_7_4(bits: np.ndarray) -> np.ndarray:
    return remainder_code(bits, 0b011, 3)


def _checks(*rows: tuple[int, ...]):
    def code(bits: np.ndarray) -> np.ndarray:
        """Rows of bits and, behind each, the sums of those bits that the code's rows name."""
        sums = [np.bitwise_xor.reduce(bits[..., list(row)], axis=-1) for row in rows]
        return np.concatenate([bits, np.stack(sums, -1)], -1)

    return code


_ROW_11 = ((0, 1, 2, 3, 5, 7, 8), (1, 2, 3, 4, 6, 8, 9), (2, 3, 4, 5, 7, 9, 10), (0, 1, 2, 4, 6, 7, 10))
hamming_15_11 = _checks(*_ROW_11)
hamming_16_11 = _checks(*_ROW_11, (0, 2, 5, 6, 8, 9, 10))
hamming_13_9 = _checks((0, 1, 3, 5, 6), (0, 1, 2, 4, 6, 7), (0, 1, 2, 3, 5, 7, 8), (0, 2, 4, 5, 8))
hamming_17_12 = _checks(
    (0, 1, 2, 3, 6, 7, 9), (0, 1, 2, 3, 4, 7, 8, 10), (1, 2, 3, 4, 5, 8, 9, 11), (0, 1, 4, 5, 7, 10),
    (0, 1, 2, 5, 6, 8, 11),
)  # fmt: skip


def block_product(info: np.ndarray) -> np.ndarray:
    """BPTC (196, 96), interleaved (B.1.1): 96 bits to 196."""
    rows = np.concatenate([np.zeros(3, np.uint8), info]).reshape(9, 11)
    rows = hamming_15_11(rows)
    matrix = hamming_13_9(rows.T).T
    word = np.concatenate([np.zeros(1, np.uint8), matrix.ravel()])
    out = np.zeros(196, np.uint8)
    out[np.arange(196) * 181 % 196] = word
    return out


def reed_solomon_12_9(data: bytes, mask: int) -> bytes:
    """Nine bytes and their three of parity, exclusive-or `mask` (B.3.6)."""

    def product(a: int, b: int) -> int:
        return _FIELD[(_LOGARITHM[a] + _LOGARITHM[b]) % 255] if a and b else 0

    parity = [0, 0, 0]
    for value in data:
        feedback = value ^ parity[0]
        parity = [
            parity[1] ^ product(feedback, 14),
            parity[2] ^ product(feedback, 56),
            product(feedback, 64),
        ]
    return data + bytes(value ^ mask for value in parity)


def checked_block(data: bytes, mask: int) -> bytes:
    """Ten bytes and their inverted CRC-CCITT, exclusive-or `mask` (B.3.12)."""
    value = crc(bits_of(data), 0x1021, 16, final=0xFFFF) ^ mask
    return data + value.to_bytes(2, "big")


def embedded_link_control(control: bytes) -> np.ndarray:
    """Variable length BPTC of nine bytes (B.2.1): the 4 times 32 bits of bursts B to E."""
    bits = bits_of(control)
    check = number_bits(sum(control) % 31, 5)
    rows = [bits[:11], bits[11:22]]
    rows += [np.append(bits[22 + 10 * n : 32 + 10 * n], check[n]) for n in range(5)]
    matrix = hamming_16_11(np.stack(rows))
    matrix = np.concatenate([matrix, np.bitwise_xor.reduce(matrix, 0, keepdims=True)])
    return matrix.T.reshape(4, 32)


def short_link_control(bits: np.ndarray) -> np.ndarray:
    """28 bits with CRC-8, in BPTC (68, 36) (B.2.3): the 4 times 17 bits of the common announcement channel."""
    rows = np.concatenate([bits, number_bits(crc(bits, 0x07, 8), 8)]).reshape(3, 12)
    matrix = hamming_17_12(rows)
    matrix = np.concatenate([matrix, np.bitwise_xor.reduce(matrix, 0, keepdims=True)])
    return matrix.T.reshape(4, 17)
