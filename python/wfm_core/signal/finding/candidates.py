# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a frame's power stands out of the floor: boxes, as one resolution shows them."""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage, special

_SPREAD = 1.12  # floors are known that well


@dataclass(frozen=True)
class View:
    """A layer, with `group` bins of it averaged to one, and means of `rows` rows and `bins` such bins compared."""

    layer: int
    group: int
    rows: int
    bins: int

    def freedom(self) -> float:
        """Mean of exponentials that such a mean varies like: Hann windows at half a row's hop, bins and rows depend on
        their neighbours (power correlates by 4/9, 1/36 between bins one and two apart, and 1/36 between rows)."""
        bins = self.group * self.bins
        along = sum((bins - abs(k)) * {0: 1, 1: 4 / 9, 2: 1 / 36}.get(abs(k), 0) for k in range(1 - bins, bins))
        down = self.rows + 2 * (self.rows - 1) / 36
        return (self.rows * bins) ** 2 / (along * down)


VIEWS = (View(0, 1, 2, 2), View(1, 1, 3, 3), View(2, 8, 3, 3), View(2, 1, 3, 3))


@dataclass(frozen=True)
class Candidate:
    """Slots [row0, row1) in samples from the frame's begin, edges in Hz, energy over noise and area, both in units of
    independent cells of noise; outer: the same four edges with what hangs on to it nearby."""

    view: int
    start: float
    stop: float
    low: float
    high: float
    energy: float
    area: float
    outer: tuple[float, float, float, float]
    bins: np.ndarray = field(repr=False, compare=False)  # energy in each bin from `low` to `high`

    def outside(self, low: float, high: float) -> float:
        """Share of its energy in bins that lie wholly outside of low..high (Hz)."""
        edges = self.low + np.arange(len(self.bins) + 1) * (self.high - self.low) / len(self.bins)
        apart = (edges[1:] <= low) | (edges[:-1] >= high)
        return float(self.bins[apart].sum() / max(self.bins.sum(), 1e-30))

    @property
    def worth(self) -> float:
        """Log likelihood won by saying that noise of more power is in the box."""
        return self.energy - self.area * np.log1p(self.energy / self.area)


def thresholds(view: View, cells_per_second: float, false_alarms: float) -> tuple[float, float]:
    """Ratios to the floor: what a box must have somewhere, and what belongs to it."""
    freedom = view.freedom()
    chance = min(false_alarms / cells_per_second, 0.01)
    high = special.gammainccinv(freedom, chance) / freedom
    low = special.gammainccinv(freedom, 0.015) / freedom
    return float(high * _SPREAD), float(low * _SPREAD)


def grouped(ratio: np.ndarray, group: int) -> np.ndarray:
    if group == 1:
        return ratio
    return ratio.reshape(len(ratio), -1, group).mean(2)


def candidates(
    place: int, view: View, ratio: np.ndarray, hop: int, rate: float, limits: tuple[float, float]
) -> list[Candidate]:
    """Boxes of one view. ratio: float32 [rows, fft_size], power over the floor."""
    cells = grouped(ratio, view.group)
    mean = ndimage.uniform_filter(cells, (view.rows, view.bins), mode="constant", cval=1.0)
    strong = mean > limits[0]
    if not strong.any():
        return []
    mask = mean > limits[1]
    labels, count = ndimage.label(ndimage.binary_dilation(mask, np.ones((3, 3), bool)))
    kept = np.zeros(count + 1, bool)
    kept[np.unique(labels[strong])] = True
    kept[0] = False
    labels *= mask
    width = rate / cells.shape[1]
    unit = hop * width / rate
    found = []
    for label, where in enumerate(ndimage.find_objects(labels), start=1):
        if where is None or not kept[label]:
            continue
        energy = np.where(labels[where] == label, np.maximum(cells[where] - 1, 0), 0)
        if not energy.any():  # cells can be marked for what is beside them alone
            continue
        rows_at, bins_at = _most(energy.sum(1)), _most(energy.sum(0))
        start, stop = where[0].start + rows_at[0], where[0].start + rows_at[1]
        low, high = where[1].start + bins_at[0], where[1].start + bins_at[1]
        area = (stop - start) * (high - low) * unit
        # of all that hangs together, what is near
        rows_near, bins_near = 2 + (stop - start) // 10, 2 + 3 * (high - low) // 10
        whole = (max(where[0].start, start - rows_near) * hop, min(where[0].stop, stop + rows_near) * hop)
        whole += (
            max(where[1].start, low - bins_near) * width - rate / 2,
            min(where[1].stop, high + bins_near) * width - rate / 2,
        )
        found.append(
            Candidate(
                place, start * hop, stop * hop, low * width - rate / 2, high * width - rate / 2,
                float(energy.sum()) * unit, max(area, 0.5), whole, energy[:, bins_at[0] : bins_at[1]].sum(0),
            )
        )  # fmt: skip
    return found


def _most(energy: np.ndarray, left_out: float = 0.005) -> tuple[int, int]:
    """First and last + 1 place of what holds all but `left_out` of the energy at each side."""
    total = np.cumsum(energy)
    whole = total[-1]
    first = int(np.searchsorted(total, left_out * whole, side="right"))
    last = int(np.searchsorted(total, (1 - left_out) * whole, side="left"))
    return min(first, len(energy) - 1), min(last, len(energy) - 1) + 1
