# SPDX-License-Identifier: GPL-3.0-or-later
"""One box for each signal, of those that the views of a frame show."""

import numpy as np

from wfm_core.signal.finding.candidates import Candidate

_INSIDE = 0.6  # share of a box's area within another that makes the two say the same
_SIMPLER = 0.03  # what one box may explain less than several, of its energy


def choose(found: list[Candidate], cells: list[tuple[float, float]]) -> list[Candidate]:
    """The candidates that explain the frame best, none of which lies in another.

    cells: (samples, Hz) of a cell of each view, by which boxes are blurred. From the largest down: a box is given up
    for those of another view that lie in it if these explain more; else what lies in it is.
    """
    if not found:
        return []
    order = np.argsort([-c.area for c in found], kind="stable")
    boxes = [found[i] for i in order]
    edges = np.array([(c.start, c.stop, c.low, c.high) for c in boxes])
    blur = np.array([cells[c.view] for c in boxes])
    worth = np.array([c.worth for c in boxes])
    view = np.array([c.view for c in boxes])
    own = (edges[:, 1] - edges[:, 0]) * (edges[:, 3] - edges[:, 2])
    left = np.ones(len(boxes), bool)
    chosen = []
    for place, box in enumerate(boxes):
        if not left[place]:
            continue
        time = np.minimum(edges[:, 1], box.stop + blur[place, 0]) - np.maximum(edges[:, 0], box.start - blur[place, 0])
        band = np.minimum(edges[:, 3], box.high + blur[place, 1]) - np.maximum(edges[:, 2], box.low - blur[place, 1])
        inside = np.clip(time, 0, None) * np.clip(band, 0, None) >= _INSIDE * own
        inside &= left
        inside[place] = False
        best = max((worth[inside & (view == v)].sum() for v in range(len(cells)) if v != box.view), default=0.0)
        left[place] = False
        if best - _SIMPLER * box.energy > worth[place]:
            continue
        chosen.append(box)
        left &= ~inside
    return chosen
