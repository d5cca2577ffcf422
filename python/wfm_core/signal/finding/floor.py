# SPDX-License-Identifier: GPL-3.0-or-later
"""The noise floor of a frame for each frequency."""

import numpy as np
from scipy import ndimage

_ROWS = 128  # rows of a frame that the floor is taken from, evenly spread
_TRUNCATED = 1 - 3 * np.exp(-3.0) / (1 - np.exp(-3.0))  # mean of an exponential of mean 1 below 3
TINY = np.float32(1e-30)


def quiet_level(power: np.ndarray) -> np.ndarray:
    """float32 [bins] of power [rows, bins]: the mean power of each bin while it is quiet.

    From the lowest fifth of the rows, grown by censoring: the mean of what lies below 3 times the level, corrected by
    the exponential law, taken again and again. A bin that is never quiet has the level of what is in it.
    """
    step = max(1, len(power) // _ROWS)
    some = power[::step]
    n = len(some)
    place = max(int(0.2 * (n - 1) + 0.5), 0)
    level = np.partition(some, place, axis=0)[place] / np.float32(-np.log(1 - (place + 0.6) / (n + 0.2)))
    level = np.maximum(level, TINY)
    for _ in range(4):
        low = some < 3 * level
        count = low.sum(0)
        mean = np.where(low, some, 0).sum(0) / np.maximum(count, 1)
        level = np.maximum(np.where(count > 0, mean / np.float32(_TRUNCATED), level), TINY)
    return level.astype(np.float32)


def local_floor(level: np.ndarray, rows: int, width: int) -> np.ndarray:
    """float32 [bins]: `level` (of a bin, from so many rows) without what is narrower than `width` bins.

    A morphological opening of the smoothed level follows filter edges and takes no notice of lines and of signals
    narrower than `width`; the mean of the smoothed levels near it removes the opening's bias to low values.
    """
    few = max(3, min(len(level) // 16, int(512 / max(min(rows, _ROWS), 1)) | 1) | 1)
    smooth = ndimage.uniform_filter1d(level, few, mode="reflect")
    low = ndimage.minimum_filter1d(smooth, width | 1, mode="reflect")
    opened = np.maximum(ndimage.maximum_filter1d(low, width | 1, mode="reflect"), TINY)
    ratio = smooth / opened
    near = ratio < 1.6
    span = max(few, width // 2) | 1
    weight = ndimage.uniform_filter1d(near.astype(np.float32), span, mode="reflect")
    mean = ndimage.uniform_filter1d(np.where(near, ratio, 0).astype(np.float32), span, mode="reflect")
    bias = np.where(weight > 0.02, mean / np.maximum(weight, 0.02), 1.0)
    return np.maximum(opened * bias, TINY).astype(np.float32)


def common_floor(floors: list[np.ndarray], size: int) -> np.ndarray:
    """float32 [size] of floors with other numbers of bins, the one with `size` first: where another layer sees less, as
    short rows do between bursts and long ones between narrow channels, that counts."""
    floor = floors[0]
    for other in floors[1:]:
        other = spread(other, size)
        floor = np.where(other < 0.8 * floor, other, floor)
    return floor


def spread(floor: np.ndarray, size: int) -> np.ndarray:
    """A floor on `size` bins over the same band: straight lines between middles of bins, or means of several."""
    count = len(floor)
    if size == count:
        return floor
    if size < count:
        # bin k is centred on k count / size
        times = count // size
        return np.roll(floor, times // 2).reshape(size, times).mean(1)
    return np.interp(np.arange(size) / size, np.arange(count) / count, floor).astype(np.float32)


def leaked(floor: np.ndarray) -> np.ndarray:
    """A floor and what a Hann window lets its bins see of those beside them (a quarter of their power), which counts on
    the slopes of a receiver's filter; the band's ends are beside each other."""
    seen = (4 * floor + np.roll(floor, 1) + np.roll(floor, -1)) / np.float32(6)
    return np.maximum(floor, seen)
