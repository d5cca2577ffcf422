# SPDX-License-Identifier: GPL-3.0-or-later
"""Several observations of one signal make one decision: bursts and pieces in the same place of the band."""

from collections import deque

import numpy as np

LEAST_OVERLAP = 0.6
"""Of two bands, common over joint width, from which on they count as the same signal's."""
_LEAST = 1e-6


class Pool:
    """Observations by the signal that they are of. Those that came more than `seconds` before the newest are forgotten.

    Args:
        seconds: how long an observation counts.
        most: observations of one signal that count; the oldest are forgotten.
    """

    def __init__(self, seconds: float = np.inf, most: int | None = None):
        self._seconds, self._most = seconds, most
        self._signals: list[_Pooled] = []

    def add(self, band: tuple[float, float], probabilities: np.ndarray, when: float = 0.0) -> "_Pooled":
        """One more observation: probabilities [K] in `band` (lower, upper; Hz) at `when` (seconds).

        It goes to the signal whose (mean) band it shares most, if that is `LEAST_OVERLAP`, or begins another. Returns
        the signal, which grows with those that come.
        """
        self._forget(when - self._seconds)
        best = max(self._signals, key=lambda one: overlap(one.band, band), default=None)
        if best is None or overlap(best.band, band) < LEAST_OVERLAP:
            best = _Pooled(band, self._most)
            self._signals.append(best)
        best.add(band, probabilities, when)
        return best

    @property
    def signals(self) -> int:
        """How many are remembered."""
        return len(self._signals)

    def _forget(self, before: float) -> None:
        for one in self._signals:
            one.forget(before)
        self._signals = [one for one in self._signals if one.count]


class _Pooled:
    """The observations of one signal."""

    def __init__(self, band: tuple[float, float], most: int | None):
        self.band = np.array(band, float)
        """Mean lower and upper edge, Hz."""
        self._logs: deque[tuple[float, np.ndarray]] = deque(maxlen=most)

    @property
    def count(self) -> int:
        """Of its observations."""
        return len(self._logs)

    def add(self, band: tuple[float, float], probabilities: np.ndarray, when: float) -> None:
        self._logs.append((when, np.log(np.maximum(probabilities, _LEAST))))
        self.band += (np.array(band) - self.band) / self.count

    def forget(self, before: float) -> None:
        while self._logs and self._logs[0][0] < before:
            self._logs.popleft()

    def probabilities(self) -> np.ndarray:
        """[K]: the mean of the logarithms, normalised, as if each observation had the same say."""
        log = np.mean([log for _, log in self._logs], 0)
        share = np.exp(log - log.max())
        return share / share.sum()


def pooled(bands: list[tuple[float, float]], probabilities: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Probabilities [n, K] of observations in `bands` -> those of the signal that each belongs to, and how many it has.

    All are taken together, see `Pool`.
    """
    pool = Pool()
    signals = [pool.add(band, row) for band, row in zip(bands, probabilities, strict=True)]
    out = np.array(probabilities)
    if signals:
        out[:] = [signal.probabilities() for signal in signals]
    return out, [signal.count for signal in signals]


def overlap(a, b) -> float:
    """Common over joint width of two bands (lower, upper)."""
    common = min(a[1], b[1]) - max(a[0], b[0])
    return max(common, 0.0) / max(max(a[1], b[1]) - min(a[0], b[0]), 1e-9)
