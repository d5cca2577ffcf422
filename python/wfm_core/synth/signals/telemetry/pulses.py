# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulse codes of on-off keyed remotes: bits to durations in seconds, on and off by turns, beginning with on.

Names of the codes as in the documentation of rtl_433 (docs/PRIMER.md there): width, distance, Manchester, return to
zero, and plain non-return-to-zero.
"""

import numpy as np


def width_coded(bits: np.ndarray, zero: tuple[float, float], one: tuple[float, float]) -> np.ndarray:
    """A pulse and a gap for each bit: (on, off) of a zero, and of a one."""
    return np.array([zero, one], np.float64)[np.asarray(bits, np.intp)].ravel()


def distance_coded(bits: np.ndarray, pulse: float, zero_gap: float, one_gap: float) -> np.ndarray:
    """Pulses of one length; the gap after each tells its bit."""
    return width_coded(bits, (pulse, zero_gap), (pulse, one_gap))


def runs(levels: np.ndarray, unit: float) -> np.ndarray:
    """Durations of the runs of a line of 0 and 1, `unit` seconds each; zeros before the first 1 are dropped."""
    levels = np.asarray(levels, np.uint8)
    levels = levels[np.argmax(levels) :]
    edges = np.flatnonzero(np.diff(levels)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [len(levels)]])) * unit
    return lengths if len(lengths) % 2 == 0 else np.append(lengths, 0.0)


def joined(*parts) -> np.ndarray:
    """Durations one after another; each part has an even count."""
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])


def with_gap(durations: np.ndarray, gap: float) -> np.ndarray:
    """The same with `gap` seconds more off time at its end."""
    durations = np.array(durations, np.float64)
    durations[-1] += gap
    return durations


def repeated(packet: np.ndarray, times: int, gap: float = 0.0) -> np.ndarray:
    """`times` packets, each followed by `gap` seconds."""
    return np.tile(with_gap(packet, gap), times)


def envelope(durations: np.ndarray, sample_rate: float, start: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Level in 0..1 of `count` samples from `start` seconds on, as the share of each sample that is on, and the places.

    Returns (float64 [count], int64 [pulses]): the sample of each pulse's beginning, within the window.
    """
    edges = np.concatenate([[0.0], np.cumsum(durations)])
    on_time = np.concatenate([[0.0], np.cumsum(durations * (np.arange(len(durations)) % 2 == 0))])
    grid = start + np.arange(count + 1) / sample_rate
    level = np.diff(np.interp(grid, edges, on_time)) * sample_rate
    starts = np.floor((edges[:-1:2] - start) * sample_rate).astype(np.int64)
    return np.clip(level, 0.0, 1.0), starts[(starts >= 0) & (starts < count)]
