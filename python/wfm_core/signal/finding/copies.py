# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a band that carry the same thing, as carriers of one transmitter's sound do, a few kHz apart."""

import numpy as np

from wfm_core.signal.finding.frames import Layer
from wfm_core.signal.finding.refine import Fragment

_APART = 12e3  # Hz between the middles of two copies
_WIDTHS = 1.0  # or of the wider one between the two
_SIDE = 4e3  # Hz beside the strongest bin, at most, that are compared
_CORE = 3  # bins beside it that are not: the carrier's own
_FEW_ROWS, _FEW_BINS = 6, 10
_NEXT = 8  # parts above in frequency, at most, that are compared with one
_LEVELS = 30.0  # power of one over that of the other
_LIKE, _SURE = 0.05, 5.0  # correlation of copies, and over its deviation where there is none
_TOGETHER = 0.7  # time that both are on over that of any


def copy_groups(parts: list[Fragment], layers: list[Layer]) -> list[list[Fragment]]:
    """The parts, those together that copy each other."""
    parts = sorted(parts, key=lambda p: p.low + p.high)
    group = list(range(len(parts)))
    for i, one in enumerate(parts):
        compared = 0
        for j in range(i + 1, len(parts)):
            if not _may_be_copies(one, parts[j]):
                continue
            compared += 1
            if compared > _NEXT:
                break
            if group[i] != group[j] and _copies(one, parts[j], layers[-1]):
                group = [group[i] if place == group[j] else place for place in group]
    return [[part for part, of in zip(parts, group, strict=True) if of == place] for place in dict.fromkeys(group)]


def _may_be_copies(one: Fragment, other: Fragment) -> bool:
    apart = (other.low + other.high - one.low - one.high) / 2
    widest = max(one.high - one.low, other.high - other.low)
    if apart > _APART and other.low - one.high > _WIDTHS * widest:
        return False
    if not 0 < max(one.level, other.level) < _LEVELS * min(one.level, other.level):
        return False
    shared = min(one.stop, other.stop) - max(one.start, other.start)
    return shared > _TOGETHER * (max(one.stop, other.stop) - min(one.start, other.start))


def _copies(one: Fragment, other: Fragment, layer: Layer) -> bool:
    """Whether what lies beside the strongest bin of each goes alike in time and frequency."""
    rows = layer.rows(max(one.start, other.start), min(one.stop, other.stop))
    if rows[1] - rows[0] < _FEW_ROWS:
        return False
    low, high = (_strongest(part, layer, rows) for part in (one, other))
    side = min(abs(high - low) // 2, int(_SIDE / layer.width))
    if side < _FEW_BINS or min(low, high) < side + 1 or max(low, high) + side + 2 > layer.shape.fft_size:
        return False
    mine = _pattern(layer, rows, low, side)
    # the bins of one need not lie as those of the other do
    like = max(float(np.sum(mine * _pattern(layer, rows, high + shift, side))) for shift in (-1, 0, 1))
    return like > max(_LIKE, _SURE / np.sqrt(mine.size / 2))


def _strongest(part: Fragment, layer: Layer, rows: tuple[int, int]) -> int:
    a, b = layer.bins(part.low, part.high)
    return a + int(np.argmax(layer.ratio[rows[0] : rows[1], a:b].sum(0, dtype=np.float64)))


def _pattern(layer: Layer, rows: tuple[int, int], middle: int, side: int) -> np.ndarray:
    """How log power beside a bin rises from each bin to the next but one, less what it does on average; of norm 1.

    Without the rises, what is loud and silent at times would go alike with whatever else is."""
    part = layer.ratio[rows[0] : rows[1], middle - side : middle + side + 1]
    part = np.log(np.maximum(part, 1e-3).astype(np.float64))
    left, right = part[:, : side - _CORE + 1], part[:, side + _CORE :]
    rises = np.concatenate([left[:, 2:] - left[:, :-2], right[:, 2:] - right[:, :-2]], axis=1)
    rises -= rises.mean(0)
    return rises / max(float(np.sqrt(np.sum(rises**2))), 1e-30)
