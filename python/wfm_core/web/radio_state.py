# SPDX-License-Identifier: GPL-3.0-or-later
"""One radio on the page: where it is tuned to, how it does, and the last rows of its spectrum."""

import math
from collections import deque
from collections.abc import Iterator

from wfm_core.messages.events import LONGEST_TEXT, Message

MOST_ROWS = 160
_STATUS = (
    "bundle", "device", "engine", "windows_inferred", "windows_dropped", "windows_undecided", "undecided_because",
    "samples_in", "samples_lost", "samples_lost_estimated", "overflows", "coverage", "latency_ms_p50",
    "latency_ms_p95", "ended", "error",
)  # fmt: skip
_LARGEST = 2**53
"""A whole number that JavaScript holds exactly."""


class RadioState:
    """The texts and numbers that a radio's messages say, bounded."""

    def __init__(self, site: str, name: str):
        self._site, self._name = site, name
        self._run = ""
        self._freq: float | None = None
        self._sample_rate: float | None = None
        self._heard = 0.0
        self._status: dict = {}
        self._notice = ""
        self._rows: deque[dict] = deque(maxlen=MOST_ROWS)
        self.change = 0

    def hear(self, message: Message, arrival: float, change: int) -> None:
        """A message came. With another run samples count from zero again: rows from before have no place there."""
        if message.run != self._run:
            self._run = message.run
            self._rows.clear()
            self._status, self._notice = {}, ""
        self._heard, self.change = arrival, change
        freq = message.body.get("rx_freq")
        if _is_number(freq):
            self._freq = float(freq)

    def add_row(self, body: dict, change: int) -> None:
        """A row of the spectrum, checked against the schema of messages."""
        self._sample_rate = body["sample_rate"]
        names = ("sample_start", "sample_count", "sample_rate", "rx_freq", "lowest", "step", "levels")
        row = {name: body[name] for name in names if name in body}
        self._rows.append({"site": self._site, "radio": self._name, "run": self._run, **row, "change": change})

    def add_status(self, body: dict) -> None:
        self._status.update({name: body[name] for name in _STATUS if name in body and _is_plain(body[name])})

    def add_notice(self, body: dict) -> None:
        if isinstance(text := body.get("text"), str):
            self._notice = text[:LONGEST_TEXT]

    def to_json(self) -> dict:
        return {
            "site": self._site,
            "radio": self._name,
            "run": self._run,
            "rx_freq": self._freq,
            "sample_rate": self._sample_rate,
            "heard": self._heard,
            "status": dict(self._status),
            "notice": self._notice,
        }

    def rows_since(self, change: int) -> Iterator[dict]:
        return (row for row in self._rows if row["change"] > change)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return isinstance(value, bool) or (_is_number(value) and abs(value) <= _LARGEST)
