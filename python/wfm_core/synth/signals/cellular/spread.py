# SPDX-License-Identifier: GPL-3.0-or-later
"""Spread spectrum: UMTS downlink (TS 25.211, 25.213) and plain direct-sequence transmitters."""

import numpy as np
from scipy.linalg import hadamard
from scipy.signal import max_len_seq

from wfm_core.synth.signals.keying import held, linear
from wfm_core.synth.signals.transmission import Transmission, part, transmission

CHIP_RATE = 3.84e6
_SYNC = "++++++--++-+-+-+"  # the pattern a of the primary synchronisation code


def wcdma(seconds: float, rng: np.random.Generator) -> Transmission:
    """A cell: pilot, synchronisation in the first tenth of each slot, and users of several spreading factors."""
    slots = max(int(seconds * 1500) + 2, 2)
    chips = slots * 2560
    codes = hadamard(256)
    total = np.ones(chips, complex) * np.sqrt(0.1) * (1 + 1j) / np.sqrt(2)
    for code in rng.choice(np.arange(1, 256), int(rng.integers(1, 24)), replace=False):
        points = np.exp(1j * np.pi * (rng.integers(0, 4, chips // 256) / 2 + 0.25))
        total += np.repeat(points, 256) * np.tile(codes[code], chips // 256) * np.sqrt(rng.uniform(0.005, 0.1))
    long_i, long_q = (
        max_len_seq(18, length=chips, state=rng.integers(0, 2, 18) | (np.arange(18) == 0))[0] for _ in "iq"
    )
    total *= ((1 - 2.0 * long_i) + 1j * (1 - 2.0 * long_q)) / np.sqrt(2)
    pattern = np.array([1 if sign == "+" else -1 for sign in _SYNC])
    sign = np.array([1, 1, 1, -1, -1, 1, -1, -1, 1, 1, 1, -1, 1, -1, 1, 1])
    primary = np.kron(sign, pattern) * (1 + 1j) / np.sqrt(2)
    at = (np.arange(slots) * 2560)[:, None] + np.arange(256)
    total[at] += np.sqrt(0.1) * primary
    sent = linear(total, CHIP_RATE, 2 * CHIP_RATE, 0.22, 6)
    count = round(seconds * 2 * CHIP_RATE)
    return transmission(part(sent[12:-12], count, rng), 2 * CHIP_RATE, 4.2e6, "wcdma")


def dsss(seconds: float, rng: np.random.Generator) -> Transmission:
    """BPSK or QPSK data times a code of 11 to 1023 chips (or one that does not end), shaped or not; bursts or on."""
    chip_rate = 10 ** rng.uniform(5, 7)
    chip_rate = min(chip_rate, 2**20 / max(seconds, 1e-3))
    rate = 4 * chip_rate
    chips = int(seconds * chip_rate) + 64
    order = int(rng.integers(4, 11))
    code = max_len_seq(order)[0] if rng.random() < 0.8 else max_len_seq(20, length=chips)[0]
    code = 1 - 2.0 * code
    symbols = chips // len(code) + 2
    states = 2 if rng.random() < 0.5 else 4
    points = np.exp(2j * np.pi * (rng.integers(0, states, symbols) / states + 0.125))
    spread = (np.repeat(points, len(code)) * np.tile(code, symbols))[:chips]
    if rng.random() < 0.3:
        sent = held(spread.real, chip_rate, rate) + 1j * held(spread.imag, chip_rate, rate)
        width = 2.0 * chip_rate
    else:
        rolloff = rng.uniform(0.15, 0.6)
        sent = linear(spread, chip_rate, rate, rolloff, 6)
        width = (1 + 0.8 * rolloff) * chip_rate
    count = round(seconds * rate)
    if rng.random() < 0.3:
        sent = _in_bursts(sent[:count], rng)
    return transmission(part(sent, count, rng), rate, width, "dsss")


def _in_bursts(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    edges = np.sort(rng.integers(0, len(x), 2 * int(rng.integers(1, 5))))
    shape = np.zeros(len(x))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        shape[first : max(last, first + len(x) // 20)] = 1
    return x * shape
