# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no signal of its own but what a strong one leaves in and beside its band."""

import numpy as np
from scipy import ndimage

from wfm_core.signal.finding.frames import Layer, layer_for_band, layer_for_time
from wfm_core.signal.finding.refine import Fragment

_QUIET = 0.3  # power while a strong signal pauses over that while it is on, of what is not its skirt
_DURING = 0.8  # share of what belongs to another that lies within it
_PARTLY = 0.25  # share of its band, of what is much weaker than a signal that it overlaps
_BESIDE = 0.3  # width of a signal within which its skirts are
_CLOSE = 0.1  # the same, of those not so faint but narrow
_FAR = 3.0  # the same, of those that pause with it
_SPLASH = 0.12  # power over that of a signal, of what its steps leave right beside it for a moment
_ROUND = 1.0  # power over that of a signal, of its picture in short rows at the band's other end
_FAINT = 0.05  # power over that of a signal, of its skirts
_NEAR, _TRACE = 0.6, 0.005  # widths from a signal, and power over its, of what it leaves for a moment
_SHOULDER = 1.5  # width of a signal within which its shoulders are
_LEAK = 0.1  # power and density over that of a signal, of its shoulders
_BURST = 12  # rows: a signal so short strews lines in rows
_LINE, _STREWN = 0.2, 0.005  # width and energy of those over that signal's
_VALLEY = 0.3  # power between a part and a signal over the part's, where it is that signal's shoulder
_IMAGE = 0.1  # power over that of a signal, of its sidebands
_MANY_CELLS, _IMAGE_LIKE, _LEAST_RATIO = 300, 0.1, 0.01  # cells, and correlation of levels, of what tells two signals


def without_skirts(parts: list[Fragment], layers: list[Layer], images: bool = True) -> list[Fragment]:
    """Leaves out what lies in a stronger one or, faint and while that is on, at its side; images: and its sidebands."""
    kept: list[Fragment] = []
    for part in sorted(parts, key=lambda p: -p.energy):
        during = 0.0
        blur = layer_for_time(layers, part.high - part.low).shape.hop
        for one in kept:
            shared = min(part.stop, one.stop) - max(part.start, one.start)
            if _strewn(part, one, blur):
                # in rows that long it seems to be on before and after it
                during += max(min(part.stop, one.stop + blur) - max(part.start, one.start - blur), 0.0)
            elif shared > 0 and (_belongs(part, one, layers) or (images and _image(part, one, kept, layers))):
                during += shared
        if during < _DURING * min(part.length, max(part.on, 0.5 * part.length)):
            kept.append(part)
    return kept


def inside(share: float, level: float, other: float) -> bool:
    """Whether what shares so much of its band with a signal of power `other` is too weak to be more than part of it."""
    return (share >= _DURING and level < other) or (share >= _PARTLY and level < _LEAK * other)


def _strewn(part: Fragment, one: Fragment, row: float) -> bool:
    """Whether a part is one of the faint lines that a burst leaves near its band in rows that are not much shorter."""
    wide, other = part.high - part.low, one.high - one.low
    return (
        one.length < _BURST * row
        and wide < _LINE * other
        and max(part.low - one.high, one.low - part.high) < other
        and part.energy < _STREWN * one.energy
    )


def _belongs(part: Fragment, one: Fragment, layers: list[Layer]) -> bool:
    band = min(part.high, one.high) - max(part.low, one.low)
    if inside(band / (part.high - part.low), part.level, one.level):
        return True
    return beside(part, one, layers)


def beside(part: Fragment, one: Fragment, layers: list[Layer]) -> bool:
    """Whether a faint part is what a strong one leaves beside its band; the band's ends are beside each other."""
    wide, other, rate = part.high - part.low, one.high - one.low, layers[0].rate
    inner, *around = (min(part.high + t, one.high) - max(part.low + t, one.low) for t in (0.0, -rate, rate))
    band = max(inner, *around)
    cell = layers[0].width
    # longer rows would not show it there
    short = layer_for_band(layers, part.length, 3) is layers[0]
    if short and inner < band > -2 * cell and wide < 2 * cell and part.level < _ROUND * one.level:
        return True
    density = part.energy / part.length / wide
    theirs = one.energy / one.length / other
    if wide < 0.6 * other and -band < _BESIDE * other and density < _FAINT * theirs:
        return True
    brief = part.length < 0.25 * one.length or part.on < 0.25 * part.length
    if wide < (0.4 if brief else 0.25) * other and -band < _CLOSE * other and part.level < _FAINT * one.level:
        return True
    if part.length < 0.02 * one.length and -band < 0.02 * other and part.level < _SPLASH * one.level:
        return True
    if -band < _FAR * other and part.level < 2 * _FAINT * one.level and _silent_without(part, one, layers):
        return True
    if brief and wide < other and -band < _NEAR * other and part.level < _TRACE * one.level:
        return True
    if -band < _SHOULDER * other and part.level < _LEAK * one.level and density < _LEAK * theirs:
        return -band < 3 * layer_for_band(layers, part.length, 3).width or on_shoulder(part, one, layers)
    return False


def _image(part: Fragment, one: Fragment, kept: list[Fragment], layers: list[Layer]) -> bool:
    """Whether a faint part is one of two sidebands, however far from a signal; not where a stronger one of `kept` is at
    the other's place."""
    if part.level >= _IMAGE * one.level:
        return False
    twice = one.low + one.high
    over = (other for other in kept if twice - part.low > other.low and twice - part.high < other.high)
    if any(other is not one and other.level > 3 * part.level for other in over):
        return False
    layer = layer_for_band(layers, part.length, 3)
    if not mirrored(part, twice / 2, layer):
        return False
    likeness = _likeness_mirrored(part, twice / 2, layer)
    return likeness is None or likeness >= _IMAGE_LIKE


def _likeness_mirrored(part: Fragment, middle: float, layer: Layer) -> float | None:
    """Correlation of the levels of a part's cells and those of its mirror image about `middle` (Hz); None: too few are
    seen to say."""
    first, last = layer.rows(part.start, part.stop)
    a, b = layer.bins(part.low, part.high)
    count = b - a
    if (last - first) * count < _MANY_CELLS:
        return None
    levels = np.log(np.maximum(layer.ratio[first:last], _LEAST_RATIO).astype(np.float64))
    levels -= levels.mean(0)
    mine = levels[:, a:b]
    place = layer.bins(2 * middle - part.high, 2 * middle - part.low)[0]
    likeness = 0.0
    # the bins of one need not lie as those of the other do
    for begin in range(max(place - 2, 0), min(place + 2, layer.shape.fft_size - count) + 1):
        other = levels[:, begin : begin + count][:, ::-1]
        norm = np.sqrt(np.sum(mine**2) * np.sum(other**2))
        likeness = max(likeness, float(np.sum(mine * other)) / max(norm, 1e-30))
    return likeness


def on_shoulder(part: Fragment, one: Fragment, layers: list[Layer]) -> bool:
    """Whether the power never falls to the noise, nor to much less than it has in a part, from there to a signal."""
    layer = layer_for_band(layers, part.length, 3)
    low, high = (one.high, part.low) if part.low > one.high else (part.high, one.low)
    first, last = layer.bins(low, high)
    rows, own = layer.rows(part.start, part.stop), layer.bins(part.low, part.high)
    spectrum = layer.ratio[rows[0] : rows[1], min(first, own[0]) : max(last, own[1])].mean(0) - 1
    between = spectrum[first - min(first, own[0]) :][: last - first]
    mine = float(spectrum[own[0] - min(first, own[0]) :][: own[1] - own[0]].mean())
    valley = float(ndimage.uniform_filter1d(between, 3, mode="nearest").min())
    return valley > max(_VALLEY * mine, 3 / np.sqrt(3 * (rows[1] - rows[0])))


def mirrored(part: Fragment, middle: float, layer: Layer) -> bool:
    """Whether as much power as a part has, within 4 dB, lies as far on the other side of `middle` (Hz)."""
    low, high = 2 * middle - part.high, 2 * middle - part.low
    if low < -layer.rate / 2 or high > layer.rate / 2:
        return False
    first, last = layer.rows(part.start, part.stop)
    excess = []
    for band in ((part.low, part.high), (low, high)):
        a, b = layer.bins(*band)
        excess.append(float(layer.ratio[first:last, a:b].mean()) - 1)
    doubt = 3 / np.sqrt((last - first) * max((b - a) / 1.9, 1))
    return excess[1] > doubt and 0.4 < excess[1] / max(excess[0], 1e-9) < 2.5


def _silent_without(part: Fragment, one: Fragment, layers: list[Layer]) -> bool:
    """Whether a faint part is not there while the strong one beside it pauses."""
    away = abs(part.low + part.high - one.low - one.high) / 2
    away = min(away, layers[0].rate - away)  # the band's ends are beside each other
    timing = next((layer for layer in layers if away >= 3 * layer.width), layers[-1])
    first, last = timing.rows(part.start, part.stop)
    theirs, mine = (timing.ratio[first:last, slice(*timing.bins(p.low, p.high))].mean(1) - 1 for p in (one, part))
    top = float(np.quantile(theirs, 0.9))
    on, off = theirs > 0.5 * top, theirs < 0.05 * top
    if on.sum() < 4 or off.sum() < 4:
        return False
    return float(mine[off].mean()) < _QUIET * float(mine[on].mean())
