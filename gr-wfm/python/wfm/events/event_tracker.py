# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Event Tracker: decisions a window in, events with a begin and an end out."""

import pmt

from ..ports import keys, messages
from ..ports.block import message_block
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

    def _on_detects(self, message: pmt.pmt_base) -> None:
        found = messages.read_detection(message)
        if found.task == self._task and found.label is not None:
            self._answered_to = found.sample_start + found.sample_count
            self._publish(self._smoother.add(found))

    def _on_status(self, message: pmt.pmt_base) -> None:
        self.handle_waiting(keys.DETECTS)  # the queues of two ports are emptied in any order
        status = messages.read_control(message)
        nothing_waits = status["queue_depth"] == 0
        here = status["samples_in"] - status.get("samples_before", 0)  # as the windows count
        silent = here - self._answered_to >= self._max_gap
        if status["ended"] or (nothing_waits and silent):
            self._publish(self._smoother.reset())

    def _publish(self, events) -> None:
        for event in events:
            self.message_port_pub(keys.EVENTS, messages.event_dict(self._task, event))
