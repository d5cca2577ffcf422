# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of power spectra of a frame, at several resolutions on one grid of time."""

from dataclasses import dataclass

import numpy as np
from scipy import fft

_ENOUGH = 0.95
FRAME_ROWS = 512
"""A frame is so many fft_size of samples."""


@dataclass(frozen=True)
class LayerShape:
    """fft_size: bins of a row. hop: samples of a row's slot: row r of a frame stands for samples
    [r hop, (r + 1) hop) and is the transform of the fft_size samples around them."""

    fft_size: int
    hop: int

    @property
    def reach(self) -> int:
        """Samples that a row needs before and after its slot."""
        return (self.fft_size - self.hop) // 2


def shapes(fft_size: int) -> list[LayerShape]:
    """Short rows for short bursts, the middle ones, and long ones for narrow signals in a wide band."""
    short = max(fft_size // 8, 8)
    return [LayerShape(short, short // 2), LayerShape(fft_size, fft_size // 2), LayerShape(16 * fft_size, 8 * fft_size)]


def rows(shape: LayerShape, samples: np.ndarray, begin: int, count: int) -> np.ndarray:
    """float32 [n, fft_size]: power, -rate/2 first, of n slots from `begin`, n = ceil(count / hop).

    White noise of power 1 has a mean of 1 in every bin. samples: complex64; what a row needs outside of them is taken
    as missing: rows are scaled by the share of the window's energy that is there, and are nan where that is under 0.95:
    a signal cut off under the middle of a window is strewn over the band.
    """
    n = -(-count // shape.hop)
    size = shape.fft_size
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    first = begin - shape.reach
    last = first + (n - 1) * shape.hop + size
    before, after = max(-first, 0), max(last - len(samples), 0)
    part = samples[max(first, 0) : min(last, len(samples))]
    if before or after:
        part = np.concatenate([np.zeros(before, np.complex64), part, np.zeros(after, np.complex64)])
    cut = np.lib.stride_tricks.as_strided(part, (n, size), (part.strides[0] * shape.hop, part.strides[0]))
    power = np.empty((n, size), np.float32)
    half = size // 2
    step = max(1, (1 << 18) // size)
    for row in range(0, n, step):
        x = fft.fft(cut[row : row + step] * window, axis=1)
        p = x.real**2 + x.imag**2
        power[row : row + step, half:], power[row : row + step, :half] = p[:, :half], p[:, half:]
    power *= np.float32(1 / np.sum(window.astype(np.float64) ** 2))
    if before or after:
        _complete(power, window, before, len(part) - after, shape.hop)
    return power


def touched(shape: LayerShape, broken: np.ndarray, begin: int, count: int) -> np.ndarray:
    """bool [count]: which rows from `begin` on have samples that are `broken`."""
    total = np.concatenate([[0], np.cumsum(broken)])
    first = begin - shape.reach + np.arange(count) * shape.hop
    low, high = np.clip(first, 0, len(broken)), np.clip(first + shape.fft_size, 0, len(broken))
    return total[high] > total[low]


def _complete(power: np.ndarray, window: np.ndarray, first: int, last: int, hop: int) -> None:
    """Scales the rows that lack samples before `first` and from `last` on, in place."""
    size = len(window)
    energy = np.cumsum(np.append(0.0, window.astype(np.float64) ** 2))
    low = np.clip(first - np.arange(len(power)) * hop, 0, size)
    high = np.clip(last - np.arange(len(power)) * hop, 0, size)
    share = np.where(high > low, energy[high] - energy[low], 0.0) / energy[-1]
    scale = np.where(share >= _ENOUGH, 1 / np.maximum(share, _ENOUGH), np.nan)
    power *= scale.astype(np.float32)[:, None]
