# SPDX-License-Identifier: GPL-3.0-or-later
"""What every generator of a single signal returns, and what they share to make it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Transmission:
    """One transmitter on its channel for some time, without noise, channel or receiver.

    samples: complex64 [n] at `sample_rate` (Hz), about 0 Hz (the middle of the channel), exact zeros while the
    transmitter is off, mean power 1 while it is on. bandwidth: Hz that hold 99 % of its power. kind: what it is within
    its class ("dmr" of digital voice).
    """

    samples: np.ndarray
    sample_rate: float
    bandwidth: float
    kind: str


Generator = Callable[[float, np.random.Generator], Transmission]
"""function(seconds, rng): about so many seconds (n = seconds * sample_rate, rounded) of a transmitter that is on the
air somewhere in them, beginning anywhere in its schedule. Bursts keep their own timing, within zeros."""


def transmission(samples: np.ndarray, sample_rate: float, bandwidth: float, kind: str) -> Transmission:
    """A Transmission of mean power 1 while on (where samples are not exactly zero), in complex64."""
    samples = samples.astype(np.complex64)  # first: what is too small for it is off
    on = np.count_nonzero(samples)
    level = np.sqrt(np.sum(np.abs(samples) ** 2, dtype=np.float64) / on) if on else 1.0
    return Transmission(samples / np.float32(level), float(sample_rate), float(bandwidth), kind)


def part(samples: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` samples from a random place of a longer signal with power in them; the whole if it is shorter."""
    if len(samples) <= count:
        return samples
    total = np.concatenate([[0.0], np.cumsum(np.abs(samples) ** 2)])
    weights = total[count:] - total[: len(total) - count]
    # A place is as likely as the power in it is great, up to half of what the fullest place has.
    weights = np.minimum(weights, 0.5 * weights.max())
    start = np.searchsorted(np.cumsum(weights), rng.random() * weights.sum())
    start = min(int(start), len(samples) - count)
    return samples[start : start + count]


def on_air(bursts: list[np.ndarray], gaps: list[int], count: int, rng: np.random.Generator) -> np.ndarray:
    """complex64 [count]: `bursts` one after another, each followed by its gap (zeros, samples), from a random place.

    What is too short is padded with zeros at both ends.
    """
    pieces = [np.zeros(0, np.complex64)]
    for burst, gap in zip(bursts, gaps, strict=True):
        pieces += [burst.astype(np.complex64), np.zeros(gap, np.complex64)]
    line = np.concatenate(pieces)
    if len(line) < count:
        before = int(rng.integers(0, count - len(line) + 1))
        return np.concatenate(
            [np.zeros(before, np.complex64), line, np.zeros(count - before - len(line), np.complex64)]
        )
    return part(line, count, rng)
