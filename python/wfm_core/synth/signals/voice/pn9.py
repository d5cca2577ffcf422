# SPDX-License-Identifier: GPL-3.0-or-later
"""Pseudo-random sequences of nine stages and the convolutional code of five, that NXDN and System Fusion share."""

import numpy as np

from wfm_core.synth.signals.bits import convolutional


def pn9(seed: str, tap: int, count: int) -> np.ndarray:
    """`count` bits that begin with the nine of `seed`: each further one is the sum of those 9 and 9 - tap before."""
    out = [int(bit) for bit in seed]
    while len(out) < count:
        out.append(out[-9] ^ out[tap - 9])
    return np.array(out[:count], np.uint8)


def coded(bits: np.ndarray) -> np.ndarray:
    """Rate 1/2, constraint length 5 (1 + D^3 + D^4, 1 + D + D^2 + D^4), with four bits of tail."""
    return convolutional(np.concatenate([bits, np.zeros(4, np.uint8)]), (0b10011, 0b11101), 4)


def interleaved(bits: np.ndarray, rows: int, group: int = 1) -> np.ndarray:
    """Groups of bits (2: dibits) written down columns of `rows` and read along the rows."""
    return bits.reshape(-1, rows, group).transpose(1, 0, 2).ravel()
