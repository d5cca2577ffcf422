# SPDX-License-Identifier: GPL-3.0-or-later
"""One box for each signal, of those that the views of a frame show."""

from collections.abc import Callable

import numpy as np

from wfm_core.signal.finding.candidates import Candidate

_INSIDE = 0.6  # share of a box's area within another that makes the two say the same
_SIMPLER = 0.03  # what one box may explain less than several, of its energy
_EXPLAINED = 0.5  # share of a box's energy that makes it the blurred picture of others
_STREWN = 0.25  # share of power outside of a signal's band that makes a shorter box over it more than its picture
_SKIRT = 0.05  # power over that of a box beside it, of what only belongs to that box


def choose(
    found: list[Candidate], cells: list[tuple[float, float]], cut: Callable[[Candidate], list[Candidate]]
) -> list[Candidate]:
    """The boxes that explain the frame best, none of which shows what another does.

    cells: (samples, Hz) of a cell of each view, by which boxes are blurred. cut: gives a candidate's signals, at least
    one. From the best down: a box is given up for those of another view that lie in it if these explain more, or where
    chosen ones explain it already; else what lies in its signals is given up.
    """
    if not found:
        return []
    boxes = sorted(found, key=lambda c: -c.worth)
    edges = np.array([(c.start, c.stop, c.low, c.high) for c in boxes])
    blur = np.array([cells[c.view] for c in boxes])
    worth = np.array([c.worth for c in boxes])
    energy = np.array([c.energy for c in boxes])
    density = energy / np.array([c.area for c in boxes])
    view = np.array([c.view for c in boxes])
    own = (edges[:, 1] - edges[:, 0]) * (edges[:, 3] - edges[:, 2])
    left = np.ones(len(boxes), bool)
    chosen: list[Candidate] = []
    taken = np.zeros((0, 4))
    for place, box in enumerate(boxes):
        if not left[place]:
            continue
        left[place] = False
        wide = _widened(edges[place], blur[place])
        if len(taken):
            theirs = (taken[:, 1] - taken[:, 0]) * (taken[:, 3] - taken[:, 2])
            explained = np.array([c.energy for c in chosen]) * _both(taken, wide) / theirs
            if float(explained.sum()) >= _EXPLAINED * box.energy:
                continue
        inside = (_both(edges, wide) / own >= _INSIDE) & left
        best = max((worth[inside & (view == v)].sum() for v in range(len(cells)) if v != box.view), default=0.0)
        if best - _SIMPLER * box.energy > worth[place]:
            continue
        for piece in cut(box):
            mine = np.array([piece.start, piece.stop, piece.low, piece.high])
            inside = _both(edges, _widened(mine, blur[place])) / own >= _INSIDE
            outer = _both(edges, _widened(np.array(piece.outer), blur[place])) / own >= _INSIDE
            skirt = outer & (density < _SKIRT * piece.energy / piece.area)
            strewn = _strewn(boxes, edges, piece.outer, mine, blur[place], left)
            left &= ~inside & ~skirt & ~strewn
            chosen.append(piece)
            taken = np.concatenate([taken, mine[None]])
    return chosen


def _strewn(boxes, edges, outer, mine, blur, left) -> np.ndarray:
    """What a signal looks like in views of wider bins, and what it strews where it is switched: during it, over its
    band or next to it, with the most of the power in its band."""
    low, high = mine[2] - blur[1], mine[3] + blur[1]
    during = (edges[:, 0] >= outer[0] - 2 * blur[0]) & (edges[:, 1] <= outer[1] + 2 * blur[0])
    over = left & during & (edges[:, 2] <= high) & (edges[:, 3] >= low)
    for place in np.flatnonzero(over):
        box = boxes[place]
        width = (box.high - box.low) / len(box.bins)
        over[place] = box.outside(low - 1.5 * width, high + 1.5 * width) < _STREWN
    return over


def _widened(box: np.ndarray, blur: np.ndarray) -> np.ndarray:
    return box + np.array([-blur[0], blur[0], -blur[1], blur[1]])


def _both(edges: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Area that each of `edges` shares with `box`."""
    time = np.minimum(edges[:, 1], box[1]) - np.maximum(edges[:, 0], box[0])
    band = np.minimum(edges[:, 3], box[3]) - np.maximum(edges[:, 2], box[2])
    return np.clip(time, 0, None) * np.clip(band, 0, None)
