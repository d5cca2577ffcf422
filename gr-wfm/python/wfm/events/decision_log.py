# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Decision Log: a message sink that prints decisions and writes them as JSON lines."""

import sys
from collections import Counter
from contextlib import suppress

import pmt

from wfm_core.base.quantities import measured_in, shown
from wfm_core.messages.decisions import decision_json
from wfm_core.messages.output import STDOUT, JsonLines, Terminal

from ..ports import keys, messages
from ..ports.block import message_block
from ..ports.guard import guarded
from .window_lines import WindowLines


class decision_log(message_block):
    """One line a decision on standard output, one JSON line a window in a file; one line an event.

    A window's line is in the file as soon as its tasks are decided. A message that is no decision or event is logged,
    counted (`refused`) and ignored. When the file or standard output takes no more, that is logged once and no more is
    written there; the flowgraph goes on, and `failure()` says it at the end.

    Message ports in: `detects`, from a WFM Inference block, and `events`, from a WFM Event Tracker or a preset.

    Args:
        json_path: file for JSON lines, one decision each (wfm_core.messages.decisions); "" for none, "-" for standard
            output, where then nothing else is written.
        sample_rate: Hz, for the times of windows that have no rx_time.
        quiet: print no line per decision; events are printed all the same.

    Raises:
        WfmError: the JSON file cannot be written.
    """

    ENDS_LAST = True

    def __init__(self, json_path: str = "", sample_rate: float = 1.92e6, quiet: bool = False):
        super().__init__("wfm_decision_log", takes={keys.DETECTS: self._on_detection, keys.EVENTS: self._on_event})
        self._sample_rate = sample_rate
        self.to_stdout = json_path == STDOUT
        """JSON lines go to standard output, and nothing else should."""
        self._quiet = quiet or self.to_stdout
        self._json = JsonLines(json_path) if json_path else None
        self._terminal = Terminal()
        self._reported: set[str] = set()
        self._windows = WindowLines(self._write_window)
        self._first_time: tuple[int, float] | None = None
        self.counts: Counter = Counter()
        """(task, label) -> decisions so far; positions count under the label ""."""
        self.windows = 0

    def stop(self) -> None:
        self._windows.finish()

    def set_sample_rate(self, sample_rate: float) -> None:
        self._sample_rate = sample_rate

    def failure(self) -> str:
        """One sentence on what could not be written, or ""."""
        failures = [self._json.failure if self._json else "", self._terminal.failure()]
        return "; ".join(failure for failure in failures if failure)

    def say(self, text: str) -> None:
        """Print a line on standard output; once that fails nothing more is."""
        self._terminal.say(text)
        self._report(self._terminal.failure())

    def summary(self) -> str:
        """Decisions counted by task and label, one sentence."""
        ignored = f"; {self.refused} messages ignored" if self.refused else ""
        if not self.counts:
            return f"no decisions{ignored}"
        parts = [f"{task} {label or 'position'}: {count}" for (task, label), count in sorted(self.counts.items())]
        return f"{self.windows} windows decided; " + ", ".join(parts) + ignored

    def _on_detection(self, pdu: pmt.pmt_base) -> None:
        detection = messages.read_detection(pdu)
        self.counts[detection.task, detection.decision.get("label", "")] += 1
        self._windows.add(detection)
        if not self._quiet:
            self.say(self._line(detection))

    @guarded("a decision was not written")
    def _write_window(self, answers: list[messages.Detection]) -> None:
        first, tasks = answers[0], {answer.task: answer.decision for answer in answers}
        self.windows += 1
        if self._json is not None:
            self._json.write(
                decision_json(
                    first.sample_start,
                    first.sample_count,
                    tasks,
                    rx_time=first.rx_time,
                    rx_freq=first.rx_freq,
                    band=messages.band_of(first),
                    origin=first.origin,
                )
            )
            self._report(self._json.failure)

    def _report(self, failure: str) -> None:
        if failure and failure not in self._reported:
            self._reported.add(failure)
            self.complain(f"{failure}; the flowgraph goes on without")

    def complain(self, sentence: str) -> None:
        """In the log, which GNU Radio writes to standard output, unless that has only JSON lines or takes no more."""
        if self.to_stdout or self._terminal.failure():
            with suppress(OSError, ValueError):
                print(f"wfm_decision_log: {sentence}", file=sys.stderr, flush=True)
        else:
            super().complain(sentence)

    def _line(self, detection: messages.Detection) -> str:
        seconds = self._seconds(detection.sample_start, detection.rx_time)
        return f"{seconds:10.4f} s  {_answer(detection)}  {_frequency(detection)}  {detection.level:6.1f} dBFS"

    def _on_event(self, message: pmt.pmt_base) -> None:
        task, event = messages.read_event(message)
        line = f"{self._seconds(event.sample_start, event.rx_time):10.4f} s  {task} {event.label} {event.kind}s"
        if event.freq_lower_edge is not None:
            line += f" at {_middle_and_width(event)}"
        if event.kind == "end":
            line += f" after {event.duration:.2f} s, score {event.score:.2f}"
        if not self.to_stdout:
            self.say(line)

    def _seconds(self, sample_start: int, rx_time: tuple[int, float] | None) -> float:
        """Seconds since the first decision's stream began, by the radio's clock where there is one."""
        offset = sample_start / self._sample_rate
        if rx_time is None:
            return offset
        secs, frac = rx_time
        if self._first_time is None:
            self._first_time = (secs, frac - offset)
        return (secs - self._first_time[0]) + (frac - self._first_time[1])


def _frequency(detection: messages.Detection) -> str:
    """The middle of a signal and its width, or that of the band."""
    if detection.freq_lower_edge is None:
        return "frequency unknown" if detection.rx_freq is None else f"{detection.rx_freq / 1e6:11.4f} MHz"
    return _middle_and_width(detection)


def _middle_and_width(found) -> str:
    """Of a detection or an event with edges."""
    middle = 0.5 * (found.freq_lower_edge + found.freq_upper_edge)
    return f"{middle / 1e6:11.4f} MHz, {(found.freq_upper_edge - found.freq_lower_edge) / 1e3:.1f} kHz wide"


def _answer(detection: messages.Detection) -> str:
    decision = detection.decision
    if measured_in(decision):
        return f"{detection.task} {shown(decision, 8)}"
    return f"{detection.task} {decision['label']:<12} {decision['score']:5.2f}"
