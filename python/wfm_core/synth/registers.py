# SPDX-License-Identifier: GPL-3.0-or-later
"""Bits of linear feedback shift registers, as LTE, 5G NR and WiFi define theirs."""

from functools import lru_cache

import numpy as np
import torch
from scipy.signal import max_len_seq


def register_bits(stages: int, taps: tuple[int, ...], start: int, count: int) -> torch.Tensor:
    """x(0..count-1), float32 0 or 1, where x(i + stages) is the sum modulo 2 of x(i) and of x(i + tap) for each tap.

    Bit i of `start` is x(i), i < stages.
    """
    return torch.from_numpy(max_len_seq(stages, (start >> np.arange(stages)) & 1, count, taps)[0]).float()


@lru_cache
def m_sequence(stages: int, taps: tuple[int, ...], start: int) -> torch.Tensor:
    """+1/-1 float32 [2^stages - 1]: 1 - 2 x(i), one period of `register_bits`."""
    return 1.0 - 2.0 * register_bits(stages, taps, start, 2**stages - 1)
