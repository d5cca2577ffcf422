# SPDX-License-Identifier: GPL-3.0-or-later
"""From messages, which may come from anybody, to rows of `schema.EVENTS`, every value of which is checked."""

import math
import re
import secrets

from wfm_core.base.errors import WfmError
from wfm_core.messages.events import LONGEST_TEXT, Message

NS = 10**9
_MOST = 2**63 - 1
_MOST_RADIOS = 1024
_MOST_TASKS = 64
_SHA256 = re.compile(r"[0-9a-f]{64}")


class RowMaker:
    """Makes rows of what one listener hears at `site`.

    `event` messages that begin or end something make one row; with `decisions` the `decision` messages make one a
    label, too. `status` messages say by which model a radio decides; others make no row.

    Raises:
        WfmError: the name of the site is none.
    """

    def __init__(self, site: str, decisions: bool = False):
        self.site = _text("site", site)
        self._decisions = decisions
        self._models: dict[str, dict[str, tuple[str | None, str | None]]] = {}
        self._without_run: dict[str, tuple[str, dict[str, int]]] = {}

    def rows(self, message: Message, arrival_ns: int) -> list[dict]:
        """The rows of one message that came at `arrival_ns` (ns since 1970 UTC).

        Raises:
            WfmError: an event or decision with a value that a record does not take; nothing of it is kept.
        """
        if message.kind == "status":
            self._remember_model(message)
        elif message.kind == "event" and message.body.get("event") in ("begin", "end"):
            body = message.body
            return [self._row(message, arrival_ns, body["event"], body.get("task"), body)]
        elif message.kind == "decision" and self._decisions:
            labelled = {task: answer for task, answer in message.body["tasks"].items() if "label" in answer}
            return [self._row(message, arrival_ns, "decision", task, answer) for task, answer in labelled.items()]
        return []

    def _row(self, message: Message, arrival_ns: int, event: str, task: object, answer: dict) -> dict:
        body = message.body
        duration = _number("duration", body.get("duration"))
        if duration is not None and duration < 0:
            raise WfmError(f"an event of {duration} s: a duration of 0 or more is expected")
        lower, upper = (_number(name, body.get(name)) for name in ("freq_lower_edge", "freq_upper_edge"))
        if lower is not None and upper is not None and lower > upper:
            raise WfmError(f"an event from {lower} to {upper} Hz: the lower edge first is expected")
        time_ns = _radio_time(body.get("rx_time"))
        task = _text("task", task)
        model, sha256 = self._model(message.radio, task)
        return {
            "site": self.site,
            "radio": _text("radio", message.radio),
            "run": _text("run", message.run) if message.run else self._own_run(message),
            "sequence": message.sequence,
            "event": event,
            "task": task,
            "label": _text("label", answer.get("label")),
            "score": _number("score", answer.get("score")),
            "time_ns": _begin_of(arrival_ns, duration) if time_ns is None else time_ns,
            "radio_time": time_ns is not None,
            "arrival_ns": arrival_ns,
            "duration": duration,
            "freq_lower_edge": lower,
            "freq_upper_edge": upper,
            "rx_freq": _number("rx_freq", body.get("rx_freq")),
            "snr_db": _number("snr_db", body.get("snr_db")),
            "sample_start": _count("sample_start", body.get("sample_start")),
            "sample_count": _count("sample_count", body.get("sample_count")),
            "model": model,
            "model_sha256": sha256,
        }

    def _remember_model(self, status: Message) -> None:
        name, sha256, tasks = (status.body.get(key) for key in ("bundle", "bundle_sha256", "tasks"))
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_TEXT or "\0" in name:
            return  # the status of another block
        if len(self._models) >= _MOST_RADIOS and status.radio not in self._models:
            self._models.clear()
        known = self._models.setdefault(status.radio, {})
        sha256 = sha256 if isinstance(sha256, str) and _SHA256.fullmatch(sha256) else None
        for task in (tasks if isinstance(tasks, list) else [])[:_MOST_TASKS]:
            if len(known) >= _MOST_TASKS and task not in known:
                known.clear()
            if isinstance(task, str):
                known[task] = (name, sha256)

    def _model(self, radio: str, task: str) -> tuple[str | None, str | None]:
        return self._models.get(radio, {}).get(task, (None, None))

    def _own_run(self, message: Message) -> str:
        """Of a sender that says no run: it began again when its numbers go back."""
        if len(self._without_run) >= _MOST_RADIOS and message.radio not in self._without_run:
            self._without_run.clear()
        run, last = self._without_run.get(message.radio, ("", {}))
        if not run or message.sequence <= last.get(message.kind, -1):
            run, last = f"heard-{secrets.token_hex(8)}", {}
        last[message.kind] = message.sequence
        self._without_run[message.radio] = run, last
        return run


def _radio_time(rx_time: object) -> int | None:
    """ns since 1970, or None where the radio says no time, or one that 64 bits do not hold."""
    if rx_time is None:
        return None
    seconds, fraction = rx_time  # as the schema of messages has it
    time_ns = int(seconds) * NS + round(fraction * NS)
    return time_ns if time_ns <= _MOST else None


def _begin_of(arrival_ns: int, duration: float | None) -> int:
    return max(0, arrival_ns - round(min(duration or 0.0, arrival_ns / NS) * NS))


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
        shown = f"of {len(value)} characters" if isinstance(value, str) else repr(value)[:80]
        raise WfmError(f"an event whose {name} is {shown}: a text of 1 to {LONGEST_TEXT} characters is expected")
    if "\0" in value:  # PostgreSQL's texts have none
        raise WfmError(f"an event whose {name} {value[:80]!r} holds a zero character: text is expected")
    return value


def _number(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WfmError(f"an event whose {name} is {value!r:.80}: a number is expected")
    return float(value)


def _count(name: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise WfmError(f"an event whose {name} is {value!r:.80}: a whole number from 0 to {_MOST} is expected")
    return value
