# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals so wide, and on for so long, that a local floor takes them for noise."""

import numpy as np
from scipy import ndimage

from wfm_core.signal.finding.frames import Layer
from wfm_core.signal.finding.refine import Fragment, quantile_edges
from wfm_core.signal.finding.skirts import beside, on_shoulder

_WIDEST_LOCAL = 0.2  # of the band: wider ones may hide in the local floor
_RISEN, _ABOVE = 2.0, 4.0  # power over what was before, and over the quietest place in the band
_STEEP = 0.05  # of the band, within which the power falls by 10 dB at a signal's edges
_NARROW_FILTER = 0.6  # of the band: receivers' filters are wider
_ASIDE = 0.1  # of the band, from its middle: filters are symmetrical
_FLAT = 0.7  # of a filter's fall (dB), which has not come yet half the way to the band's end
_UNSTEADY = 2.25  # mean square over squared mean of a bin's power: 2 for steady noise
_STANDS_OUT, _STANDS_FAR_OUT = 6.0, 30.0  # power over that of filtered noise, of a wide signal, of what is in it
_BARELY = 0.05  # ratio to the floor over that of the wide signal, of a box that shows only its unsteadiness
_HOLD = 2.0  # seconds after which a risen floor is the floor


class WideBand:
    """Over the frames of a stream: where the floor is a wide signal's, and what it would be without."""

    def __init__(self, rate: float, frame: int):
        self.rate, self.patience = rate, max(round(_HOLD * rate / frame), 1)
        self.before: np.ndarray | None = None
        self.age = 0

    def look(self, floor: np.ndarray) -> tuple[int, int, np.ndarray, bool] | None:
        """First and last + 1 bin of a wide signal in the local floor, the floor without it, and whether it has edges
        that no receiver's filter has; None if there is none."""
        found = self._risen(floor)
        if found is None:
            found = plateau(floor)
        return found

    def _risen(self, floor: np.ndarray) -> tuple[int, int, np.ndarray, bool] | None:
        before = self.before
        if before is None or len(before) != len(floor):
            self.before, self.age = floor.copy(), 0
            return None
        run = _longest(floor > _RISEN * before)
        if run is None or run[1] - run[0] < _WIDEST_LOCAL * len(floor):
            self.before, self.age = np.minimum(floor, 1.26 * before), 0
            return None
        self.age += 1
        if self.age > self.patience:
            self.before, self.age = floor.copy(), 0
            return None
        self.before = np.minimum(floor, before)
        return (*run, before.copy(), True)


def plateau(floor: np.ndarray) -> tuple[int, int, np.ndarray, bool] | None:
    """A part of the band that stands high over the quietest, with edges as a signal has them."""
    count = len(floor)
    low = float(np.quantile(floor, 0.02))
    run = _longest(floor > _ABOVE * low)
    if run is None:
        return None
    top = float(np.median(floor[run[0] : run[1]]))
    half = _longest(floor > 0.5 * top)
    if half is None or half[1] - half[0] < _WIDEST_LOCAL * count or half[1] - half[0] > 0.98 * count:
        return None
    first, last = half
    reach = round(_STEEP * count)
    bottom = max(0.1 * top, 1.5 * low)
    left = first <= reach or float(floor[first - reach : first].min()) <= bottom
    right = last >= count - reach or float(floor[last : last + reach].min()) <= bottom
    aside = last - first <= _NARROW_FILTER * count or abs(first + last - count) > _ASIDE * count
    if not aside and _filtered(floor, first, last, top):
        return None
    steep = aside or (left and right and top > 2 * _ABOVE * low)
    return run[0], run[1], np.minimum(floor, np.float32(low)), steep


def _filtered(floor: np.ndarray, first: int, last: int, top: float) -> bool:
    """Whether a receiver's filter made the edges: the floor falls up to the band's ends, where beside a signal there is
    noise, as low from its edge on."""
    falls = []
    for outside in (floor[:first][::-1], floor[last:]):
        if len(outside):
            deep, half = (np.log(top / float(outside[place])) for place in (-1, len(outside) // 2))
            falls.append(half < _FLAT * deep)
    return all(falls)


def _longest(yes: np.ndarray) -> tuple[int, int] | None:
    edges = np.flatnonzero(np.diff(yes.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    if not len(edges):
        return None
    first, last = edges[np.argmax(edges[:, 1] - edges[:, 0])]
    return int(first), int(last)


def wide_fragment(found, layer: Layer, finest: int, count: int) -> tuple[Fragment, bool]:
    """The signal as a part of the frame, from the layer whose bins `found` counts; whether its power is steady."""
    first, last, outside, _ = found
    power = layer.ratio * layer.floor
    mean = power.mean(0)
    spectrum = np.maximum(mean - outside, 0)
    # its skirts are its own, as far as they fall
    low, high = quantile_edges(spectrum[first:last], layer.width)
    origin = (first - 0.5) * layer.width - layer.rate / 2
    profile = ndimage.uniform_filter1d(power[:, first:last].mean(1), 3, mode="nearest")
    on = np.flatnonzero(profile > 0.25 * np.median(profile))
    hop = layer.shape.hop
    start, stop = float(on[0] * hop), float(min((on[-1] + 1) * hop, count))
    times = finest // layer.shape.fft_size
    scale = (stop - start) / finest
    part = Fragment(
        start, stop, origin + low, origin + high, first * times - times // 2,
        np.repeat(spectrum[first:last] * np.float32(scale), times),
        np.repeat(outside[first:last] * np.float32(1 / finest), times), stop - start, layer.rate / finest,
    )  # fmt: skip
    inner = power[:, first:last]
    unsteady = np.median((inner**2).mean(0) / np.maximum(inner.mean(0) ** 2, 1e-30))
    return part, bool(unsteady < _UNSTEADY)


def with_wide(parts: list[Fragment], wide: Fragment, steady: bool, layers: list[Layer]) -> list[Fragment]:
    """All parts, but what is only the wide signal's own unsteadiness; the wide one unless one of them is it."""
    width = wide.high - wide.low
    same = [
        part
        for part in parts
        if min(part.high, wide.high) - max(part.low, wide.low) > 0.6 * width and part.length > 0.6 * wide.length
    ]
    if any(part.ratio > _BARELY * wide.ratio for part in same):
        return parts
    # steady noise in the middle of the band may be what a receiver's filter lets through
    filtered = steady and width > _NARROW_FILTER * layers[0].rate and abs(wide.low + wide.high) < 0.1 * width
    least = (_STANDS_OUT if filtered else _STANDS_FAR_OUT) * wide.level / width
    slack = 0.02 * width
    kept = []
    for part in parts:
        if any(part is one for one in same):
            continue
        inside = part.low > wide.low - slack and part.high < wide.high + slack
        if inside:
            own = part.level / (part.high - part.low) > least
        else:
            own = not beside(part, wide, layers) or not on_shoulder(part, wide, layers)
        if own:
            kept.append(part)
    return [*kept, wide]
