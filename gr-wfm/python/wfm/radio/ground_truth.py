# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated radio really sent, by time and, where signals are on beside each other, by frequency."""

import bisect
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from ..ports.messages import Detection

NO_SIGNAL = "noise"
"""The truth about a box that no signal of the scene is in."""
_LEAST_SHARE = 0.5
"""Of a box's time, and of the narrower one of two widths, that it must share with a signal to be it."""


@dataclass(frozen=True)
class GroundTruth:
    """Segments of a scene of `samples` samples per antenna, played (and repeated) from `start_time` on.

    segments: as `wfm_core.synth.scenes.rendering.Segment`, in rising order; start_time: (whole seconds, fraction)
    of the scene's first sample; sample_rate in Hz.
    """

    segments: list
    sample_rate: float
    start_time: tuple[int, float]
    samples: int

    def position(self, rx_time: tuple[int, float]) -> int:
        """The index in the scene of the sample received at `rx_time`; sample loss does not shift it."""
        elapsed = (rx_time[0] - self.start_time[0]) + (rx_time[1] - self.start_time[1])
        return round(elapsed * self.sample_rate) % self.samples

    def label(self, rx_time: tuple[int, float], sample_count: int, task: str = "") -> str | None:
        """The label of a window, or None for one that is not wholly inside one segment.

        task: whose label, where the scene has labels for several tasks.
        """
        first = self.position(rx_time)
        before = bisect.bisect_right(self.segments, first, key=lambda s: s.sample_start) - 1
        if before < 0:
            return None
        segment = self.segments[before]
        inside = first + sample_count <= segment.sample_start + segment.sample_count
        if not inside:
            return None
        return segment.labels.get(task, segment.label) if task else segment.label

    def label_of(self, found: Detection) -> str | None:
        """The label that the detection should have; None as well where it has no time.

        Of a scene whose signals are on beside each other only a detection with edges has one: that of the signal which
        shares most of its time, at least half of it, and half of the narrower width; else `NO_SIGNAL`. Pauses between
        a signal's pulses count as its time.
        """
        if found.rx_time is None:
            return None
        if not self.labels:
            return self.label(found.rx_time, found.sample_count, found.task)
        if found.freq_lower_edge is None:
            return None
        middle = found.rx_freq or 0.0
        return self._signal(found, found.freq_lower_edge - middle, found.freq_upper_edge - middle)

    @cached_property
    def labels(self) -> list[str]:
        """Of the signals that are on beside each other; none of a scene of turns."""
        return sorted({segment.label for segment in self.segments if segment.edges is not None})

    def _signal(self, found: Detection, lower: float, upper: float) -> str:
        first = self.position(found.rx_time)
        there = [segment for segment in self.segments if _shares_band(segment.edges, lower, upper)]
        shared: Counter = Counter()
        for begin in (first, first - self.samples):  # it may have begun before the scene was repeated
            on: dict[str, tuple[int, int]] = {}
            for segment in there:
                start = max(segment.sample_start, begin)
                end = min(segment.sample_start + segment.sample_count, begin + found.sample_count)
                if end > start:
                    before = on.get(segment.label, (start, end))
                    on[segment.label] = min(before[0], start), max(before[1], end)
            for label, (start, end) in on.items():
                shared[label] += end - start
        label, samples = shared.most_common(1)[0] if shared else (NO_SIGNAL, 0)
        return label if samples >= _LEAST_SHARE * found.sample_count else NO_SIGNAL


def _shares_band(edges: tuple[float, float], lower: float, upper: float) -> bool:
    """Whether a signal's edges share enough with those of a box."""
    low, high = edges
    return min(high, upper) - max(low, lower) >= _LEAST_SHARE * min(high - low, upper - lower)
