# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Event Tracker: decisions a window in, events with a begin and an end out."""

import pmt

from ..ports import keys, messages
from ..ports.block import message_block
from ..ports.guard import guarded
from .smoothing import Smoother


class event_tracker(message_block):
    """Smooths the answers of one task over windows (`.smoothing`) and says when something began and ended.

    Message ports in: `detects` and `status`, both from a WFM Inference block. The status ends events where a gate
    lets no more windows through, and at the end of the stream. Port out: `events`, a dict with event ("begin" or
    "end"), task, label, score (mean), sample_start, sample_count, duration (s), rx_time, rx_freq.

    Args:
        task: the task to follow; a position task makes no events.
        windows: answers that are smoothed over.
        method: "vote" or "probability".
        begin: an event begins when its label's share reaches this.
        end: it ends when the share falls below this.
        background: labels, with commas, that make no event.
        sample_rate: Hz.
        max_gap: samples without an answer that end an event.

    Raises:
        WfmError: a parameter out of its range.
    """

    def __init__(
        self,
        task: str = "interference",
        windows: int = 8,
        method: str = "probability",
        begin: float = 0.6,
        end: float = 0.4,
        background: str = "none",
        sample_rate: float = 1.92e6,
        max_gap: int = 32768,
    ):
        super().__init__(
            "wfm_event_tracker",
            takes={keys.DETECTS: self._on_detects, keys.STATUS: self._on_status},
            gives=(keys.EVENTS,),
        )
        labels = [label.strip() for label in background.split(",")]
        self._task, self._max_gap = task, max_gap
        self._smoother = Smoother(windows, method, begin, end, labels, sample_rate, max_gap)
        self._answered_to = 0

    def _on_status(self, status: pmt.pmt_base) -> None:
        # The queues of two ports are emptied in any order; behind the answers that came before it, it is in turn.
        self.to_basic_block()._post(keys.DETECTS, status)

    @guarded("a message on detects or status was ignored")
    def _on_detects(self, message: pmt.pmt_base) -> None:
        if pmt.is_dict(message) and not pmt.is_f32vector(pmt.cdr(message)):
            self._look_at_status(messages.read_control(message))
            return
        found = messages.read_detection(message)
        if found.task == self._task and found.label is not None:
            self._answered_to = found.sample_start + found.sample_count
            self._publish(self._smoother.add(found))

    def _look_at_status(self, status: dict) -> None:
        nothing_waits = status["queue_depth"] == 0
        here = status["samples_in"] - status.get("samples_before", 0)  # as the windows count
        silent = here - self._answered_to >= self._max_gap
        if status["ended"] or (nothing_waits and silent):
            self._publish(self._smoother.reset())

    def _publish(self, events) -> None:
        for event in events:
            self.message_port_pub(keys.EVENTS, messages.event_dict(self._task, event))
