# SPDX-License-Identifier: GPL-3.0-or-later
"""From answers about found signals to one event a signal, with a begin and an end. Pure logic."""

from dataclasses import dataclass, field

from wfm_core.base.errors import WfmError
from wfm_core.scan.pooling import LEAST_OVERLAP, overlap

from ..ports.event import Event
from ..ports.messages import Detection

_MOST_OPEN = 256
"""Events under way; the one that was silent longest ends when there are more."""


@dataclass
class _Open:
    """An event under way."""

    first: Detection
    end: int
    scores: list[float] = field(default_factory=list)

    def band(self) -> tuple[float, float]:
        return self.first.freq_lower_edge, self.first.freq_upper_edge


class SignalEvents:
    """A signal's event begins with the first answer about it. Answers in the same place of the band make it longer,
    where they begin at most `max_gap` samples after its end: the pieces of a long signal, and bursts that follow each
    other. It ends when the stream has gone on so far that a further one would have been reported, when the next signal
    in its place is, or when the answer changes; with the stream at the latest. An event's edges are those of the first
    answer.

    Args:
        sample_rate: Hz, for durations.
        max_gap: samples between two bursts of one event, at most.
        memory: samples from a signal's begin to its report, at most.
        background: labels that make no event.

    Raises:
        WfmError: a rate, gap or memory that is none.
    """

    def __init__(self, sample_rate: float, max_gap: int, memory: int, background):
        if not (sample_rate > 0 and max_gap >= 0 and memory >= 0):
            raise WfmError(
                f"events of signals at {sample_rate:g} Hz with a gap of {max_gap} and a memory of {memory} samples: a "
                "positive rate is expected, and neither of the others below 0"
            )
        self._rate, self._max_gap, self._memory = sample_rate, max_gap, memory
        self._background = frozenset(background)
        self._open: list[_Open] = []

    def add(self, found: Detection) -> list[Event]:
        """The next answer, in the order in which signals were reported. Returns what ended and began with it."""
        here = found.sample_start + found.sample_count
        events = self.passed(here)
        before = self._event_of(found)
        if before is not None and before.first.label == found.label:
            before.end = max(before.end, here)
            before.scores.append(found.decision["score"])
            return events
        ended = self._over(found) if before is None else [before]
        events += [self._close(one) for one in ended]
        if found.label in self._background:
            return events
        if len(self._open) >= _MOST_OPEN:
            events.append(self._close(min(self._open, key=lambda one: one.end)))
        begun = _Open(found, here, [found.decision["score"]])
        self._open.append(begun)
        return [*events, self._event("begin", begun)]

    def passed(self, position: int) -> list[Event]:
        """All that was reported of the samples before `position` has been added. Returns what ended."""
        over = [one for one in self._open if one.end + self._max_gap + self._memory < position]
        return [self._close(one) for one in over]

    def reset(self) -> list[Event]:
        """The stream has ended, or begins again. Returns the ends of all events under way."""
        return [self._close(one) for one in list(self._open)]

    def _event_of(self, found: Detection) -> _Open | None:
        band = found.freq_lower_edge, found.freq_upper_edge
        near = [
            one
            for one in self._open
            if found.sample_start <= one.end + self._max_gap
            and one.first.sample_start <= found.sample_start + found.sample_count + self._max_gap
            and overlap(one.band(), band) >= LEAST_OVERLAP
        ]
        return max(near, key=lambda one: overlap(one.band(), band), default=None)

    def _over(self, found: Detection) -> list[_Open]:
        """Those in the same place of the band that ended before it: what came between would have been reported."""
        band = found.freq_lower_edge, found.freq_upper_edge
        return [
            one
            for one in self._open
            if found.sample_start > one.end + self._max_gap and overlap(one.band(), band) >= LEAST_OVERLAP
        ]

    def _close(self, one: _Open) -> Event:
        self._open.remove(one)
        return self._event("end", one)

    def _event(self, kind: str, of: _Open) -> Event:
        first, count = of.first, of.end - of.first.sample_start
        return Event(
            kind=kind,
            label=first.label,
            score=sum(of.scores) / len(of.scores),
            sample_start=first.sample_start,
            sample_count=count,
            duration=count / self._rate,
            rx_time=first.rx_time,
            rx_freq=first.rx_freq,
            freq_lower_edge=first.freq_lower_edge,
            freq_upper_edge=first.freq_upper_edge,
            snr_db=first.snr_db,
        )
