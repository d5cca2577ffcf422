# SPDX-License-Identifier: GPL-3.0-or-later
"""What a frame's boxes are to each other: one's echo, one's sidebands, one's other tone."""

from itertools import islice

import numpy as np

from wfm_core.signal.finding.candidates import Candidate
from wfm_core.signal.finding.copies import copy_groups
from wfm_core.signal.finding.frames import Layer, likeness
from wfm_core.signal.finding.refine import Fragment
from wfm_core.signal.finding.skirts import mirrored

_QUIET = 0.3  # power of a line between bursts, over that within them, of a line of its own
_ALIKE = 0.6  # correlation of two tones' levels
_FARTHEST, _ONE_POWER = 20.0, 30.0  # widths of the narrower between two tones, and power of one over that of the other
_NEXT = 8  # parts above in frequency, at most, that are compared with one
_TEETH = 6  # lines that make a comb
_SKIPPED = 10.5  # steps of a comb from one line that is seen to the next, at most
_MANY, _THIN, _EQUAL = 12, 10, 3.0  # lines as narrow (bins) and equal (dB) as only those of one code or grid are
_LASTING = 0.5  # time over that of the longest part, of a comb's lines
_SHORT = 64  # of the shortest rows: bursts that are told by when they begin and end
_MOSTLY = 0.6  # share of a sideband's time that its carrier is on
_SUBCARRIER = 12e3  # Hz beside a carrier in which its subcarriers and sidebands are


def without_echoes(boxes: list[Candidate], layers: list[Layer], layer_of: list[int]) -> list[Candidate]:
    """Leaves out lines that are there only while shorter, wider boxes over them are: their blurred picture."""
    kept = []
    for box in boxes:
        layer = layers[min(layer_of[box.view], len(layers) - 1)]
        over = [
            one
            for one in boxes
            if one is not box
            and one.stop - one.start < 0.7 * (box.stop - box.start) + layer.shape.hop
            and one.high - one.low > 1.5 * (box.high - box.low)
            and min(one.high, box.high) - max(one.low, box.low) > 0.7 * (box.high - box.low)
            and min(one.stop, box.stop + layer.shape.hop) > max(one.start, box.start - layer.shape.hop)
        ]
        if not over or not _echo(box, over, layer):
            kept.append(box)
    return kept


def _echo(box: Candidate, over: list[Candidate], layer: Layer) -> bool:
    first, last = layer.rows(box.start, box.stop)
    a, b = layer.bins(box.low, box.high)
    excess = np.nan_to_num(layer.ratio[first:last, a:b].mean(1) - 1)
    hop, reach = layer.shape.hop, layer.shape.reach
    at = (np.arange(first, last) + 0.5) * hop
    covered = np.zeros(last - first, bool)
    for one in over:
        covered |= (at > one.start - reach - hop / 2) & (at < one.stop + reach + hop / 2)
    if not covered.any():
        return False
    if covered.all():
        return True
    return excess[~covered].mean() < _QUIET * excess[covered].mean()


def joined(parts: list[Fragment], layers: list[Layer]) -> list[Fragment]:
    """Fragments of which those that are one signal's are one: carriers with sidebands, then tones in turn,
    then copies."""
    parts = _tones_joined(_sidebands_joined(_combs_joined(parts), layers), layers)
    return [combined(group) if len(group) > 1 else group[0] for group in copy_groups(parts, layers)]


def combined(parts: list[Fragment]) -> Fragment:
    first = min(part.first for part in parts)
    last = max(part.first + len(part.power) for part in parts)
    power, noise = np.zeros(last - first, np.float32), np.zeros(last - first, np.float32)
    for part in parts:
        where = slice(part.first - first, part.first - first + len(part.power))
        power[where] += part.power
        noise[where] = np.maximum(noise[where], part.noise)
    holes = noise == 0
    if holes.any():
        noise[holes] = np.interp(np.flatnonzero(holes), np.flatnonzero(~holes), noise[~holes])
    start, stop = min(part.start for part in parts), max(part.stop for part in parts)
    low, high = min(part.low for part in parts), max(part.high for part in parts)
    return Fragment(start, stop, low, high, first, power, noise, max(part.on for part in parts), parts[0].grid)


def _combs_joined(parts: list[Fragment]) -> list[Fragment]:
    """Lines that are on at the same time, at equal distances: of a television picture, of a clock. Or so many of equal
    power that they are those of a code that repeats, or the pilots of a grid of carriers that fills the band."""
    left = sorted(parts, key=lambda q: -q.length)
    while len(left) >= _TEETH:
        # with the longest of them: hops come one after another
        longest = left[0]
        lines = [p for p in left if min(p.stop, longest.stop) - max(p.start, longest.start) > _LASTING * longest.length]
        left = [p for p in left if not any(p is line for line in lines)]
        for teeth in _combs(sorted(lines, key=lambda p: p.low + p.high)):
            parts = [p for p in parts if not any(p is tooth for tooth in teeth)] + [combined(teeth)]
    return parts


def _combs(lines: list[Fragment]) -> list[list[Fragment]]:
    """The combs among parts that are on together, in order of frequency."""
    if len(lines) < _TEETH:
        return []
    middles = np.array([(p.low + p.high) / 2 for p in lines])
    grid = lines[0].grid
    apart = np.diff(middles)
    # the distance that is there most often
    alike = np.abs(apart[:, None] - apart) < 2 * grid
    alike &= (apart > 4 * grid)[:, None]
    step = float(apart[alike[np.argmax(alike.sum(1))]].mean()) if alike.any() else 0.0
    thin = [n for n, p in enumerate(lines) if step and p.high - p.low < 0.4 * step + 2 * grid]
    combs: list[list[int]] = []
    for n in thin:
        for comb in combs:
            steps = (middles[n] - middles[comb[-1]]) / step
            if 0.5 < steps < _SKIPPED and abs(steps - round(steps)) * step < 0.04 * step + grid:
                comb.append(n)
                break
        else:
            combs.append([n])
    combs = [comb for comb in combs if len(comb) >= _TEETH]
    narrow = [n for n, p in enumerate(lines) if p.high - p.low < _THIN * grid]
    if len(narrow) >= _MANY and np.std([10 * np.log10(max(lines[n].level, 1e-30)) for n in narrow]) < _EQUAL:
        combs = [narrow]
    return [[lines[n] for n in comb] for comb in combs]


def _same_time(one: Fragment, other: Fragment) -> bool:
    shared = min(one.stop, other.stop) - max(one.start, other.start)
    return shared > 0.7 * (max(one.stop, other.stop) - min(one.start, other.start))


def _sidebands_joined(parts: list[Fragment], layers: list[Layer]) -> list[Fragment]:
    """Each line, and each wider part, with those beside it that have their mirror image on its other side."""
    finest = layers[-1]
    parts = list(parts)
    for line in sorted(parts, key=lambda p: -p.level):
        if not any(p is line for p in parts):
            continue
        middle, own = (line.low + line.high) / 2, line.high - line.low
        # beside a line as far as subcarriers are, beside what is wide only close by
        thin = own < 8 * finest.width
        far, most = (_SUBCARRIER, 0.7) if thin else (1.2 * own, 1.5)
        mine = [
            p
            for p in parts
            if p is not line
            and 0 < p.level < most * line.level
            and p.low > middle - far
            and p.high < middle + far
            and (p.high <= middle or p.low >= middle)
            and (thin or max(line.low - p.high, p.low - line.high) < 0.1 * own)
            and min(p.stop, line.stop) - max(p.start, line.start) > _MOSTLY * p.length
            and mirrored(p, middle, finest)
        ]
        if mine:
            parts = [p for p in parts if p is not line and not any(p is m for m in mine)]
            parts.append(combined([line, *mine]))
    return parts


def _coincide(one: Fragment, other: Fragment, hop: int) -> bool:
    """Whether two short bursts beside each other begin and end together: too short to see how their levels go."""
    apart = abs(one.start - other.start) + abs(one.stop - other.stop)
    beside = other.low - one.high < max(one.high - one.low, other.high - other.low)
    return beside and one.length < _SHORT * hop and apart < 0.1 * one.length + hop


def _twins(one: Fragment, other: Fragment) -> bool:
    """Whether two parts close beside each other are of equal width and power: tones too fast to see them take turns."""
    wide, next_ = one.high - one.low, other.high - other.low
    close = other.low - one.high < 0.35 * min(wide, next_)
    return close and 0.7 < wide / next_ < 1.4 and 0.6 < one.level / max(other.level, 1e-30) < 1.7


def _tones_joined(parts: list[Fragment], layers: list[Layer]) -> list[Fragment]:
    parts = sorted(parts, key=lambda p: p.low)
    place = 0
    while place < len(parts):
        one = parts[place]
        after = islice((other for other in parts[place + 1 :] if _may_be_tones(one, other)), _NEXT)
        match = next((other for other in after if _tones(one, other, layers)), None)
        if match is None:
            place += 1
        else:
            parts = [p for p in parts if p is not match]
            parts[place] = combined([one, match])
    return parts


def _may_be_tones(one: Fragment, other: Fragment) -> bool:
    gap, levels = other.low - one.high, (one.level, max(other.level, 1e-30))
    # one transmitter sends its tones, as narrow, at about one power
    far = _FARTHEST * min(one.high - one.low, other.high - other.low)
    return 0 <= gap <= far and max(levels) < _ONE_POWER * min(levels) and _same_time(one, other)


def _tones(one: Fragment, other: Fragment, layers: list[Layer]) -> bool:
    if _coincide(one, other, layers[0].shape.hop) or _twins(one, other):
        return True
    return likeness(one.start, one.stop, (one.low, one.high), (other.low, other.high), layers) > _ALIKE
