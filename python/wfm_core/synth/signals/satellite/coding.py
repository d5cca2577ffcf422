# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of small satellites: AX.25, AX100 (GOMspace), CCSDS with Reed-Solomon, convolutional code and randomiser."""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, convolutional, crc, nrzi, number_bits, scrambled, stuffed
from wfm_core.synth.signals.content import call_sign
from wfm_core.synth.signals.satellite.reed_solomon import ccsds

ASM = b"\x1a\xcf\xfc\x1d"
AX100 = b"\x93\x0b\x51\xde"


def randomiser() -> np.ndarray:
    """One period of x^8 + x^7 + x^5 + x^3 + 1 from all ones (CCSDS 131.0-B, 10)."""
    bits = np.ones(255, np.uint8)
    for place in range(8, 255):
        bits[place] = bits[place - 1] ^ bits[place - 3] ^ bits[place - 5] ^ bits[place - 8]
    return bits


_RANDOM = randomiser()


def randomised(data: bytes) -> np.ndarray:
    bits = bits_of(data)
    return bits ^ np.resize(_RANDOM, len(bits))


def address(call: str, last: bool) -> bytes:
    return bytes(ord(letter) << 1 for letter in call.ljust(6)[:6]) + bytes([0x60 | last])


def ax25(target: str, source: str, data: bytes) -> bytes:
    """An unnumbered frame without its check."""
    return address(target, False) + address(source, True) + b"\x03\xf0" + data


def hdlc(frame: bytes, before: int, after: int, g3ruh: bool) -> np.ndarray:
    """Flags, stuffed frame and check, flags; NRZI, and the scrambler of G3RUH (x^17 + x^12 + 1) before it goes out."""
    bits = bits_of(frame, lsb_first=True)
    check = crc(bits, 0x1021, 16, start=0xFFFF, final=0xFFFF)
    flag = bits_of(b"\x7e")
    body = stuffed(np.concatenate([bits, number_bits(check, 16)]))
    line = nrzi(np.concatenate([np.tile(flag, before), body, np.tile(flag, after)]))
    return scrambled(line, (12, 17)) if g3ruh else line


_GOLAY24 = (0x8ED, 0x1DB, 0x3B5, 0x769, 0xED1, 0xDA3, 0xB47, 0x68F, 0xD1D, 0xA3B, 0x477, 0xFFE)


def golay24(word: int) -> int:
    """12 parity bits, then the 12 bits of the word."""
    for place, mask in enumerate(_GOLAY24):
        word |= (bin(mask & word & 0xFFF).count("1") & 1) << (23 - place)
    return word


def ax100(data: bytes, preamble: int) -> np.ndarray:
    """Mode ASM and Golay: preamble, marker, length, randomised Reed-Solomon codeword (data of 223 bytes at most)."""
    word = ccsds(data)
    length = number_bits(golay24(0x600 | len(word)), 24)
    return np.concatenate([bits_of(b"\xaa" * preamble + AX100), length, randomised(word), bits_of(b"\xaa")])


def ccsds_frame(data: bytes, coded: bool) -> np.ndarray:
    """Marker and randomised codeword of 223 bytes, convolutionally coded (7, 1/2, second output inverted) or not."""
    bits = np.concatenate([bits_of(ASM), randomised(ccsds(data))])
    return rate_half(bits) if coded else bits


def rate_half(bits: np.ndarray) -> np.ndarray:
    symbols = convolutional(bits, (0o171, 0o133), 6)
    symbols[1::2] ^= 1
    return symbols


def telemetry(rng: np.random.Generator, least: int = 20, most: int = 220) -> bytes:
    """Half numbers that change little, half noise, as housekeeping data are."""
    length = int(rng.integers(least, most + 1))
    slow = np.cumsum(rng.integers(-1, 2, length // 2)) + rng.integers(256)
    return bytes((slow & 255).astype(np.uint8)) + rng.bytes(length - length // 2)


def ax25_beacon(rng: np.random.Generator) -> bytes:
    return ax25(str(rng.choice(["CQ", "BEACON", "TLM", call_sign(rng)])), call_sign(rng), telemetry(rng))
