# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame as its layers show it: means over a band along time, over a time along frequency, how alike two bands go."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from wfm_core.signal.finding.layers import LayerShape

_NEAR = 3.0  # widths between two parts that come and go together
_PAUSE = 0.08  # share of rows
_ON, _LONG = 0.3, 64  # of the highest level, and of the time, of a pause
_LEAST_ROWS = 12  # rows that a likeness must be seen in


@dataclass
class Layer:
    """A frame in one resolution: ratio and floor of power, [rows, bins] and [bins]."""

    shape: LayerShape
    ratio: np.ndarray
    floor: np.ndarray
    rate: float

    @property
    def width(self) -> float:
        return self.rate / self.shape.fft_size

    def bins(self, low: float, high: float) -> tuple[int, int]:
        size = self.shape.fft_size
        first = int(np.floor((low + self.rate / 2) / self.width + 0.5))
        last = int(np.ceil((high + self.rate / 2) / self.width + 0.5))
        return min(max(first, 0), size - 1), min(max(last, first + 1, 1), size)

    def rows(self, start: float, stop: float) -> tuple[int, int]:
        first = int(start // self.shape.hop)
        last = int(-(-stop // self.shape.hop))
        return min(max(first, 0), len(self.ratio) - 1), min(max(last, first + 1, 1), len(self.ratio))


def layer_for_band(layers: list[Layer], duration: float, rows: int) -> Layer:
    """The longest rows of which `rows` fit."""
    return next((layer for layer in layers[::-1] if duration >= rows * layer.shape.hop), layers[0])


def layer_for_time(layers: list[Layer], bandwidth: float) -> Layer:
    for layer in layers:
        if bandwidth >= 2 * layer.width:
            return layer
    return layers[-1]


def profile_in_time(layers: list[Layer], start, stop, low, high) -> tuple[Layer, int, np.ndarray, float]:
    """The layer, its first row, mean of ratio - 1 over the band for rows from there, and its deviation in noise."""
    layer = layer_for_time(layers, high - low)
    a, b = layer.bins(low, high)
    first, last = layer.rows(start, stop)
    part = layer.ratio[first:last, a:b]
    free = max((b - a) / 1.9, 1.0)
    return layer, first, np.nan_to_num(part.mean(1) - 1), 1 / np.sqrt(free)


def mean_in_band(layer: Layer, start, stop, low, high) -> tuple[int, np.ndarray, float]:
    """The first bin, mean of ratio - 1 over the time for bins from there, and its deviation in noise."""
    first, last = layer.rows(start, stop)
    a, b = layer.bins(low, high)
    part = layer.ratio[first:last, a:b]
    return a, part.sum(0) / len(part) - 1, 1 / np.sqrt(len(part))


def likeness(start, stop, one: tuple[float, float], other: tuple[float, float], layers: list[Layer]) -> float:
    """How much two parts of a band take turns, or come and go together: the greater of the two correlations.

    That they take turns shows within the time; that they come and go together with a quarter of it before and after,
    and only where both are off for part of it and not far from each other. 0 where they are too near each other, or
    too short, to say.
    """
    away = (other[0] + other[1] - one[0] - one[1]) / 2
    timing = next((layer for layer in layers if away >= 3 * layer.width), layers[-1])
    margin = 0.25 * (stop - start)
    inner, outer = timing.rows(start, stop), timing.rows(start - margin, stop + margin)
    if inner[1] - inner[0] < _LEAST_ROWS:
        return 0.0
    sides = []
    for low, high in (one, other):
        a, b = timing.bins(low, high)
        side = np.nan_to_num(timing.ratio[outer[0] : outer[1], a:b].mean(1) - 1)
        side = np.sqrt(np.clip(ndimage.uniform_filter1d(side, 2, mode="nearest"), 0, None))
        # clicks of a third signal are in both
        sides.append(np.minimum(side, 2 * np.quantile(side, 0.75)).astype(np.float64))
    within = slice(inner[0] - outer[0], inner[1] - outer[0])
    # where both pause for long they say nothing about who takes turns
    either = np.maximum(*(side[within] / max(side[within].max(), 1e-30) for side in sides)) > _ON
    either = ndimage.maximum_filter1d(either, len(either) // _LONG | 1)
    turns = -_correlation(*(side[within][either] for side in sides))
    near = other[0] - one[1] < _NEAR * max(one[1] - one[0], other[1] - other[0])
    if near and all(float(np.mean(side < 0.25 * side.max())) > _PAUSE for side in sides):
        return max(turns, _correlation(*sides))
    return turns


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if not len(one):
        return 0.0
    one, other = one - one.mean(), other - other.mean()
    both = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / both if both > 0 else 0.0
