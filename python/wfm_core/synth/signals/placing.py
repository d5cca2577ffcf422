# SPDX-License-Identifier: GPL-3.0-or-later
"""Bursts at their places on a time line, parts of them at its ends included."""

from collections.abc import Callable

import numpy as np


def put(line: np.ndarray, start: int, burst: np.ndarray) -> None:
    """Adds what of `burst`, whose first sample is at `start` (also negative), falls into `line`, in place."""
    begin, end = max(start, 0), min(start + len(burst), len(line))
    if begin < end:
        line[begin:end] += burst[begin - start : end - start]


def filled(
    count: int, exchange: Callable[[], np.ndarray], gap: Callable[[], float], rng: np.random.Generator
) -> np.ndarray:
    """complex64 [count]: exchanges (bursts with the zeros within) one after another, each followed by gap() samples.

    The first one begins anywhere from its own length before the window to the window's middle, so that there is
    always something on the air.
    """
    line = np.zeros(count, np.complex64)
    first = exchange()
    # At least a tenth of the first exchange, or all that the window can hold of it, lies within.
    least = -int(0.9 * len(first))
    place = int(rng.integers(least, max(count // 2, least + 1)))
    origin = place
    put(line, place, first)
    place += len(first) + max(int(gap()), 0)
    while place < count:
        burst = exchange()
        put(line, place, burst)
        place += len(burst) + max(int(gap()), 1)
    while origin > 0:
        burst = exchange()
        origin -= len(burst) + max(int(gap()), 1)
        put(line, origin, burst)
    if not line.any():  # the window lies in a pause within the exchange
        put(line, -int(np.flatnonzero(first)[0]), first)
    return line
