# SPDX-License-Identifier: GPL-3.0-or-later
"""TETRA voice plus data (ETSI EN 300 392-2): base stations and mobile stations.

pi/4-DQPSK of 18000 symbols/s, root raised cosine 0.35: 21 kHz hold 99 % of the power, 25 kHz channels of 380 to 430
MHz. Slots of 255 symbols, four a frame, 18 frames a multiframe. Training sequences, frequency correction and phase
adjustment are the standard's; the blocks are scrambled so that all words are likely, and random here.
"""

import numpy as np

from wfm_core.synth.signals.bits import random_bits
from wfm_core.synth.signals.keying import linear, ramped
from wfm_core.synth.signals.transmission import Transmission
from wfm_core.synth.signals.voice.four_level import over_seconds, overs, true_rate

SYMBOL_RATE = 18e3
PER_SYMBOL = 4
BANDWIDTH = 21e3


def _bits(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8) - ord("0")


NORMAL_1 = _bits("1101000011101001110100")
NORMAL_2 = _bits("0111101001000011011110")
NORMAL_3 = _bits("1011011100000110101101")
EXTENDED = _bits("100111010000111010011101000011")
SYNCHRONISATION = _bits("11000001100111001110100111000001100111")
TAIL = _bits("1100")
FREQUENCY_CORRECTION = np.concatenate([np.ones(8), np.zeros(64), np.ones(8)]).astype(np.uint8)
"""Sequences of 9.4.4.3."""
_TURN = np.array([1, 3, -1, -3]) * np.pi / 4
"""Of dibits 00, 01, 10, 11 (5.5.2.3)."""


def turns(bits: np.ndarray) -> np.ndarray:
    """Steps of phase, one for two bits."""
    pairs = bits.reshape(-1, 2)
    return _TURN[2 * pairs[:, 0] + pairs[:, 1]]


def _adjusted(bits: np.ndarray, place: int, first: int, last: int) -> np.ndarray:
    """`bits` with the two at `place` chosen so that the steps of symbols first to last turn to a multiple of 2 pi
    together (9.4.4.3.6)."""
    bits[place : place + 2] = 0
    others = np.round(turns(bits)[first:last].sum() * 4 / np.pi) - 1
    step = (-others + 3) % 8 - 3
    bits[place : place + 2] = {1: (0, 0), 3: (0, 1), -1: (1, 0), -3: (1, 1)}[int(step)]
    return bits


def normal_downlink(split: bool, rng: np.random.Generator) -> np.ndarray:
    """510 bits of a slot of traffic or signalling; split: two logical channels in it."""
    training = NORMAL_2 if split else NORMAL_1
    block = random_bits(216 + 30 + 216, rng)
    adjust = np.zeros(2, np.uint8)
    bits = np.concatenate(
        [NORMAL_3[10:], adjust, block[:230], training, block[230:], adjust, NORMAL_3[:10]]
    )  # fmt: skip
    return _adjusted(_adjusted(bits, 12, 6, 122), 498, 122, 250)


def synchronisation_downlink(block: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """510 bits of a slot that begins with frequency correction and `block`, the 120 bits of the broadcast."""
    adjust = np.zeros(2, np.uint8)
    bits = np.concatenate(
        [NORMAL_3[10:], adjust, FREQUENCY_CORRECTION, block, SYNCHRONISATION, random_bits(246, rng), adjust,
         NORMAL_3[:10]]
    )  # fmt: skip
    return _adjusted(_adjusted(bits, 12, 6, 108), 498, 108, 250)


def normal_uplink(rng: np.random.Generator) -> np.ndarray:
    """462 bits between the guard periods."""
    training = NORMAL_2 if rng.random() < 0.1 else NORMAL_1
    return np.concatenate([TAIL, random_bits(216, rng), training, random_bits(216, rng), TAIL])


def control_uplink(rng: np.random.Generator) -> np.ndarray:
    """206 bits of a half slot: access."""
    return np.concatenate([TAIL, random_bits(84, rng), EXTENDED, random_bits(84, rng), TAIL])


def modulated(bits: np.ndarray) -> np.ndarray:
    phases = np.concatenate([[0.0], np.cumsum(turns(bits))])
    return linear(np.exp(1j * phases), SYMBOL_RATE, PER_SYMBOL * SYMBOL_RATE, 0.35, 6)


def base_bits(slots: int, busy: float, rng: np.random.Generator) -> np.ndarray:
    """A continuous downlink: the first slot signals, the last frame of 18 and idle slots synchronise now and then."""
    broadcast = random_bits(120, rng)
    place, pieces = int(rng.integers(0, 72)), []
    talking = rng.random(4) < busy
    for slot in range(place, place + slots):
        frame, number = slot // 4 % 18, slot % 4
        if (frame == 17 and number == slot // 72 % 4) or (not talking[number] and rng.random() < 0.3):
            pieces.append(synchronisation_downlink(broadcast, rng))
        else:
            pieces.append(normal_downlink(frame == 17 or (not talking[number] and rng.random() < 0.5), rng))
    return np.concatenate(pieces)


def tetra(seconds: float, rng: np.random.Generator) -> Transmission:
    """A base station (most), or mobile stations in their slots."""
    rate, slot_seconds = true_rate(SYMBOL_RATE, rng, PER_SYMBOL), 255 / SYMBOL_RATE
    if rng.random() < 0.65:
        line = modulated(base_bits(int(seconds / slot_seconds) + 3, rng.random(), rng))
        return overs([line], rate, BANDWIDTH, "tetra", seconds, rng)
    bursts = []
    slot = 255 * PER_SYMBOL
    for _ in range(rng.integers(1, 3)):
        frames = int(over_seconds(seconds, rng) / (4 * slot_seconds)) + 1
        line = np.zeros((4 * frames + 1) * slot, np.complex128)
        access = rng.random() < 0.3
        for frame in range(frames):
            if frame % 18 == 17 and not access:
                continue
            burst = ramped(modulated(control_uplink(rng) if access and frame == 0 else normal_uplink(rng)), 24)
            start = 4 * frame * slot
            line[start : start + len(burst)] = burst * np.exp(2j * np.pi * rng.random())
        bursts.append(line)
    return overs(bursts, rate, BANDWIDTH, "tetra", seconds, rng)
