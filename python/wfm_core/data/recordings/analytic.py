# SPDX-License-Identifier: GPL-3.0-or-later
"""Real samples as analytic ones: I as it is, Q its Hilbert transform, at the same rate and without a delay.

The filter is one for all readers, in Python and in the C++ player, so that windows are the same live and offline.
Before the first sample and after the last one the signal counts as 0.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

_REACH = 63
_KAISER = 8.0  # negative frequencies are 70 dB down between 2 % and 48 % of the rate


@cache
def hilbert_taps() -> tuple[float, ...]:
    """h[1] to h[63] of the antisymmetric filter: Q[n] is the sum of h[k] (I[n - k] - I[n + k]); h[k] of even k is 0."""
    k = np.arange(1, _REACH + 1)
    ideal = np.where(k % 2, 2 / (np.pi * k), 0.0)
    taps = ideal * np.kaiser(2 * _REACH + 1, _KAISER)[_REACH + 1 :]
    return tuple(taps.astype(np.float32).tolist())


def analytic(read: Callable[[int, int], np.ndarray], start: int, count: int, samples: int) -> np.ndarray:
    """complex64 [channels, count] from `start` on, where `read(begin, n)` gives [channels, n], whose real part counts,
    of a signal of `samples` samples."""
    begin, end = max(start - _REACH, 0), min(start + count + _REACH, samples)
    real = read(begin, end - begin).real.astype(np.float32)
    padded = np.pad(real, ((0, 0), (begin - (start - _REACH), start + count + _REACH - end)))
    half = np.array(hilbert_taps())
    kernel = np.concatenate([-half[::-1], [0.0], half])
    out = np.empty((len(real), count), np.complex64)
    out.real = padded[:, _REACH : _REACH + count]
    for row, values in zip(out, padded, strict=True):
        row.imag = np.convolve(values, kernel, "valid") if count else 0
    return out
