# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows that a waterfall shows: which samples one stands for, and the last ones. Without GNU Radio or Qt."""

from dataclasses import dataclass

import numpy as np

ROWS = 250
_TRANSFORMS_A_ROW = 64  # more cost time on the sample clock and show nothing new


@dataclass(frozen=True)
class RowPlan:
    """A row is the mean of `transforms` spectra, `hop` samples apart; it stands for `samples` samples."""

    transforms: int
    hop: int

    @property
    def samples(self) -> int:
        return self.transforms * self.hop


def plan_rows(sample_rate: float, seconds: float, fft_size: int) -> RowPlan:
    """So that ROWS rows are `seconds` long, as near as whole samples allow."""
    wanted = max(1, round(sample_rate * seconds / ROWS))
    transforms = min(max(1, wanted // fft_size), _TRANSFORMS_A_ROW)
    return RowPlan(transforms, max(1, wanted // transforms))


class RowRing:
    """The last ROWS rows, float32 [ROWS, fft_size] in dB; row number n stands for samples [n, n + 1) * samples.

    A row that was not seen yet is NaN.
    """

    def __init__(self, fft_size: int, samples: int):
        self._samples = samples
        self._levels = np.full((ROWS, fft_size), np.nan, np.float32)
        self._next = 0

    @property
    def end(self) -> int:
        """The sample after the newest row."""
        return self._next * self._samples

    def add(self, number: int, rows: np.ndarray) -> None:
        """Rows [n, fft_size] that follow each other from row `number`."""
        self._next = number + len(rows)
        rows = rows[-ROWS:]
        self._levels[np.arange(self._next - len(rows), self._next) % ROWS] = rows

    def clear(self) -> None:
        self._levels[:] = np.nan

    def newest_first(self) -> np.ndarray:
        """A copy [ROWS, fft_size]."""
        return self._levels[np.arange(self._next - 1, self._next - 1 - ROWS, -1) % ROWS]
