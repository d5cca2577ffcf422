# SPDX-License-Identifier: GPL-3.0-or-later
"""Several observations of one signal make one decision: bursts and pieces in the same place of the band."""

import numpy as np

LEAST_OVERLAP = 0.6
"""Of two bands, common over joint width, from which on they count as the same signal's."""
_LEAST = 1e-6


def pooled(bands: list[tuple[float, float]], probabilities: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Probabilities [n, K] of observations in `bands` (lower, upper; Hz) -> those of the signal that each belongs to.

    The mean of the logarithms, normalised: as if each observation had the same say. Beside them, how many observations
    each signal has. Observations go to the first signal whose (mean) band they share, widest overlap first.
    """
    signals: list[list[int]] = []
    edges: list[np.ndarray] = []
    for index, band in enumerate(bands):
        best = max(range(len(edges)), key=lambda one: _overlap(edges[one], band), default=None)
        if best is None or _overlap(edges[best], band) < LEAST_OVERLAP:
            signals.append([])
            edges.append(np.array(band, float))
            best = len(edges) - 1
        signals[best].append(index)
        edges[best] += (np.array(band) - edges[best]) / len(signals[best])
    out, counts = np.array(probabilities), [0] * len(bands)
    for members in signals:
        log = np.log(np.maximum(probabilities[members], _LEAST)).mean(0)
        share = np.exp(log - log.max())
        out[members] = share / share.sum()
        for member in members:
            counts[member] = len(members)
    return out, counts


def _overlap(a, b) -> float:
    common = min(a[1], b[1]) - max(a[0], b[0])
    return max(common, 0.0) / max(max(a[1], b[1]) - min(a[0], b[0]), 1e-9)
