# SPDX-License-Identifier: GPL-3.0-or-later
"""A box with its edges refined by the averaged power within it, and that power."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import ndimage

from wfm_core.signal.finding.frames import Layer, layer_for_band, layer_for_time, mean_in_band, profile_in_time

_LEFT_OUT = 0.005
_SIDEBAND = 11e3  # Hz to each side of a line that are looked at: voice, and the subcarrier of a VOR
_MARGIN = 2.5  # widths to each side that are looked at for skirts
_LITTLE = 0.15  # of the noise, by which skirts are over it


@dataclass
class Fragment:
    """A signal's part in one frame. start, stop: samples of the stream; power: of the signal in each bin of the finest
    grid from bin `first` on, summed over time (mean power times samples); noise: power in the band (mean);
    on: samples in which it is on."""

    start: float
    stop: float
    low: float
    high: float
    first: int
    power: np.ndarray = field(repr=False)
    noise: np.ndarray = field(repr=False)
    on: float
    grid: float

    @property
    def length(self) -> float:
        return self.stop - self.start

    @property
    def ratio(self) -> float:
        """Mean power while on over the noise between the edges."""
        return self.level / max(float(self.noise.mean()) / self.grid * (self.high - self.low), 1e-30)

    @cached_property
    def energy(self) -> float:
        """Power summed over time."""
        return float(self.power.sum())

    @property
    def level(self) -> float:
        """Mean power while on."""
        return self.energy / max(self.on, 1.0)


def room_of(box, others, rate: float) -> tuple[float, float]:
    """Hz within which a box may grow: as far as half the way to what is on at the same time."""
    start, stop, low, high = box
    least, most = -rate / 2, rate / 2
    for other in others:
        if other[1] > start and other[0] < stop:
            if other[3] <= low:
                least = max(least, (other[3] + low) / 2)
            elif other[2] >= high:
                most = min(most, (other[2] + high) / 2)
    return least, most


def fragment(box, layers: list[Layer], finest: int, room: tuple[float, float], skirts: bool) -> Fragment | None:
    """A signal's box with its edges refined: 99 % of the power over the noise.

    finest: bins of the grid, which need not be a layer's that the frame has. room: Hz beyond which others are. skirts:
    whether to take in what is too faint to be seen in single bins.
    """
    start, stop, low, high = box
    low, high, layer, first, spectrum = band_edges(start, stop, low, high, layers, room, skirts)
    start, stop, on = time_edges(start, stop, low, high, layers)
    if stop <= start:
        return None
    floor = layer.floor[first : first + len(spectrum)]
    times = finest // layer.shape.fft_size
    scale = (stop - start) / finest
    power = np.repeat(spectrum * floor * np.float32(scale), times)
    noise = np.repeat(floor * np.float32(1 / finest), times)
    return Fragment(start, stop, low, high, first * times - times // 2, power, noise, on, layer.rate / finest)


def band_edges(start, stop, low, high, layers, room, skirts):
    # of the finest rows, two do for what is so strong that its edges count
    few = 2 if stop - start >= 2 * layers[-1].shape.hop else 3
    layer = layer_for_band(layers, stop - start, few)
    margin = max(_MARGIN * (high - low), 8 * layer.width, _SIDEBAND if high - low < 8 * layer.width else 0.0)
    first, profile, deviation = mean_in_band(layer, start, stop, low - margin, high + margin)
    a, b = layer.bins(low, high)
    a, b = a - first, b - first
    few = max(1, min(int((b - a) / 12), 64)) | 1
    smooth = ndimage.uniform_filter1d(profile, few, mode="nearest") if few > 1 else profile
    top = float(np.max(smooth[a:b])) if b > a else 0.0
    spread = deviation * 1.4 / np.sqrt(few)
    limit, sure = max(2.5 * spread, 0.004 * top), max(4 * spread, 0.004 * top)
    while b - a > 1 and smooth[a] <= sure:
        a += 1
    while b - a > 1 and smooth[b - 1] <= sure:
        b -= 1
    least, most = (min(max(edge - first, 0), len(profile)) for edge in layer.bins(*room))
    least, most = min(least, a), max(most, b)
    # outwards as long as it stands out, and falls
    while a > least and smooth[a - 1] > limit and smooth[a - 1] <= 1.15 * smooth[a : a + few].max():
        a -= 1
    while b < most and smooth[b] > limit and smooth[b] <= 1.15 * smooth[max(b - few, 0) : b].max():
        b += 1
    if skirts:
        a, b = with_skirts(profile, smooth, a, b, deviation, (least, most))
    low, high = quantile_edges(
        np.maximum(profile[a:b], 0 if b - a < 8 else -1) * layer.floor[first + a : first + b], layer.width
    )
    origin = (first + a) * layer.width - layer.rate / 2 - 0.5 * layer.width
    keep = np.where((np.arange(len(profile)) >= a) & (np.arange(len(profile)) < b), profile, 0).astype(np.float32)
    return origin + low, origin + high, layer, first + a, keep[a:b]


def with_skirts(profile, smooth, first: int, last: int, deviation: float, room: tuple[int, int]) -> tuple[int, int]:
    """The stretch with what surely belongs to it beside, up to `room`: at each side as far as the power over a little
    of the noise adds up to most, where that cannot be chance, and not into what rises again."""
    step = max(1, round(0.2 * (last - first)))
    highest = 0.5 * float(smooth[first:last].max())
    reached = []
    for outward in (profile[room[0] : first][::-1], profile[last : room[1]]):
        outward = outward[: _falling(outward, step, highest, deviation)]
        total = np.cumsum(outward - _LITTLE)
        best = int(np.argmax(total)) + 1 if len(total) else 0
        sure = best and float(outward[:best].sum()) > 4.5 * deviation * np.sqrt(1.9 * best)
        reached.append(best if sure else 0)
    return first - reached[0], last + reached[1]


def _falling(outward: np.ndarray, step: int, highest: float, deviation: float) -> int:
    """Places before means of `step` rise over those before them, or over `highest`."""
    means = outward[: len(outward) // step * step].reshape(-1, step).mean(1)
    doubt = 4 * deviation * np.sqrt(1.9 / step)
    for place, mean in enumerate(means):
        before = [highest, *means[:place]][-3:]
        if mean > min(1.5 * max(before) + doubt, highest):
            return place * step
    return len(means) * step


def quantile_edges(power: np.ndarray, width: float, left_out: float = _LEFT_OUT) -> tuple[float, float]:
    """Hz from the first bin's lower edge, between which all but `left_out` of the power at each side lies."""
    total = np.concatenate([[0.0], np.cumsum(power, dtype=np.float64)])
    whole = total[-1]
    if whole <= 0:
        return 0.0, len(power) * width
    low = int(np.flatnonzero(total <= left_out * whole)[-1])
    low = min(low, len(power) - 1)
    high = int(np.flatnonzero(total >= (1 - left_out) * whole)[0])
    high = max(high, low + 1)
    at = low + np.clip((left_out * whole - total[low]) / max(total[low + 1] - total[low], 1e-30), 0, 1)
    to = (
        high - 1 + np.clip(((1 - left_out) * whole - total[high - 1]) / max(total[high] - total[high - 1], 1e-30), 0, 1)
    )
    return float(at) * width, float(max(to, at + 0.1)) * width


def time_edges(start, stop, low, high, layers) -> tuple[float, float, float]:
    """First and last sample, and how many of them it is on."""
    layer = layer_for_time(layers, high - low)
    hop = layer.shape.hop
    blur = 0.0
    layer, first, profile, deviation = profile_in_time(layers, start - hop - blur, stop + hop + blur, low, high)
    if len(profile) < 2:
        return start, stop, stop - start
    smooth = ndimage.uniform_filter1d(profile, 3, mode="nearest") if len(profile) > 8 else profile
    level = float(np.quantile(smooth, 0.75))
    limit = max(3.5 * deviation, 0.03 * level)
    on = np.flatnonzero(smooth > limit)
    if not len(on):
        return start, stop, stop - start
    share = len(on) / (on[-1] - on[0] + 1)
    a, b = float(on[0]), float(on[-1] + 1)
    # the row that a burst begins in the middle of has part of its power
    typical = float(np.median(profile[on])) if len(on) else 1.0
    if on[0] + 1 < len(profile) and len(on) > 2:
        a += 1 - min(max(profile[on[0]] / max(typical, 1e-9), 0.0), 1.0)
        b -= 1 - min(max(profile[on[-1]] / max(typical, 1e-9), 0.0), 1.0)
    a, b = (first + a) * hop, (first + b) * hop
    return a, max(b, a + 1), share * max(b - a, 1)
