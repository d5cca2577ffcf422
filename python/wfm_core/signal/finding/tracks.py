# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals over frames: what a frame's parts continue, and when a signal has ended."""

import numpy as np

from wfm_core.signal.finding.cutting import LEAST_GAP, gap_for
from wfm_core.signal.finding.refine import Fragment, quantile_edges
from wfm_core.signal.finding.settings import FoundSignal

_DURING, _ACROSS = 0.8, 0.1  # shares of its time and band, of what is a part of a stronger one
_GAP, _NARROW, _WEAK = 0.1, 0.4, 0.1  # distance and width over that one's width, and power, of what may be beside it

_STANDS_OUT = 10.0  # density over that of a stronger one, of a signal of its own in that


def _same(low: float, high: float, other_low: float, other_high: float) -> float:
    """Width that two bands share over the width of both together."""
    return (min(high, other_high) - max(low, other_low)) / (max(high, other_high) - min(low, other_low))


def core(power: np.ndarray, first: int) -> tuple[float, float]:
    """Bins between which the middle 60 % of the power lies."""
    low, high = quantile_edges(power, 1.0, 0.2)
    return first + low, first + high


class Track:
    """A signal that goes on. Spectra are on the finest grid: power summed over time, and noise."""

    def __init__(self, part: Fragment):
        self.start, self.stop, self.on = part.start, part.stop, part.on
        self.low, self.high = part.low, part.high
        self.first, self.power, self.noise = part.first, part.power.copy(), part.noise.copy()
        self.length = part.stop - part.start
        self.cut = False

    def takes(self, part: Fragment, rate: float) -> bool:
        gap = max(part.start - self.stop, self.start - part.stop) / rate
        wide, other = self.high - self.low, part.high - part.low
        if gap > gap_for(max(wide, other)):
            return False
        if _same(self.low, self.high, part.low, part.high) >= 0.5:
            return True
        if not 0.25 < part.level / max(self.level, 1e-30) < 4.0:
            return False
        both = min(self.high, part.high) - max(self.low, part.low)
        if gap <= LEAST_GAP and both >= 0.5 * min(wide, other) and max(wide, other) < 20 * min(wide, other):
            return True
        # a carrier with and without sidebands
        return gap <= 0.02 and _same(*core(self.power, self.first), *core(part.power, part.first)) > 0.3

    def add(self, part: Fragment) -> None:
        self.add_power(part)
        self.start, self.stop = min(self.start, part.start), max(self.stop, part.stop)
        self.low, self.high = min(self.low, part.low), max(self.high, part.high)
        self.length += part.stop - part.start
        self.on += part.on
        if self.length > 0.25 * (self.stop - self.start):
            self.low, self.high = self.edges()

    def add_power(self, part: "Fragment | Track") -> None:
        first = min(self.first, part.first)
        last = max(self.first + len(self.power), part.first + len(part.power))
        power, noise = np.zeros(last - first, np.float32), np.zeros(last - first, np.float32)
        for one in (self, part):
            where = slice(one.first - first, one.first - first + len(one.power))
            power[where] += one.power
            noise[where] = np.maximum(noise[where], one.noise)
        self.first, self.power, self.noise = first, power, noise

    @property
    def level(self) -> float:
        return float(self.power.sum()) / max(self.on, 1.0)

    def within(self, other: "Track") -> bool:
        """Whether this is a part of a stronger one: in a frame that showed it in pieces."""
        time = min(self.stop, other.stop) - max(self.start, other.start)
        band = min(self.high, other.high) - max(self.low, other.low)
        if other is self or time < _DURING * (self.stop - self.start):
            return False
        width, whole = self.high - self.low, other.high - other.low
        if self.level * whole > _STANDS_OUT * other.level * width:
            return False
        beside = band > -_GAP * whole and width < _NARROW * whole and self.level < _WEAK * other.level
        return beside or (band >= _ACROSS * width and self.level < other.level)

    def edges(self) -> tuple[float, float]:
        low, high = quantile_edges(self.power, self.grid)
        origin = (self.first - 0.5) * self.grid - self.half
        return origin + low, origin + high

    grid = half = 0.0  # set by Tracks for all of its tracks


def _whole(found: list[Track], others: list[Track]) -> list[Track]:
    """Of the tracks `found`, those that are no part of another; the power of parts goes to what they are part of."""
    kept = sorted(found, key=lambda track: track.level)
    for part in list(kept):
        wholes = [other for other in (*kept, *others) if part.within(other)]
        if wholes:
            max(wholes, key=lambda other: other.level).add_power(part)
            kept = [one for one in kept if one is not part]
    return kept


class Tracks:
    """Those that are on, of a stream of `rate` whose finest bins are `grid` Hz."""

    def __init__(self, rate: float, grid: float, max_duration: float, min_snr: float):
        self.rate, self.max_duration, self.min_snr = rate, max_duration, min_snr
        self.kind = type("_Track", (Track,), {"grid": grid, "half": rate / 2})
        self.open: list[Track] = []

    def frame(self, parts: list[Fragment], stop: float) -> list[FoundSignal]:
        """Takes a frame's parts; `stop`: the frame's end in samples. Returns what has ended."""
        for part in sorted(parts, key=lambda one: (one.start, one.low)):
            takers = [track for track in self.open if track.takes(part, self.rate)]
            if not takers:
                self.open.append(self.kind(part))
                continue
            best = max(takers, key=lambda track: _same(track.low, track.high, part.low, part.high))
            best.add(part)
        found, still = [], []
        for track in self.open:
            if (stop - track.stop) / self.rate > gap_for(track.high - track.low):
                found.append(track)
            elif (track.stop - track.start) / self.rate >= self.max_duration:
                track.cut = True
                found.append(track)
            else:
                still.append(track)
        self.open = still
        return self._said(_whole(found, still))

    def finish(self) -> list[FoundSignal]:
        found, self.open = self.open, []
        return self._said(_whole(found, []))

    def _said(self, tracks: list[Track]) -> list[FoundSignal]:
        said = []
        for track in tracks:
            low, high = track.edges()
            low, high = max(low, -self.rate / 2), min(high, self.rate / 2)
            power = float(track.power.sum()) / max(track.on, 1.0)
            a, b = (int(round((edge + track.half) / track.grid + 0.5)) - track.first for edge in (low, high))
            a = min(max(a, 0), len(track.noise) - 1)
            noise = float(track.noise[a : max(b, a + 1)].mean()) * max((high - low) / track.grid, 1e-9)
            if power <= 0 or noise <= 0:
                continue
            snr = 10 * np.log10(power / noise)
            if snr < self.min_snr:
                continue
            start = int(round(track.start))
            said.append(
                FoundSignal(
                    start, max(int(round(track.stop)) - start, 1), low, high, float(snr), float(10 * np.log10(power)),
                    whole_band=high - low > 0.97 * self.rate, cut=track.cut,
                )
            )  # fmt: skip
        return sorted(said, key=lambda one: (one.sample_start, one.freq_lower_edge))
