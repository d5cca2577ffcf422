# SPDX-License-Identifier: GPL-3.0-or-later
"""GSM (3GPP TS 45.001 to 45.004): downlink carriers with and without the control channel, and uplink bursts.

270.833 kbit/s GMSK, BT 0.3; 200 kHz channels of 900 and 1800 MHz. Bursts of 148 bits in slots of 156.25; the control
carrier repeats 51 frames of frequency correction, synchronisation, broadcast and common channels, and sends on all
slots. Synchronisation bursts are coded; what else is said is random.
"""

import numpy as np

from wfm_core.synth.signals.bits import convolutional, crc, number_bits, random_bits
from wfm_core.synth.signals.keying import frequency_modulated, gaussian, ramped
from wfm_core.synth.signals.transmission import Transmission, part, transmission

SYMBOL_RATE = 1625e3 / 6
PER_SYMBOL = 2
SAMPLE_RATE = PER_SYMBOL * SYMBOL_RATE
BANDWIDTH = 250e3
SLOT = 156.25
"""Bits a slot lasts."""
SYNCHRONISATION = "1011100101100010000001000000111100101101010001010111011000011011"
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


def _bits(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8) - ord("0")


def normal_burst(code: int, rng: np.random.Generator) -> np.ndarray:
    """148 bits: tails, two data fields of 57 with their stealing flags, training sequence `code`."""
    data = random_bits(116, rng)
    data[57:59] = 0
    return np.concatenate([np.zeros(3, np.uint8), data[:58], _bits(TRAINING[code]), data[58:], np.zeros(3, np.uint8)])


def synchronisation_burst(identity: int, frame: int) -> np.ndarray:
    """148 bits with base station identity code and reduced frame number, coded (TS 45.003 4.7)."""
    superframe, mod26, mod51 = frame // (26 * 51), frame % 26, frame % 51
    number = number_bits(identity, 6)
    info = np.concatenate(
        [number[::-1], number_bits(superframe, 11)[::-1], number_bits(mod26, 5)[::-1],
         number_bits(max(mod51 - 1, 0) // 10, 3)[::-1]]
    )[:25]  # fmt: skip
    parity = number_bits(crc(info, 0b0101110101, 10, final=0x3FF), 10)
    coded = convolutional(np.concatenate([info, parity, np.zeros(4, np.uint8)]), (0b11001, 0b11011), 4)
    ends = np.zeros(3, np.uint8)
    return np.concatenate([ends, coded[:39], _bits(SYNCHRONISATION), coded[39:], ends])


def dummy_burst() -> np.ndarray:
    ends = np.zeros(3, np.uint8)
    return np.concatenate([ends, _bits(DUMMY), ends])


def gmsk(bits: np.ndarray, last: int = 1) -> np.ndarray:
    """float64: frequency (Hz) at PER_SYMBOL samples a bit of differentially coded bits (TS 45.004 2.3), unfiltered."""
    coded = np.asarray(bits, np.int8) ^ np.concatenate([[last], bits[:-1]]).astype(np.int8)
    return np.repeat(1.0 - 2.0 * coded, PER_SYMBOL) * (SYMBOL_RATE / 4)


def gsm_control(seconds: float, rng: np.random.Generator) -> Transmission:
    """The carrier of a cell's broadcast channel: on without a pause, all slots at one power."""
    code, identity, first = int(rng.integers(8)), int(rng.integers(64)), int(rng.integers(2715648))
    frames = int(seconds * SYMBOL_RATE / (8 * SLOT)) + 2
    busy = rng.random(8) < rng.uniform(0.0, 0.9)
    pieces = []
    for frame in range(first, first + frames):
        for slot in range(8):
            bits = _control_slot(frame % 51, frame, code, identity, rng) if slot == 0 else None
            if bits is None:
                bits = normal_burst(code, rng) if busy[slot] else dummy_burst()
            pieces += [bits, np.ones(8 + (slot % 4 == 0), np.uint8)]
    frequency = gaussian(gmsk(np.concatenate(pieces)), 0.3 * SYMBOL_RATE, SAMPLE_RATE)
    sent = frequency_modulated(frequency, SAMPLE_RATE, rng.random())
    start = int(rng.integers(0, int(8 * SLOT * PER_SYMBOL)))
    count = round(seconds * SAMPLE_RATE)
    return transmission(sent[start : start + count], SAMPLE_RATE, BANDWIDTH, "gsm")


def _control_slot(place: int, frame: int, code: int, identity: int, rng: np.random.Generator) -> np.ndarray | None:
    """Slot 0 of frame `place` of 51 (TS 45.002, table 3 of clause 7): None where nothing but a dummy is due."""
    if place % 10 == 0 and place < 50:
        return np.zeros(148, np.uint8)
    if place % 10 == 1 and place < 50:
        return synchronisation_burst(identity, frame)
    if place == 50:
        return None
    return normal_burst(code, rng) if 2 <= place <= 5 or rng.random() < 0.6 else None


def gsm_traffic(seconds: float, rng: np.random.Generator) -> Transmission:
    """A carrier of traffic channels: some of the eight slots are on, each at its own power."""
    return _slots(seconds, rng, rng.random(8) < rng.uniform(0.2, 0.9), 10 ** (rng.uniform(-12, 0, 8) / 20))


def gsm_uplink(seconds: float, rng: np.random.Generator) -> Transmission:
    """One mobile: a burst a frame, now and then silent."""
    on = np.zeros(8, bool)
    on[rng.integers(8)] = True
    return _slots(seconds, rng, on, np.ones(8))


def _slots(seconds: float, rng: np.random.Generator, on: np.ndarray, levels: np.ndarray) -> Transmission:
    if not on.any():
        on[rng.integers(8)] = True
    code = int(rng.integers(8))
    eight = rng.random() < 0.15
    count = round(seconds * SAMPLE_RATE)
    total = count + int(16 * SLOT * PER_SYMBOL)
    sent = np.zeros(total, np.complex64)
    for number in range(int(total / (SLOT * PER_SYMBOL))):
        slot = number % 8
        silent = number >= 16 and ((number // 8) % 26 == 25 or rng.random() < 0.05)
        if not on[slot] or silent:
            continue
        burst = _edge(rng) if eight else _burst(normal_burst(code, rng), rng)
        start = round(number * SLOT * PER_SYMBOL)
        room = min(len(burst), total - start)
        sent[start : start + room] = levels[slot] * burst[:room]
    return transmission(part(sent, count, rng), SAMPLE_RATE, BANDWIDTH, "gsm-traffic")


def _burst(bits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    around = np.concatenate([np.ones(4, np.uint8), bits, np.ones(4, np.uint8)])
    sent = frequency_modulated(gaussian(gmsk(around), 0.3 * SYMBOL_RATE, SAMPLE_RATE), SAMPLE_RATE, rng.random())
    return ramped(sent, 4 * PER_SYMBOL)


def _edge(rng: np.random.Generator) -> np.ndarray:
    """A burst of EDGE: 8PSK turned by 3 pi / 8 a symbol, linearised GMSK pulse (TS 45.004 3)."""
    symbols = np.exp(2j * np.pi * (rng.integers(0, 8, 148) / 8 + np.arange(148) * 3 / 16))
    dense = np.zeros(156 * PER_SYMBOL, complex)
    dense[4 * PER_SYMBOL : 152 * PER_SYMBOL : PER_SYMBOL] = symbols
    t = np.arange(-5 * PER_SYMBOL, 5 * PER_SYMBOL + 1) / PER_SYMBOL
    pulse = np.exp(-((t / 0.93) ** 2))
    return ramped(np.convolve(dense, pulse, "same"), 2 * PER_SYMBOL)
