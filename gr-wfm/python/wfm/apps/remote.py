# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two ends of remote inference need around their flowgraphs: whose samples were taken, and which were lost."""

import os
import socket
import threading
import time

import pmt

from wfm_core.messages.output import Terminal

from ..ports import fields, keys, messages
from ..ports.block import message_block
from .example_run import exit_status, inference_summary, radio_status
from .shutdown import Running

_POLL_SECONDS = 0.1
_MOST_SESSIONS = 1024
_QUIET_SECONDS = 2.5  # more than two status messages of an inference host apart


def session() -> str:
    """A name for this run of an inference host: another one after a restart."""
    return f"{socket.gethostname()}-{os.getpid()}"


def serve(inference, address: str, answers: str, seconds: float) -> None:
    """Say that an inference host listens; end its flowgraph after `seconds` by the clock, with 0 when it is told to."""
    Terminal().say(f"ready: samples from {address}, decisions at {answers}")
    if seconds > 0:
        timer = threading.Timer(seconds, inference.finish)
        timer.daemon = True
        timer.start()


def finish(inference) -> int:
    """Sum up an inference host that has ended; returns the exit status."""
    status, terminal = inference.status(), Terminal()
    terminal.say(inference_summary(status))
    return exit_status(status["error"], terminal)


def account(top_block, subscriber) -> "Account":
    """What the inference hosts heard by `subscriber` (a `wfm.event_subscriber`) say that they took."""
    made = Account()
    top_block.msg_connect(subscriber, "status", made, "status")
    return made


def run(top_block, source, link, log, account: "Account") -> None:
    """Run a started radio host until the stream into `link` (a `wfm.sample_publisher`) has ended and the inference
    hosts have nothing more to say, then leave the program: a listener for messages alone would keep it running.
    """
    running = Running(top_block, source, link)
    running.end_on_signals(link.finish)
    while not (running.over() or link.ended()):
        time.sleep(_POLL_SECONDS)
    before, since = account.taken(), time.monotonic()
    while time.monotonic() - since < _QUIET_SECONDS and not running.interrupted:
        time.sleep(_POLL_SECONDS)
        if account.taken() != before:
            before, since = account.taken(), time.monotonic()

    def sum_up(interrupted: bool) -> int:
        log.say(account.summary(source, link, log))
        return max(exit_status("", log), radio_status(source, interrupted))

    running.leave(sum_up)


class Account(message_block):
    """Message port in: `status`, of a `wfm.event_subscriber`. Sessions are told apart by their name."""

    def __init__(self):
        super().__init__("wfm_account", takes={keys.STATUS: self._on_status})
        self._sessions: dict[str, tuple[int, int]] = {}

    def sessions(self) -> dict[str, tuple[int, int]]:
        """Session -> samples it took, and samples that it saw missing among them, by its last status."""
        return dict(self._sessions)

    def taken(self) -> int:
        return sum(taken for taken, _ in self.sessions().values())

    def summary(self, source, link, log) -> str:
        """The last lines of a radio host. Blocks: `wfm.sdr_source`, `wfm.sample_publisher`, `wfm.decision_log`."""
        sent, taken = link.samples_sent(), self.taken()
        gaps = sum(lost for _, lost in self.sessions().values())
        return (
            f"{log.summary()}\n"
            f"{sent} samples a channel sent, {taken} taken by {len(self._sessions)} sessions of inference, "
            f"{sent - taken} lost on the way or while nobody listened; "
            f"gaps that the sessions saw: {gaps} samples; lost in the radio: {source.samples_lost()}"
        )

    def _on_status(self, message: pmt.pmt_base) -> None:
        status = messages.read_control(message)
        if "samples_in" not in status or "radio" not in status:
            return  # the subscriber's own counts, or another program's status
        session = fields.text(status, "radio")
        if len(self._sessions) >= _MOST_SESSIONS and session not in self._sessions:
            raise ValueError(f"more than {_MOST_SESSIONS} sessions of inference: this one is left out")
        self._sessions[session] = fields.whole(status, "samples_in"), fields.whole(status, "samples_lost")
