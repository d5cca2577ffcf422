# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recording's captures say of its samples: frequency, time, where they break and how many are missing there.

The fields of a capture hold for its own samples only (SigMF): what it does not state is unknown, whatever the capture
before it said.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import pairwise

TIME_TOLERANCE = 1.5
"""Samples by which a capture's time may miss the predicted one, the same as in window_tap."""
CLOCK_SET = 3600.0
"""Seconds: a clock that jumps so far, or back, was set, unless global indices say that samples are missing. One that
jumps less tells of samples that a radio lost, before they were counted where there are indices, as WFM Recorder has."""


@dataclass(frozen=True)
class Capture:
    """From `sample_start` on: the tuned frequency in Hz, the UTC time (whole seconds, fraction) of that sample, and its
    number in the stream that was recorded; None where it is not stated. `time_step` is the time's last decimal, s."""

    sample_start: int
    center_freq: float | None = None
    rx_time: tuple[int, float] | None = None
    global_index: int | None = None
    time_step: float = 0.0


class Timeline:
    """Frequency and time of every sample of `samples`, and where windows must not cross.

    Attributes:
        pieces: captures in the order of their samples, the first at sample 0, one for each sample at most, none at the
            end. A time that only repeats, rounded, what global indices say exactly is replaced by the exact one.
        breaks: samples, ascending, at which the frequency or the time changes otherwise than by going on, becomes
            known or unknown, or samples are missing.
        lost: sample -> number of samples missing in front of it, for those breaks where global indices say it; 0 where
            the clock was set.
    """

    def __init__(self, captures: tuple[Capture, ...], sample_rate: float, samples: int):
        self._rate = sample_rate
        self.pieces: list[Capture] = []
        self.breaks: list[int] = []
        self.lost: dict[int, int] = {}
        for capture in _in_order(captures, samples):
            self.pieces.append(self._joined(self.pieces[-1], capture) if self.pieces else capture)
        self._starts = [piece.sample_start for piece in self.pieces]

    def center_freq_at(self, sample: int) -> float | None:
        """Hz; None where it is unknown."""
        return self._piece(sample).center_freq

    def rx_time_at(self, sample: int) -> tuple[int, float] | None:
        """The UTC time (whole seconds, fraction) of `sample`, counted on from its capture's; None if unknown."""
        piece = self._piece(sample)
        return None if piece.rx_time is None else self._later(piece.rx_time, sample - piece.sample_start)

    def _piece(self, sample: int) -> Capture:
        return self.pieces[max(bisect_right(self._starts, sample) - 1, 0)]

    def _later(self, time: tuple[int, float], samples: int) -> tuple[int, float]:
        whole, fraction = divmod(time[1] + samples / self._rate, 1.0)
        return time[0] + int(whole), fraction

    def _joined(self, before: Capture, capture: Capture) -> Capture:
        """`capture` as it continues `before`; notes the break between them, if there is one."""
        ahead = capture.sample_start - before.sample_start
        predicted = None if before.rx_time is None else self._later(before.rx_time, ahead)
        off = None  # seconds from the predicted time to the stated one, where both are known
        if predicted is not None and capture.rx_time is not None:
            off = (capture.rx_time[0] - predicted[0]) + (capture.rx_time[1] - predicted[1])
        retuned = before.center_freq != capture.center_freq
        appears = (predicted is None) != (capture.rx_time is None)
        jumps = off is not None and abs(off) * self._rate > TIME_TOLERANCE
        if before.global_index is not None and capture.global_index is not None:
            missing = capture.global_index - before.global_index - ahead
            if not missing and jumps and abs(off) <= min(before.time_step, capture.time_step):
                jumps, capture = False, replace(capture, rx_time=predicted, time_step=before.time_step)
            if missing:
                self.lost[capture.sample_start] = max(missing, 0)
                jumps = True
        if jumps and off is not None and not 0 < off < CLOCK_SET:
            self.lost.setdefault(capture.sample_start, 0)
        if retuned or appears or jumps:
            self.breaks.append(capture.sample_start)
        return capture


def _in_order(captures: tuple[Capture, ...], samples: int) -> list[Capture]:
    """By sample; of several at one sample the last; those at the end speak of no sample."""
    ordered = [c for c in sorted(captures, key=lambda capture: capture.sample_start) if c.sample_start < samples]
    if not ordered or ordered[0].sample_start > 0:
        ordered.insert(0, Capture(0))
    return [c for c, after in pairwise([*ordered, None]) if after is None or after.sample_start > c.sample_start]
