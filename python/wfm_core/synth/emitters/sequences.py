# SPDX-License-Identifier: GPL-3.0-or-later
"""Binary sequences of 7-stage shift registers, as 5G NR and WiFi use them."""

from functools import lru_cache

import torch

PERIOD = 127


@lru_cache
def m_sequence(taps: tuple[int, ...], start: int) -> torch.Tensor:
    """+1/-1 float32 [127]: 1 - 2 x(i), where x(i + 7) is the sum of x(i + tap); bit i of `start` is x(i), i < 7."""
    bits = [(start >> i) & 1 for i in range(7)]
    while len(bits) < PERIOD:
        bits.append(sum(bits[len(bits) - 7 + tap] for tap in taps) % 2)
    return 1.0 - 2.0 * torch.tensor(bits)
