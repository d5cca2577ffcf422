# SPDX-License-Identifier: GPL-3.0-or-later
"""A rough box cut at clean gaps in frequency and time, until each piece is one signal's."""

import numpy as np
from scipy import ndimage

from wfm_core.signal.finding.frames import Layer, layer_for_band, likeness, mean_in_band, profile_in_time

_LOOKS = 32  # bins times rows that a valley must be seen in, lest it be chance
_DEEP, _SHALLOW = 0.02, 0.3  # power of a valley over that of what it parts
_UNLIKE = 0.25
MOST_GAP, LEAST_GAP, GAP_WIDTHS = 0.8, 5e-3, 200.0


def gap_for(bandwidth: float) -> float:
    """Seconds of silence within one signal of so many Hz."""
    return min(max(GAP_WIDTHS / max(bandwidth, 1.0), LEAST_GAP), MOST_GAP)


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
    """Cut at valleys of the averaged spectrum."""
    start, stop, low, high = box
    layer = layer_for_band(layers, stop - start, 12)
    first, profile, deviation = mean_in_band(layer, start, stop, low, high)
    if len(profile) < 5:
        return [box]
    width, half = layer.width, layer.rate / 2
    looks = _looks(layer, first, len(profile), start, stop)
    few = int(max(1, min(len(profile) / 24, 16)))
    smooth = ndimage.uniform_filter1d(profile, few, mode="nearest") if few > 1 else profile
    deviation = deviation * 1.4
    level, top = 4 * deviation / np.sqrt(few), float(smooth.max())
    while level < top:
        merged: list[tuple[int, int]] = []
        for run in on_runs(smooth, level, 1.0):
            if merged and not _parted(profile, merged[-1], run, deviation, looks, box, layer, first, layers):
                merged[-1] = (merged[-1][0], run[1])
            else:
                merged.append(run)
        if len(merged) > 1:
            # as far as the lowest place between, so that nothing is lost
            ends = [a[1] + int(np.argmin(smooth[a[1] : b[0]])) for a, b in zip(merged, merged[1:], strict=False)]
            places = [0, *(end + 1 for end in ends), len(profile)]
            edges = [(first + place - 0.5) * width - half for place in places]
            edges[0], edges[-1] = low, high
            return [(start, stop, a, b) for a, b in zip(edges, edges[1:], strict=False)]
        level *= 2
    return [box]


def _looks(layer: Layer, first: int, count: int, start: float, stop: float) -> float:
    """Rows that say something of their own: of a burst, only those it is in."""
    rows = layer.rows(start, stop)
    energy = np.maximum(np.nan_to_num(layer.ratio[rows[0] : rows[1], first : first + count]).mean(1) - 1, 0)
    energy = energy.astype(np.float64)
    return float(energy.sum() ** 2 / max(np.sum(energy**2), 1e-30))


def _parted(profile, one, other, deviation, looks, box, layer, first, layers) -> bool:
    """Whether two parts of a spectrum are two signals': noise or 17 dB less than both surely lies between, or 5 dB and
    they do not come and go together."""
    gap = other[0] - one[1]
    if gap < max(1, 0.06 * min(one[1] - one[0], other[1] - other[0])) or gap * looks < _LOOKS:
        return False
    sides = min(float(profile[a:b].mean()) for a, b in (one, other))
    between = float(profile[one[1] : other[0]].mean())
    doubt = 3 * deviation / np.sqrt(gap)
    if between < doubt or between + doubt < _DEEP * sides:
        return gap >= 2
    wide = gap >= 0.15 * min(one[1] - one[0], other[1] - other[0])
    if between + doubt > _SHALLOW * sides or gap * looks < 2 * _LOOKS or not wide:
        return False
    half, width = layer.rate / 2, layer.width
    bands = [((first + a) * width - half, (first + b) * width - half) for a, b in (one, other)]
    rows = layer.rows(box[0], box[1])
    if rows[1] - rows[0] < 12:
        return False
    return abs(likeness(box[0], box[1], bands[0], bands[1], layers)) < _UNLIKE
