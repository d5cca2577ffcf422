# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain direct-sequence transmitters: no standard, codes of 11 to 1023 chips or longer, 0.1 to 10 Mchip/s."""

import numpy as np
from scipy.signal import max_len_seq

from wfm_core.synth.signals.keying import held, linear
from wfm_core.synth.signals.transmission import Transmission, part, transmission


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
