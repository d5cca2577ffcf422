# SPDX-License-Identifier: GPL-3.0-or-later
"""A band that is one signal from edge to edge: nothing of it is noise, and no floor tells.

Noise that a receiver filtered repeats nothing. What is sent with a cyclic prefix (OFDM) or as a code that repeats (of
satellites of navigation) is like itself some time later, and its mean spectrum has ripples of that period over the
whole band.
"""

import numpy as np

from wfm_core.signal.finding.frames import Layer
from wfm_core.signal.finding.refine import Fragment

_LEAST_ROWS = 4
_MOST = 4.0  # power over the floor that counts: lines of a receiver repeat, too
_LEAST_LAG = 24  # samples: a receiver's filter makes its noise like itself for some
_LEAST_LEFT = 0.2  # of the band beside what was found
_MARGIN = 0.25  # of a found part's width beside it, that is left out as the part is
_BETWEEN, _HALF_WAY = np.arange(-4, 5) / 8.0, 0.6  # samples; what is seen of a period between two
_ROWS_LEFT = 0.3  # of a bin's rows
_LIKE, _SURE = 0.015, 8.0  # power like itself over all, and over its deviation where there is none
_LEAST_LEVEL = 0.5  # over the floor: digital silence has none
_SNR = 10.0  # power over the noise's that is said of it: none is seen
_STANDS_OUT = 30.0  # density over that of the signal, of what is none of its unevenness
_PLACES, _SEEN = 8, 5  # parts of the band, and those of them that must be seen
_LEFT = 0.1  # of a part's bins, of one that is seen
_SHARE = 0.4  # likeness of each over that of all


def fills(layer: Layer, parts: list[Fragment]) -> bool:
    """Whether what lies between the `parts` of a frame is a signal that repeats over the whole band; layer: the
    finest."""
    if len(layer.ratio) < _LEAST_ROWS:
        return False
    ripples, left = _ripples(layer, parts)
    count = len(ripples)
    if left.sum() < _LEAST_LEFT * count:
        return False
    size = np.abs(np.fft.ifft(ripples)[: count // 2]) * (count / left.sum())
    lag = _LEAST_LAG + int(np.argmax(size[_LEAST_LAG:]))
    deviation = float(np.median(size[_LEAST_LAG:])) / np.sqrt(2 * np.log(2))
    limit = max(_LIKE, _SURE * deviation)
    if size[lag] < _HALF_WAY * limit:
        return False
    # the period need not be whole samples
    turns = np.exp(2j * np.pi / count * np.outer(lag + _BETWEEN, np.arange(count)))
    likeness = turns @ ripples / left.sum()
    best = int(np.argmax(np.abs(likeness)))
    like = float(np.abs(likeness[best]))
    if like < limit:
        return False
    own = (ripples * turns[best] * np.conj(likeness[best])).real / like
    seen = 0
    for place in np.split(np.arange(count), _PLACES):
        there = float(left[place].sum())
        if there < _LEFT * len(place):
            continue
        seen += 1
        if float(own[place].sum()) < _SHARE * like * there:
            return False
    return seen >= _SEEN


def with_whole(parts: list[Fragment], layer: Layer, finest: int, count: int) -> list[Fragment]:
    """The signal that fills the band, and those of the parts of a frame that are too strong to be its unevenness.

    layer: with the rows that its power is taken from; finest: bins of the grid; count: samples of the frame.
    """
    mean = (layer.ratio * layer.floor).mean(0)
    density = float(np.median(mean)) / layer.rate
    kept = [part for part in parts if part.level / (part.high - part.low) > _STANDS_OUT * density]
    for part in kept:
        low, high = layer.bins(part.low, part.high)
        mean[low:high] = layer.floor[low:high]
    times = finest // layer.shape.fft_size
    noise = layer.floor * np.float32(1 / _SNR)
    power = np.repeat(np.maximum(mean - noise, 0) * np.float32(count / finest), times)
    half = layer.rate / 2
    whole = Fragment(
        0.0, float(count), -half, half, -(times // 2), power, np.repeat(noise * np.float32(1 / finest), times),
        float(count), layer.rate / finest,
    )  # fmt: skip
    return [*kept, whole]


def _ripples(layer: Layer, parts: list[Fragment]) -> tuple[np.ndarray, np.ndarray]:
    """Mean power of each bin beside the parts over its mean in all bins, less 1; 0 where too few rows are left; and
    which bins have enough."""
    count, size = layer.ratio.shape
    free = np.ones((count, size), bool)
    for part in parts:
        first, last = layer.rows(part.start, part.stop)
        low, high = layer.bins(part.low, part.high)
        beside = 2 + int(_MARGIN * (high - low))
        free[first:last, max(low - beside, 0) : high + beside] = False
    rows = free.sum(0)
    left = rows >= max(_LEAST_ROWS, _ROWS_LEFT * count)
    power = np.where(free, np.minimum(layer.ratio, np.float32(_MOST)), np.float32(0)).sum(0, dtype=np.float64)
    mean = power / np.maximum(rows, 1)
    level = float(mean[left].mean()) if left.any() else 0.0
    if level < _LEAST_LEVEL:
        return np.zeros(size), np.zeros(size, bool)
    return np.where(left, mean / level - 1, 0.0), left
