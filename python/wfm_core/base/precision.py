# SPDX-License-Identifier: GPL-3.0-or-later
"""Which number format this processor multiplies fastest."""

import timeit
from collections.abc import Callable
from functools import lru_cache, partial

import torch

_TOKENS, _WIDTH, _HIDDEN = 264, 256, 1024
_ROUNDS = 8


@lru_cache
def bf16_is_faster(device: str = "cpu") -> bool:
    """Whether the encoder's typical matrix product runs faster in bfloat16 than in float32 on `device`.

    Measured, not looked up: processors with the instructions differ. AVX-512 BF16 doubles the rate on some, and
    halves it on others whose matrix unit (AMX) the hypervisor hides. Takes a few milliseconds, once.
    """
    if device != "cpu":
        return torch.cuda.is_bf16_supported()
    products = [_product(dtype) for dtype in (torch.float32, torch.bfloat16)]
    best = [float("inf"), float("inf")]
    for _ in range(_ROUNDS + 1):  # in turn, so that other work on the computer hinders both alike
        best = [min(so_far, timeit.timeit(product, number=4)) for so_far, product in zip(best, products, strict=True)]
    return best[1] < best[0]


def _product(dtype: torch.dtype) -> Callable[[], torch.Tensor]:
    tokens, weight = torch.ones(_TOKENS, _WIDTH, dtype=dtype), torch.ones(_HIDDEN, _WIDTH, dtype=dtype)
    return partial(torch.nn.functional.linear, tokens, weight)
