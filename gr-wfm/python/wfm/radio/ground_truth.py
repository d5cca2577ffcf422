# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated radio really sent, by time."""

import bisect
from dataclasses import dataclass

from ..ports.messages import Detection


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
        """The label that the detection should have; None as well where it has no time."""
        return None if found.rx_time is None else self.label(found.rx_time, found.sample_count, found.task)
