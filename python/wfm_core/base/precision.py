# SPDX-License-Identifier: GPL-3.0-or-later
"""Which number format this processor multiplies fastest."""

import timeit
from functools import lru_cache

import torch

_TOKENS, _WIDTH, _HIDDEN = 264, 256, 1024
_ROUNDS = 5


@lru_cache
def bf16_is_faster(device: str = "cpu") -> bool:
    """Whether the encoder's typical matrix product runs faster in bfloat16 than in float32 on `device`.

    Measured, not looked up: processors with the instructions differ. AVX-512 BF16 doubles the rate on some, and
    halves it on others whose matrix unit (AMX) the hypervisor hides. Takes a few milliseconds, once.
    """
    if device != "cpu":
        return torch.cuda.is_bf16_supported()
    return _best_seconds(torch.bfloat16) < _best_seconds(torch.float32)


def _best_seconds(dtype: torch.dtype) -> float:
    tokens, weight = torch.ones(_TOKENS, _WIDTH, dtype=dtype), torch.ones(_HIDDEN, _WIDTH, dtype=dtype)
    torch.nn.functional.linear(tokens, weight)
    return min(timeit.repeat(lambda: torch.nn.functional.linear(tokens, weight), repeat=_ROUNDS, number=4))
