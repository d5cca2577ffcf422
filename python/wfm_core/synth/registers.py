# SPDX-License-Identifier: GPL-3.0-or-later
"""Bits of linear feedback shift registers, as LTE, 5G NR and WiFi define theirs."""

from functools import lru_cache

import torch


def register_bits(stages: int, taps: tuple[int, ...], start: int, count: int) -> list[int]:
    """x(0..count-1), where x(i + stages) is the sum of x(i + tap) modulo 2; bit i of `start` is x(i), i < stages."""
    bits = [(start >> i) & 1 for i in range(stages)]
    while len(bits) < count:
        bits.append(sum(bits[len(bits) - stages + tap] for tap in taps) % 2)
    return bits[:count]


@lru_cache
def m_sequence(stages: int, taps: tuple[int, ...], start: int) -> torch.Tensor:
    """+1/-1 float32 [2^stages - 1]: 1 - 2 x(i), one period of `register_bits`."""
    return 1.0 - 2.0 * torch.tensor(register_bits(stages, taps, start, 2**stages - 1))
