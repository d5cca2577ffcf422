# SPDX-License-Identifier: GPL-3.0-or-later
"""Bursts of GSM (3GPP TS 45.002 clause 5.2) and the coding of its control channels (TS 45.003 clauses 4.1 and 4.7)."""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, convolutional, crc, number_bits, random_bits

SYNCHRONISATION = "1011100101100010000001000000111100101101010001010111011000011011"
"""The extended training sequence of synchronisation bursts (TS 45.002 5.2.5)."""
TRAINING = (
    "00100101110000100010010111", "00101101110111100010110111", "01000011101110100100001110",
    "01000111101101000100011110", "00011010111001000001101011", "01001110101100000100111010",
    "10100111110110001010011111", "11101111000100101110111100",
)  # fmt: skip
"""Of normal bursts (TS 45.002 5.2.3)."""
DUMMY = (
    "111110110111011000001010010011100000100100010000000111110001110001011100010111000101"
    "0111010010100011001100111001111010011111000100101111101010"
)
"""The mixed bits of dummy bursts (TS 45.002 5.2.6)."""
BURST = 148
_CODE = (0b10011, 0b11011)
"""1 + D^3 + D^4 and 1 + D + D^3 + D^4."""
_FIRE = 1 << 26 | 1 << 23 | 1 << 17 | 1 << 3 | 1
"""(D^23 + 1)(D^17 + D^3 + 1) without D^40."""
_SPREAD = np.arange(456)
_PLACE = 2 * (49 * _SPREAD % 57) + _SPREAD % 8 // 4


def _bits(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8) - ord("0")


def _framed(middle: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(3, np.uint8), middle, np.zeros(3, np.uint8)])


def normal_burst(code: int, data: np.ndarray) -> np.ndarray:
    """148 bits: tails, 116 of data (57, two stealing flags, 57) around training sequence `code`."""
    return _framed(np.concatenate([data[:58], _bits(TRAINING[code]), data[58:]]))


def traffic_burst(code: int, rng: np.random.Generator) -> np.ndarray:
    """A normal burst of random bits that are not stolen."""
    data = random_bits(116, rng)
    data[57:59] = 0
    return normal_burst(code, data)


def frequency_burst() -> np.ndarray:
    return np.zeros(BURST, np.uint8)


def dummy_burst() -> np.ndarray:
    return _framed(_bits(DUMMY))


def synchronisation_information(identity: int, frame: int) -> np.ndarray:
    """25 bits, octets with their least significant bit first (TS 44.018 9.1.30): identity code and frame number.

    identity: base station identity code, 0 to 63. frame: number within the hyperframe whose place in 51 is 1, 11, 21,
    31 or 41.
    """
    superframe, in_26, in_51 = frame // (26 * 51), frame % 26, (frame % 51 - 1) // 10
    octets = (
        identity << 2 | superframe >> 9,
        superframe >> 1 & 0xFF,
        (superframe & 1) << 7 | in_26 << 2 | in_51 >> 1,
        in_51 & 1,
    )
    return bits_of(bytes(octets), lsb_first=True)[:25]


def synchronisation_burst(identity: int, frame: int) -> np.ndarray:
    """148 bits: 78 coded ones around the long training sequence (TS 45.003 4.7)."""
    info = synchronisation_information(identity, frame)
    parity = number_bits(crc(info, 0x175, 10, final=0x3FF), 10)
    coded = convolutional(np.concatenate([info, parity, np.zeros(4, np.uint8)]), _CODE, 4)
    return _framed(np.concatenate([coded[:39], _bits(SYNCHRONISATION), coded[39:]]))


def control_block(message: bytes, code: int) -> list[np.ndarray]:
    """Four normal bursts that carry the 23 octets of one message of a control channel (TS 45.003 4.1)."""
    info = bits_of(message, lsb_first=True)
    parity = number_bits(crc(info, _FIRE, 40, final=(1 << 40) - 1), 40)
    coded = convolutional(np.concatenate([info, parity, np.zeros(4, np.uint8)]), _CODE, 4)
    interleaved = np.zeros((4, 114), np.uint8)
    interleaved[_SPREAD % 4, _PLACE] = coded
    flags = np.ones(2, np.uint8)  # signalling, not speech
    return [normal_burst(code, np.concatenate([half[:57], flags, half[57:]])) for half in interleaved]
