# SPDX-License-Identifier: GPL-3.0-or-later
"""FFSK of 1200 bit/s in FM (1 is 1200 Hz, 0 is 1800 Hz): trunking control (MPT 1327) and end-of-train telemetry.

9 kHz hold 99 % of the power; MPT 1327 in 12.5 kHz channels of business radio, end-of-train devices (AAR S-5701) at
452.9375 and 457.9375 MHz.
"""

import numpy as np

from wfm_core.synth.signals.amateur.packet import FM_RATE, audio_1200, in_fm
from wfm_core.synth.signals.bits import crc, number_bits, random_bits, remainder_code
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

BANDWIDTH = 8.5e3
TRUNKING_SYNC = number_bits(0xC4D7, 16)
TRAIN_SYNC = np.array([1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 1], np.uint8)


def trunking_word(info: np.ndarray) -> np.ndarray:
    """64 bits: 48 of information, 15 of checksum whose last is inverted, and parity (MPT 1327, 3.2.3)."""
    check = number_bits(crc(info, 0x6815, 15), 15) ^ np.eye(15, dtype=np.uint8)[14]
    word = np.concatenate([info, check])
    return np.append(word, np.uint8(int(word.sum()) & 1))


def _completed(system: np.ndarray) -> np.ndarray:
    """The system code word of 15 bits of identity: its field of completion makes the check bits the sync (3.3.2.2)."""
    preamble = np.resize(np.array([1, 0], np.uint8), 16)
    units = np.eye(16, dtype=np.uint8)
    zero = trunking_word(np.zeros(48, np.uint8))[48:]
    rows = [
        trunking_word(np.concatenate([np.zeros(16, np.uint8), unit, np.zeros(16, np.uint8)]))[48:] for unit in units
    ]
    effect = np.stack(rows) ^ zero
    start = np.concatenate([np.zeros(1, np.uint8), system])
    without = trunking_word(np.concatenate([start, np.zeros(16, np.uint8), preamble]))[48:]
    completion = solved(effect.T, without ^ TRUNKING_SYNC)
    return trunking_word(np.concatenate([start, completion, preamble]))


def solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x of matrix x = right over bits, for a square matrix of full rank."""
    table = np.concatenate([matrix, right[:, None]], 1).astype(np.uint8)
    for place in range(len(table)):
        pivot = place + int(np.argmax(table[place:, place]))
        table[[place, pivot]] = table[[pivot, place]]
        others = table[:, place].astype(bool)
        others[place] = False
        table[others] ^= table[place]
    return table[:, -1]


def control_channel(slots: int, rng: np.random.Generator) -> np.ndarray:
    """Bits of a control channel: in each slot of 128 bits a system code word and an address code word."""
    system = _completed(random_bits(15, rng))
    aloha = random_bits(24, rng)
    pieces = []
    for _ in range(slots):
        body = aloha if rng.random() < 0.7 else random_bits(24, rng)
        pieces += [system, trunking_word(np.concatenate([np.ones(1, np.uint8), random_bits(23, rng), body]))]
    return np.concatenate(pieces)


def radio_message(rng: np.random.Generator) -> np.ndarray:
    """What a radio sends: preamble, sync, one address code word or some of data."""
    preamble = np.resize(np.array([1, 0], np.uint8), 2 * int(rng.integers(10, 20)))
    words = [trunking_word(random_bits(48, rng)) for _ in range(rng.integers(1, 5))]
    return np.concatenate([preamble, TRUNKING_SYNC, *words, np.ones(2, np.uint8)])


def train_block(info: np.ndarray) -> np.ndarray:
    """64 bits of a train's end: 45 of information, BCH (63, 45) and one more."""
    return np.append(remainder_code(info, 0o1701317 & (1 << 18) - 1, 18), np.uint8(1))


def train_message(rng: np.random.Generator) -> np.ndarray:
    """The block, sent two or three times, each behind its bit synchronisation and frame sync."""
    block = train_block(random_bits(45, rng))
    sync = np.resize(np.array([0, 1], np.uint8), 69)
    return np.tile(np.concatenate([sync, TRAIN_SYNC, block]), int(rng.integers(1, 4)))


def ffsk(seconds: float, rng: np.random.Generator) -> Transmission:
    """A control channel that is always on, radios' short messages, or trains."""
    kind, deviation = rng.choice(3), rng.uniform(1.4, 3.2) * 1e3
    if kind == 0:
        bits = [control_channel(int(seconds * 1200 / 128) + 2, rng)]
    elif kind == 1:
        bits = [radio_message(rng) for _ in range(rng.integers(1, 4))]
    else:
        bits = [train_message(rng) for _ in range(rng.integers(1, 4))]
    lead = rng.uniform(0.004, 0.12)
    bursts = [in_fm(audio_1200(b, FM_RATE, 1200.0, 1800.0), FM_RATE, deviation, lead, rng.uniform(0.004, 0.05))
              for b in bits]  # fmt: skip
    gaps = [round(rng.uniform(0.1, 2) * FM_RATE) for _ in bursts]
    rate = FM_RATE * (1 + rng.uniform(-20e-6, 20e-6))
    return transmission(on_air(bursts, gaps, round(seconds * rate), rng), rate, BANDWIDTH, "ffsk1200")
