# SPDX-License-Identifier: GPL-3.0-or-later
"""UMTS FDD downlink (3GPP TS 25.211 clause 5.3, 25.213 clause 5): 3.84 Mchip/s, 5 MHz channels of 900, 2100 MHz.

Pilot, broadcast carrier, both synchronisation channels and users of several spreading factors under one primary
scrambling code. Bits of broadcast and users are random.
"""

import numpy as np

from wfm_core.synth.signals.cellular import wcdma_codes as codes
from wfm_core.synth.signals.keying import linear
from wfm_core.synth.signals.transmission import Transmission, part, transmission

CHIP_RATE = 3.84e6
SAMPLE_RATE = 2 * CHIP_RATE
SYNCHRONISED = 256
"""Chips at the begin of each slot in which synchronisation is sent and broadcast is not."""


def _symbols(count: int, rng: np.random.Generator) -> np.ndarray:
    return np.exp(1j * np.pi * (rng.integers(0, 4, count) / 2 + 0.25))


def spread(symbols: np.ndarray, factor: int, number: int) -> np.ndarray:
    """complex128 [len(symbols) * factor]: symbols times channelisation code `number`."""
    return (symbols[:, None] * codes.channelisation(factor)[number]).ravel()


def cell(primary: int, slots: int, first: int, rng: np.random.Generator) -> np.ndarray:
    """complex128 [slots * 2560]: chips of the cell with primary scrambling code 0 to 511, from slot `first` (0 to 14)
    of a frame on."""
    chips = slots * codes.SLOT
    shape = (slots, codes.SLOT)
    pilot = np.full(chips, np.sqrt(0.1) * (1 + 1j) / np.sqrt(2))
    broadcast = spread(_symbols(chips // 256, rng), 256, 1).reshape(shape)
    broadcast[:, :SYNCHRONISED] = 0
    total = pilot + np.sqrt(0.05) * broadcast.ravel()
    for branch, factor in enumerate((256, 128, 64, 32, 16), start=1):
        # each factor has its own branch of the codes' tree, another one than pilot and broadcast
        free = factor // 16 * branch + np.arange(factor // 16)
        many = int(rng.integers(0, min(len(free), 6) + 1))
        for number in rng.choice(free, many, replace=False):
            sent = spread(_symbols(chips // factor, rng), factor, int(number))
            total += sent * np.sqrt(rng.uniform(0.005, 0.1) * min(256 / factor, 4))
    code = np.roll(codes.scrambling(16 * primary), -first * codes.SLOT)
    total = (total * np.resize(code, chips)).reshape(shape)
    group = codes.GROUPS[primary // 8]
    which = [int(group[slot % 15], 17) - 1 for slot in range(first, first + slots)]
    total[:, :SYNCHRONISED] += np.sqrt(0.05) * codes.primary_synchronisation()
    total[:, :SYNCHRONISED] += np.sqrt(0.05) * codes.secondary_synchronisation()[which]
    return total.ravel()


def wcdma(seconds: float, rng: np.random.Generator) -> Transmission:
    """A cell with none to thirty users, from anywhere in a frame."""
    slots = int(seconds * 1500) + 2
    chips = cell(int(rng.integers(512)), slots, int(rng.integers(15)), rng)
    sent = linear(chips, CHIP_RATE, SAMPLE_RATE, 0.22, 6)[12:-12]
    return transmission(part(sent, round(seconds * SAMPLE_RATE), rng), SAMPLE_RATE, 4.2e6, "wcdma")
