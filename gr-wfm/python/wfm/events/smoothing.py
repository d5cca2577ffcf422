# SPDX-License-Identifier: GPL-3.0-or-later
"""From one answer a window to events with a begin and an end. Pure logic."""

import math
from collections import Counter, deque

from wfm_core.base.errors import WfmError
from wfm_core.model.prototypes import UNKNOWN

from ..ports.event import Event
from ..ports.messages import Detection

METHODS = ("vote", "probability")


class Smoother:
    """A running vote, or mean probability, over the last `windows` answers, with hysteresis.

    An event of a label begins when the label's share reaches `begin`, and ends when it falls below `end`. It reaches
    from the first of the counted windows that answered the label to the last one. Windows not yet seen count against
    every label. A gap ends an event and forgets what was seen: `max_gap` samples or more without an answer, the same
    by the radio's clock, a stream that starts again, or another frequency.

    Args:
        windows: answers that count, at least 1.
        method: "vote" counts labels, "probability" averages probabilities ("unknown" answers count as unknown).
        begin, end: shares in 0 to 1, end at most begin.
        background: labels that make no event.
        sample_rate: Hz of the stream, for durations and for its clock.
        max_gap: samples; the tracker forgives less.

    Raises:
        WfmError: a parameter out of its range; the sentence says both.
    """

    def __init__(self, windows: int, method: str, begin: float, end: float, background, sample_rate: float, max_gap):
        if windows < 1:
            raise WfmError(f"smoothing over {windows} windows, at least 1 is expected")
        if method not in METHODS:
            raise WfmError(f"smoothing method is {method!r}, one of {', '.join(METHODS)} is expected")
        if not 0 < end <= begin <= 1:
            raise WfmError(f"shares begin {begin:g} and end {end:g}: 0 < end <= begin <= 1 is expected")
        if not (sample_rate > 0 and max_gap > 0):
            raise WfmError(f"sample rate {sample_rate:g} Hz and gap {max_gap:g} samples: both must be positive")
        self._method, self._begin, self._end = method, begin, end
        self._background = frozenset(background)
        self._rate, self._max_gap = sample_rate, max_gap
        self._recent: deque[Detection] = deque(maxlen=windows)
        self._label: str | None = None
        self._said: list[float] = []
        self._first: Detection | None = None
        self._last: Detection | None = None

    @property
    def label(self) -> str | None:
        """The event under way, or None."""
        return self._label

    def add(self, answer: Detection) -> list[Event]:
        """The next window's label; returns what ended and began with it, in this order."""
        events = self.reset() if self._recent and self._is_gap(self._recent[-1], answer) else []
        self._recent.append(answer)
        if answer.label == self._label:
            self._last = answer
            self._said.append(answer.decision["score"])
        shares = self._shares()
        if self._label is not None and shares[self._label] < self._end:
            events.append(self._close())
        if self._label is None:
            events += self._open(shares)
        return events

    def reset(self) -> list[Event]:
        """Forget what was seen; returns the end of the event under way, if there was one."""
        events = [] if self._label is None else [self._close()]
        self._recent.clear()
        return events

    def _is_gap(self, before: Detection, now: Detection) -> bool:
        if is_gap(before, now, self._max_gap):
            return True
        if before.rx_time is None or now.rx_time is None:
            return False
        advance = now.sample_start - before.sample_start
        return abs(_elapsed(before, now) * self._rate - advance) >= self._max_gap

    def _shares(self) -> Counter:
        total = Counter()
        for answer in self._recent:
            if self._method == "vote" or answer.label == UNKNOWN:
                total[answer.label] += 1.0
            else:
                total.update(answer.decision["probabilities"])
        return Counter({label: share / self._recent.maxlen for label, share in total.items()})

    def _open(self, shares: Counter) -> list[Event]:
        label, share = max(shares.items(), key=lambda item: item[1])
        matching = [answer for answer in self._recent if answer.label == label]
        # Float sums of shares such as 0.1 may fall just short of the share that was asked for.
        reached = share > self._begin or math.isclose(share, self._begin, abs_tol=1e-6)
        if label in self._background or not reached or not matching:
            return []
        self._label, self._first, self._last = label, matching[0], matching[-1]
        self._said = [answer.decision["score"] for answer in matching]
        return [self._event("begin")]

    def _close(self) -> Event:
        event = self._event("end")
        self._label, self._said = None, []
        return event

    def _event(self, kind: str) -> Event:
        first, last = self._first, self._last
        count = last.sample_start + last.sample_count - first.sample_start
        return Event(
            kind=kind,
            label=self._label,
            score=sum(self._said) / len(self._said),
            sample_start=first.sample_start,
            sample_count=count,
            duration=count / self._rate,
            rx_time=first.rx_time,
            rx_freq=first.rx_freq,
        )


def is_gap(before: Detection, now: Detection, max_gap: int) -> bool:
    """Whether `max_gap` samples or more are missing in between, the stream began again, or at another frequency."""
    advance = now.sample_start - before.sample_start
    return advance <= 0 or advance - before.sample_count >= max_gap or before.rx_freq != now.rx_freq


def _elapsed(before: Detection, now: Detection) -> float:
    """Seconds between two windows' first samples by the radio's clock; whole seconds apart, to keep the precision."""
    return (now.rx_time[0] - before.rx_time[0]) + (now.rx_time[1] - before.rx_time[1])
