# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Decision Log: a message sink that prints decisions and writes them as JSON lines."""

import json
import sys
from collections import Counter

import pmt
from gnuradio import gr
from gnuradio.wfm import keys, messages

from wfm_core.decisions import decision_json
from wfm_core.errors import WfmError


class decision_log(gr.basic_block):
    """One line a decision on standard output, one JSON line a window in a file; one line an event.

    Message ports in: `detects`, from a WFM Inference block, and `events`, from a WFM Event Tracker or a preset.

    Args:
        json_path: file for JSON lines, one decision each (wfm_core.decisions); "" for none, "-" for standard
            output, where then nothing else is written.
        sample_rate: Hz, for the times of windows that have no rx_time.
        quiet: print no line per decision; events are printed all the same.

    Raises:
        WfmError: the JSON file cannot be written.
    """

    def __init__(self, json_path: str = "", sample_rate: float = 1.92e6, quiet: bool = False):
        gr.basic_block.__init__(self, name="wfm_decision_log", in_sig=None, out_sig=None)
        self.message_port_register_in(keys.DETECTS)
        self.set_msg_handler(keys.DETECTS, self._on_detection)
        self.message_port_register_in(keys.EVENTS)
        self.set_msg_handler(keys.EVENTS, self._on_event)
        self._sample_rate = sample_rate
        self.to_stdout = json_path == "-"
        """JSON lines go to standard output, and nothing else should."""
        self._quiet = quiet or self.to_stdout
        self._file = _open(json_path)
        self._pending: list[messages.Detection] = []
        self._first_time: tuple[int, float] | None = None
        self.counts: Counter = Counter()
        """(task, label) -> decisions so far; positions count under the label ""."""
        self.windows = 0

    def stop(self) -> bool:
        self._write_window()
        if self._file is not None:
            self._file.flush()
        return True

    def set_sample_rate(self, sample_rate: float) -> None:
        self._sample_rate = sample_rate

    def summary(self) -> str:
        """Decisions counted by task and label, one sentence."""
        if not self.counts:
            return "no decisions"
        parts = [f"{task} {label or 'position'}: {count}" for (task, label), count in sorted(self.counts.items())]
        return f"{self.windows} windows decided; " + ", ".join(parts)

    def _on_detection(self, pdu: pmt.pmt_base) -> None:
        detection = messages.read_detection(pdu)
        if self._pending and self._pending[0].sample_start != detection.sample_start:
            self._write_window()
        self._pending.append(detection)
        self.counts[detection.task, detection.decision.get("label", "")] += 1
        if not self._quiet:
            print(f"{self._line(detection)}\n", end="", flush=True)  # in one piece: other threads print too

    def _write_window(self) -> None:
        """The tasks of one window make one JSON line; they come one after the other."""
        if not self._pending:
            return
        first, tasks = self._pending[0], {d.task: d.decision for d in self._pending}
        self._pending = []
        self.windows += 1
        if self._file is not None:
            time = None if first.rx_time is None else sum(first.rx_time)
            line = decision_json(first.sample_start, first.sample_count, tasks, rx_time=time, rx_freq=first.rx_freq)
            self._file.write(json.dumps(line) + "\n")

    def _line(self, detection: messages.Detection) -> str:
        freq = "frequency unknown" if detection.rx_freq is None else f"{detection.rx_freq / 1e6:11.4f} MHz"
        seconds = self._seconds(detection.sample_start, detection.rx_time)
        return f"{seconds:10.4f} s  {_answer(detection)}  {freq}  {detection.level:6.1f} dBFS"

    def _on_event(self, message: pmt.pmt_base) -> None:
        try:
            task, event = messages.read_event(message)
            line = f"{self._seconds(event.sample_start, event.rx_time):10.4f} s  {task} {event.label} {event.kind}s"
            if event.kind == "end":
                line += f" after {event.duration:.2f} s, score {event.score:.2f}"
        except Exception as error:  # noqa: BLE001 - whatever a stranger sends must not end the flowgraph
            self.logger.error(f"a message that is no event of a tracker was ignored: {error}")
            return
        if not self.to_stdout:
            print(line, flush=True)

    def _seconds(self, sample_start: int, rx_time: tuple[int, float] | None) -> float:
        """Seconds since the first decision's stream began, by the radio's clock where there is one."""
        offset = sample_start / self._sample_rate
        if rx_time is None:
            return offset
        secs, frac = rx_time
        if self._first_time is None:
            self._first_time = (secs, frac - offset)
        return (secs - self._first_time[0]) + (frac - self._first_time[1])


def _answer(detection: messages.Detection) -> str:
    decision = detection.decision
    if "position" in decision:
        return f"{detection.task} " + " ".join(f"{metres:8.2f} m" for metres in decision["position"])
    return f"{detection.task} {decision['label']:<12} {decision['score']:5.2f}"


def _open(path: str):
    if not path:
        return None
    if path == "-":
        return sys.stdout
    try:
        return open(path, "w", encoding="utf-8")
    except OSError as error:
        raise WfmError(
            f"decisions cannot be written to {path} ({error.strerror}): name a file in an existing folder"
        ) from error
