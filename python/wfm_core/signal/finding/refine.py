# SPDX-License-Identifier: GPL-3.0-or-later
"""From a rough box to signals: cut at clean gaps in frequency and time, edges from the averaged power within it."""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from wfm_core.signal.finding.layers import LayerShape

MOST_GAP, LEAST_GAP, GAP_WIDTHS = 0.8, 5e-3, 200.0
_LEFT_OUT = 0.005
_MARGIN = 1.5  # widths to each side that are looked at for skirts
_LOOKS = 16  # bins times rows that a valley must be seen in, lest it be chance


def gap_for(bandwidth: float) -> float:
    """Seconds of silence within one signal of so many Hz."""
    return min(max(GAP_WIDTHS / max(bandwidth, 1.0), LEAST_GAP), MOST_GAP)


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

    @property
    def length(self) -> float:
        return self.stop - self.start

    @property
    def level(self) -> float:
        """Mean power while on."""
        return float(self.power.sum()) / max(self.on, 1.0)


def _layer_for_band(layers: list[Layer], duration: float, rows: int) -> Layer:
    for layer in layers[::-1]:
        if duration >= rows * layer.shape.hop and len(layer.ratio):
            return layer
    return layers[0]


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


def profile_in_band(
    layers: list[Layer], start, stop, low, high, least: int = 3
) -> tuple[Layer, int, np.ndarray, float]:
    """The same over frequency."""
    layer = _layer_for_band(layers, stop - start, least)
    first, last = layer.rows(start, stop)
    a, b = layer.bins(low, high)
    part = layer.ratio[first:last, a:b]
    ok = ~np.isnan(part[:, 0])
    count = max(int(ok.sum()), 1)
    return layer, a, part[ok].sum(0) / count - 1, 1 / np.sqrt(count)


def on_runs(profile: np.ndarray, limit: float, gap: float) -> list[tuple[int, int]]:
    """Stretches above `limit`, those closer than `gap` places as one."""
    on = np.flatnonzero(profile > limit)
    if not len(on):
        return []
    cuts = np.flatnonzero(np.diff(on) > gap + 1)
    firsts = on[np.append(0, cuts + 1)]
    lasts = on[np.append(cuts, len(on) - 1)] + 1
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def signals_in(box, layers: list[Layer], depth: int = 0) -> list[tuple[float, float, float, float]]:
    """Boxes (start, stop, low, high), each of one signal: `box` cut in frequency and in time as long as that goes."""
    start, stop, low, high = box
    pieces = cut_in_band(box, layers)
    if len(pieces) == 1:
        pieces = cut_in_time(pieces[0], layers)
        if len(pieces) == 1 or depth > 4:
            return pieces
    if depth > 4:
        return pieces
    return [one for piece in pieces for one in signals_in(piece, layers, depth + 1)]


def cut_in_time(box, layers) -> list[tuple[float, float, float, float]]:
    start, stop, low, high = box
    layer, first, profile, deviation = profile_in_time(layers, start - 0, stop, low, high)
    hop = layer.shape.hop
    if len(profile) >= 3:
        smooth = ndimage.uniform_filter1d(profile, 3, mode="nearest")
        deviation = deviation / 1.6
    else:
        smooth = profile
    limit = max(4 * deviation, 0.05 * np.quantile(smooth, 0.9)) if len(smooth) > 1 else -1
    gap = gap_for(high - low) * layer.rate / hop
    runs = on_runs(smooth, limit, gap)
    if len(runs) <= 1:
        return [box]
    return [(max((first + a) * hop, start), min((first + b) * hop, stop), low, high) for a, b in runs]


def cut_in_band(box, layers) -> list[tuple[float, float, float, float]]:
    """Cut at valleys of the averaged spectrum: near the noise, and 10 dB or more below both sides."""
    start, stop, low, high = box
    layer, first, profile, deviation = profile_in_band(layers, start, stop, low, high, least=12)
    width = layer.width
    rows = layer.rows(start, stop)
    energy = np.maximum(np.nan_to_num(layer.ratio[rows[0] : rows[1], first : first + len(profile)]).mean(1) - 1, 0)
    looks = float(energy.sum() ** 2 / max(np.sum(energy**2), 1e-30))
    few = int(max(1, min((high - low) / width / 24, 16)))
    smooth = ndimage.uniform_filter1d(profile, few, mode="nearest") if few > 1 else profile
    deviation = deviation * 1.4 / np.sqrt(few)
    if len(smooth) < 5:
        return [box]
    limit = max(4 * deviation, 0.02 * float(np.max(smooth)))
    runs = on_runs(smooth, limit, 1.0)
    if len(runs) <= 1:
        return [box]
    merged = [runs[0]]
    for run in runs[1:]:
        if not valley(profile, merged[-1], run, deviation * np.sqrt(few), looks):
            merged[-1] = (merged[-1][0], run[1])
        else:
            merged.append(run)
    if len(merged) == 1:
        return [box]
    half = layer.rate / 2
    return [
        (start, stop, max((first + a) * width - half, low), min((first + b) * width - half, high)) for a, b in merged
    ]


def valley(profile: np.ndarray, one: tuple[int, int], other: tuple[int, int], deviation: float, looks: float) -> bool:
    """Whether what lies between two parts of a spectrum is surely 10 dB below both, and wide enough to part them."""
    gap = other[0] - one[1]
    sides = [float(profile[a:b].mean()) for a, b in (one, other)]
    if gap < max(2, 0.06 * max(one[1] - one[0], other[1] - other[0])) or gap * looks < _LOOKS:
        return False
    between = float(profile[one[1] : other[0]].mean()) + 3 * deviation / np.sqrt(gap)
    return between < 0.1 * min(sides)


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


def fragment(box, layers: list[Layer], room: tuple[float, float]) -> Fragment | None:
    """A signal's box with its edges refined: 99 % of the power over the noise. room: Hz beyond which others are."""
    start, stop, low, high = box
    finest = layers[-1]
    low, high, layer, first, spectrum = band_edges(start, stop, low, high, layers, room)
    start, stop, on = time_edges(start, stop, low, high, layers)
    if stop <= start:
        return None
    floor = layer.floor[first : first + len(spectrum)]
    times = finest.shape.fft_size // layer.shape.fft_size
    scale = (stop - start) / finest.shape.fft_size
    power = np.repeat(spectrum * floor * np.float32(scale), times)
    noise = np.repeat(floor * np.float32(1 / finest.shape.fft_size), times)
    return Fragment(start, stop, low, high, first * times, power, noise, on)


def band_edges(start, stop, low, high, layers, room):
    layer, _, _, _ = profile_in_band(layers, start, stop, low, high)
    margin = max(_MARGIN * (high - low), 8 * layer.width)
    layer, first, profile, deviation = profile_in_band(layers, start, stop, low - margin, high + margin)
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
    # outwards as long as it stands out, and falls
    while a > 0 and smooth[a - 1] > limit and smooth[a - 1] <= 1.15 * smooth[a : a + few].max():
        a -= 1
    while b < len(smooth) and smooth[b] > limit and smooth[b] <= 1.15 * smooth[max(b - few, 0) : b].max():
        b += 1
    bounds = [min(max(edge - first, 0), len(profile)) for edge in layer.bins(*room)]
    a, b = with_skirts(profile, smooth, a, b, deviation, (min(bounds[0], a), max(bounds[1], b)))
    low, high = quantile_edges(
        np.maximum(profile[a:b], 0 if b - a < 8 else -1) * layer.floor[first + a : first + b], layer.width
    )
    origin = (first + a) * layer.width - layer.rate / 2 - 0.5 * layer.width
    keep = np.where((np.arange(len(profile)) >= a) & (np.arange(len(profile)) < b), profile, 0).astype(np.float32)
    return origin + low, origin + high, layer, first + a, keep[a:b]


def with_skirts(profile, smooth, first: int, last: int, deviation: float, room: tuple[int, int]) -> tuple[int, int]:
    """The stretch with what surely belongs to it beside, up to `room`: steps outwards, of which one of two holds power,
    none half as much as the middle."""
    step = max(1, round(0.2 * (last - first)))
    highest = 0.5 * float(smooth[first:last].max())
    bounds = []
    for side in (-1, 1):
        edge = reached = first if side < 0 else last
        missed = 0
        while missed < 2:
            a, b = (edge - step, edge) if side < 0 else (edge, edge + step)
            if a < room[0] or b > room[1] or float(smooth[a:b].max()) > highest:
                break
            edge = a if side < 0 else b
            if profile[a:b].sum() > 4 * deviation * np.sqrt(1.9 * step):
                reached, missed = edge, 0
            else:
                missed += 1
        bounds.append(reached)
    return bounds[0], bounds[1]


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
    limit = max(3 * deviation, 0.15 * level)
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
