# SPDX-License-Identifier: GPL-3.0-or-later
"""What only the simulated radio allows, as it knows the truth: judging decisions, enrolling classes by itself.

Not in the palette: examples call `judge` and `teach` from a snippet once their blocks are there.
"""

from collections import Counter

import pmt

from wfm_core.messages.output import Terminal
from wfm_core.model.prototypes import UNKNOWN

from ..ports import keys, messages
from ..ports.block import message_block

_TEACH_WINDOWS = 20


def judge(top_block, source, **blocks) -> list:
    """Compare the `detects` of each of `blocks` with the truth that `source` (a `wfm.sdr_source`) knows.

    Returns what has `summary()` for the last lines of a run; empty for a radio or a recording, that know no truth.
    """
    truth = source.truth()
    tallies = [Tally(truth, name.replace("_", " ")) for name in blocks] if truth else []
    for tally, block in zip(tallies, blocks.values(), strict=False):
        top_block.msg_connect(block, "detects", tally, "detects")
    return tallies


def teach(top_block, source, head, names: tuple[str, ...]) -> list:
    """Enrol the senders `names` in `head` (a `wfm.task_head`), each when it is first heard, then judge it as `judge`.

    With a radio or a recording nothing is done: there the user knows who is on the air.
    """
    truth = source.truth()
    if not truth:
        return []
    teacher = Teacher(truth, names)
    top_block.msg_connect(head, "detects", teacher, "detects")
    top_block.msg_connect(head, "events", teacher, "events")
    top_block.msg_connect(teacher, "control", head, "control")
    return [teacher]


class Tally(message_block):
    """Message port in: `detects`. Windows across the truth's borders, and those of a pause, are not counted.

    A found signal is compared with the one that was on in its place in time and frequency; one that names noise where
    nothing is, is right.
    """

    def __init__(self, truth, name: str, takes=None, gives=()):
        super().__init__("wfm_tally", {keys.DETECTS: self._on_detection, **(takes or {})}, gives)
        self._truth, self._name = truth, name
        self.counts: Counter = Counter()
        """(task, whether the sender is one of the task's classes, "right", "wrong" or "unknown") -> windows."""
        self._named: set[str] = set()

    def summary(self) -> str:
        """One line a task, such as "band: classification right in 181 of 200 windows (90.5 %), 3 unknown"."""
        lines, what = [], "found signals" if self._truth.labels else "windows"
        for task in sorted({task for task, _, _ in self.counts}):
            right, wrong, unknown = (self.counts[task, True, kind] for kind in ("right", "wrong", "unknown"))
            of = right + wrong + unknown
            share = f" ({right / of:.1%})" if of else ""
            lines.append(f"{self._name}: {task} right in {right} of {of} {what}{share}, {unknown} unknown")
            if strange := sum(self.counts[task, False, kind] for kind in ("wrong", "unknown")):
                found = self.counts[task, False, "unknown"]
                lines.append(f"{self._name}: {task} of unknown senders called unknown in {found} of {strange} {what}")
        if self._truth.labels:
            missed = [label for label in self._truth.labels if label not in self._named]
            never = f"; never {', '.join(missed)}" if missed else ""
            lines.append(
                f"{self._name}: {len(self._truth.labels) - len(missed)} of {len(self._truth.labels)} signals of the "
                f"scene named right at least once{never}"
            )
        return "\n".join(lines) or f"{self._name}: no {what.removesuffix('s')} was judged"

    def _on_detection(self, pdu: pmt.pmt_base) -> None:
        found = messages.read_detection(pdu)
        truth = self._truth.label_of(found)
        if truth is not None:
            self._count(found, truth)

    def _count(self, found: messages.Detection, truth: str) -> None:
        if "label" not in found.decision:
            return
        label = found.decision["label"]
        known = truth in found.decision["probabilities"]
        answer = "unknown" if label == UNKNOWN else "right" if label == truth else "wrong"
        self.counts[found.task, known, answer] += 1
        if label == truth:
            self._named.add(label)


class Teacher(Tally):
    """Asks for an enrolment when the head has just judged a window of a sender that it should know, but does not.

    It goes by what the head has judged, not by what was received: the windows that come next are of the same sender.
    Message ports in: `detects` and `events` of the head; out: `control`, for the head.
    """

    def __init__(self, truth, names: tuple[str, ...]):
        super().__init__(truth, "enrolled", {keys.EVENTS: self._on_event}, (keys.CONTROL,))
        self._terminal = Terminal()
        self._missing = list(names)
        self._busy = False

    def _on_detection(self, pdu: pmt.pmt_base) -> None:
        self.handle_waiting(keys.EVENTS)
        found = messages.read_detection(pdu)
        truth = self._truth.label_of(found)
        if truth is None:
            return
        if truth in self._missing and not self._busy:
            self._busy = True
            self._missing.remove(truth)
            order = {keys.ENROL: truth, keys.WINDOWS: _TEACH_WINDOWS}
            self.message_port_pub(keys.CONTROL, pmt.to_pmt(order))
        elif not self._missing and not self._busy:
            self._count(found, truth)

    def _on_event(self, message: pmt.pmt_base) -> None:
        event = messages.read_control(message)
        self._terminal.say(f"{event['event']}: {event['text']}")
        self._busy = self._busy and event["event"] not in ("enrolled", "refused")
