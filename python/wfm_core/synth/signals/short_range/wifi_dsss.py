# SPDX-License-Identifier: GPL-3.0-or-later
"""WiFi's DSSS and CCK bursts, 802.11b: 1, 2, 5.5 and 11 Mb/s at 11 Mchip/s (IEEE 802.11-2020, clauses 15 and 16).

Bandwidth that holds 99 % of the power: 15 MHz; band 2.4 GHz.
"""

import numpy as np
from scipy import signal as dsp

from wfm_core.synth.signals.bits import bits_of, crc, number_bits, scrambled
from wfm_core.synth.signals.keying import root_raised_cosine

CHIP_RATE = 11e6
PER_CHIP = 3
SAMPLE_RATE = CHIP_RATE * PER_CHIP
_BARKER = np.array([1, -1, 1, 1, -1, 1, 1, 1, -1, -1, -1], float)
_SIGNAL = {1: 0x0A, 2: 0x14, 5.5: 0x37, 11: 0x6E}
_DIFFERENTIAL = np.array([0, 1, 3, 2])  # quarter turns of 00, 01, 10, 11 (table 15-3)
_SFD = 0xF3A0


def header(megabits: float, length: int) -> np.ndarray:
    """48 bits: SIGNAL, SERVICE, LENGTH in microseconds, CRC (16.2.3)."""
    microseconds = int(np.ceil(length * 8 / megabits))
    # One byte too many would fit at 11 Mb/s: the length extension says so (16.2.3.5).
    extension = megabits == 11 and microseconds - length * 8 / 11 >= 8 / 11
    service = 0x04 | (0x80 if extension else 0)
    head = np.concatenate([bits_of(bytes([_SIGNAL[megabits], service]), True), number_bits(microseconds, 16, True)])
    return np.concatenate([head, number_bits(crc(head, 0x1021, 16, 0xFFFF, 0xFFFF), 16)])


def chips(psdu: bytes, megabits: float, short: bool = False) -> np.ndarray:
    """complex128: preamble, header and PSDU as chips."""
    if short and megabits == 1:
        raise ValueError("a short preamble cannot announce 1 Mb/s")
    sfd = number_bits(_SFD, 16, lsb_first=True)
    sync = [np.zeros(56, np.uint8), sfd[::-1]] if short else [np.ones(128, np.uint8), sfd]
    head, body = header(megabits, len(psdu)), bits_of(psdu, lsb_first=True)
    # The state is read from the bit that went out seven ago to the last one.
    stream = scrambled(np.concatenate([*sync, head, body]), (4, 7), 0b1101100 if short else 0b0011011)
    one = stream[: 72 if short else 192]  # what is sent at 1 Mb/s
    turns = [2 * one.astype(np.int64)]
    place = len(one)
    if short:
        turns.append(_pairs(stream[place : place + 48]))
        place += 48
    rest = stream[place:]
    if megabits == 1:
        turns.append(2 * rest.astype(np.int64))
    elif megabits == 2:
        turns.append(_pairs(rest))
    phase = np.cumsum(np.concatenate(turns))
    spread = (1j ** (phase % 4))[:, None] * _BARKER
    if megabits <= 2:
        return spread.ravel()
    return np.concatenate([spread.ravel(), cck(rest, megabits, int(phase[-1]))])


def cck(bits: np.ndarray, megabits: float, phase: int) -> np.ndarray:
    """complex128 [8 a symbol]: complementary code keying (16.3.6.4), from a phase in quarter turns."""
    words = bits.reshape(-1, 8 if megabits == 11 else 4).astype(np.int64)
    first = _DIFFERENTIAL[2 * words[:, 0] + words[:, 1]] + 2 * (np.arange(len(words)) % 2)
    p1 = phase + np.cumsum(first)
    if megabits == 11:
        p2, p3, p4 = (2 * words[:, place] + words[:, place + 1] for place in (2, 4, 6))
    else:
        p2, p3, p4 = 2 * words[:, 2] + 1, 0 * p1, 2 * words[:, 3]
    code = [p1 + p2 + p3 + p4, p1 + p3 + p4, p1 + p2 + p4, p1 + p4 + 2, p1 + p2 + p3, p1 + p3, p1 + p2 + 2, p1]
    return (1j ** (np.stack(code, 1) % 4)).ravel()


def burst(psdu: bytes, megabits: float, short: bool = False, rolloff: float = 0.5) -> np.ndarray:
    """complex64 at 33 MS/s, chips shaped within the transmit mask (16.3.7.5)."""
    taps = root_raised_cosine(CHIP_RATE, SAMPLE_RATE, rolloff, 4)
    return dsp.upfirdn(taps, chips(psdu, megabits, short), PER_CHIP).astype(np.complex64)


def _pairs(bits: np.ndarray) -> np.ndarray:
    pairs = bits.reshape(-1, 2).astype(np.int64)
    return _DIFFERENTIAL[2 * pairs[:, 0] + pairs[:, 1]]
