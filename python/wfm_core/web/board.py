# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page shows of what was heard, within limits, and what of it has changed since a page last asked."""

import math
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from wfm_core.base.errors import WfmError
from wfm_core.messages.events import Message
from wfm_core.messages.heard import HeardTable
from wfm_core.record.rows import NS, RowMaker
from wfm_core.web.radio_state import RadioState

MOST_RADIOS = 64
MOST_HEARD = 400
MOST_EVENTS = 2000
_BELIEVED_SECONDS = 10.0
"""A radio's clock that is farther from this computer's has another beginning, or none that is true: a recording's."""


class Board:
    """The radios, what is heard, and the last events. Safe to call from several threads.

    Everything has the number of the change that it came with, so that `since` finds what is new to a page.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._change = 0
        self._radios: dict[tuple[str, str], RadioState] = {}
        self._heard = HeardTable(MOST_HEARD)
        self._events: dict[tuple, dict] = {}
        self._makers: dict[str, RowMaker] = {}
        self._last_heard: float | None = None
        self._listeners: dict[str, dict[str, int]] = {}
        self._refused = 0
        self._numbers = 0

    def add(self, site: str, message: Message, arrival: float) -> None:
        """Take a message that came from `site` at `arrival` (seconds since 1970 UTC).

        Raises:
            WfmError: an event with a value that is none; it is counted, and nothing of it is kept.
        """
        with self._lock:
            self._change += 1
            self._last_heard = arrival
            radio = self._radio(site, message, arrival)
            if message.kind == "decision":
                self._heard.add(message, arrival, site, self._change)
            elif message.kind == "spectrum":
                radio.add_row(message.body, self._change)
            elif message.kind == "status":
                radio.add_status(message.body)
            elif message.body.get("event") not in ("begin", "end"):
                radio.add_notice(message.body)
            self._add_events(site, message, arrival)

    def set_counts(self, site: str, counts: dict[str, int]) -> None:
        """What the listener to `site` has received, missed and refused so far."""
        with self._lock:
            self._listeners[site] = counts

    def _radio(self, site: str, message: Message, arrival: float) -> RadioState:
        """The one that speaks, moved behind all others; the longest unheard goes when there are too many."""
        key = site, message.radio
        radio = self._radios.pop(key, None) or RadioState(site, message.radio)
        self._radios[key] = radio
        if len(self._radios) > MOST_RADIOS:
            del self._radios[next(iter(self._radios))]
        radio.hear(message, arrival, self._change)
        return radio

    def _add_events(self, site: str, message: Message, arrival: float) -> None:
        """Also of a status, which says by which model the radio's later events are."""
        maker = self._makers.setdefault(site, RowMaker(site))
        try:
            rows = maker.rows(message, round(arrival * NS))
        except WfmError:
            self._refused += 1
            raise
        for row in rows:
            self._add_event(row)

    def _add_event(self, row: dict) -> None:
        """An end takes the place of its begin."""
        name = tuple(row[field] for field in ("site", "radio", "run", "task", "label", "sample_start"))
        if row["sample_start"] is None:
            name = (*name, row["sequence"])
        before = self._events.pop(name, None)
        self._numbers += before is None
        number = self._numbers if before is None else before["id"]
        self._events[name] = {**_event_json(row), "id": number, "change": self._change}
        if len(self._events) > MOST_EVENTS:
            del self._events[next(iter(self._events))]

    def since(self, change: int) -> dict:
        """What is new after `change` (0: all there is), as JSON object; its own `change` is where to go on."""
        with self._lock:
            counts = {
                name: sum(counts[name] for counts in self._listeners.values())
                for name in ("received", "missed", "refused")
            }
            counts["refused"] += self._refused
            radios = list(_newer(self._radios.values(), change, lambda radio: radio.change))
            return {
                "change": self._change,
                "last_heard": self._last_heard,
                "counts": counts,
                "radios": [radio.to_json() for radio in radios],
                "rows": [row for radio in radios for row in radio.rows_since(change)],
                "heard": [{**asdict(key), **asdict(row)} for key, row in self._heard.since(change)],
                "events": list(_newer(self._events.values(), change, lambda event: event["change"])),
            }


def _newer(values: Iterable, change: int, change_of) -> Iterator:
    """Those that changed after `change`, in the order of that; `values` are in it."""
    found = []
    for value in reversed(values):
        if change_of(value) <= change:
            break
        found.append(value)
    return reversed(found)


def _event_json(row: dict) -> dict:
    """A row of the record (`wfm_core.record.rows`) for the page.

    `at`: seconds since 1970 of the event's begin, by the radio's clock where that is believed (`radio_clock`);
    `rx_time` is what the radio said.
    """
    duration = row["duration"]
    said = row["time_ns"] / NS if row["radio_time"] else None
    arrival = row["arrival_ns"] / NS
    believed = said is not None and math.fabs(arrival - said - (duration or 0.0)) < _BELIEVED_SECONDS
    kept = (
        "site", "radio", "run", "sequence", "task", "label", "score", "duration", "freq_lower_edge", "freq_upper_edge",
        "rx_freq", "snr_db", "sample_start", "sample_count", "model", "model_sha256",
    )  # fmt: skip
    return {
        **{name: row[name] for name in kept},
        "open": row["event"] == "begin",
        "at": said if believed else arrival - (duration or 0.0),
        "radio_clock": believed,
        "rx_time": said,
        "arrival": arrival,
    }
