# SPDX-License-Identifier: GPL-3.0-or-later
"""The events of WFM Signal Classifier: answers about found signals in, one event a signal out."""

import pmt

from ..ports import fields, keys, messages
from ..ports.block import message_block
from .signal_events import SignalEvents


class signal_tracker(message_block):
    """Says when each signal began and ended, by `SignalEvents`.

    Message ports in: `detects` and `status` of one engine. Port out: `events`, a dict as of `wfm.event_tracker`, with
    freq_lower_edge, freq_upper_edge (Hz) and snr_db of the signal when it was first heard.

    Args:
        task: the task to follow.
        events: what makes events of the answers.
        lossless: how far the finder is behind the stream is not known; then later answers alone end an event, so that
            every run gives the same.
    """

    def __init__(self, task: str, events: SignalEvents, lossless: bool = False):
        super().__init__(
            "wfm_signal_tracker",
            takes={keys.DETECTS: self._on_detects, keys.STATUS: self._on_status},
            gives=(keys.EVENTS,),
        )
        self._task, self._signals, self._lossless = task, events, lossless
        self._before = 0

    def start(self) -> None:
        self.forget_last_run()
        self._signals.reset()
        self._before = 0

    def _on_detects(self, message: pmt.pmt_base) -> None:
        found = messages.read_detection(message)
        if found.task == self._task and found.label is not None and found.freq_lower_edge is not None:
            self._publish(self._signals.add(found))

    def _on_status(self, message: pmt.pmt_base) -> None:
        self.handle_waiting(keys.DETECTS)  # the queues of two ports are emptied in any order
        status = messages.read_control(message)
        before = fields.whole(status, "samples_before", 0)
        if status["ended"] or before != self._before:  # after lock() and unlock() samples are counted from 0 again
            self._before = before
            self._publish(self._signals.reset())
        elif status["queue_depth"] == 0 and not self._lossless:
            self._publish(self._signals.passed(fields.whole(status, "samples_in") - before))

    def _publish(self, events) -> None:
        for event in events:
            self.message_port_pub(keys.EVENTS, messages.event_dict(self._task, event))
