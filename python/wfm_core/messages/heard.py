# SPDX-License-Identifier: GPL-3.0-or-later
"""What is heard where, from decisions: one row for each answer of each radio at each frequency."""

from collections.abc import Iterator
from dataclasses import dataclass

from wfm_core.base.quantities import measured_in
from wfm_core.messages.events import Message


@dataclass(frozen=True)
class Key:
    """`site` is "" where there is but one; `freq` in Hz, None where it is not known; `heard`: a label, or what was
    measured, such as `position`."""

    site: str
    radio: str
    freq: float | None
    task: str
    heard: str


@dataclass(frozen=True)
class Row:
    """One thing heard by one radio at one frequency: the latest decision, and how many there were.

    `level` in dBFS; `at` and `change` are what `HeardTable.add` was given.
    """

    count: int
    score: float | None
    level: float | None
    at: float
    change: int = 0


class HeardTable:
    """The last `most` rows to be heard; the longest unheard goes when there are more."""

    def __init__(self, most: int):
        self._most = most
        self._rows: dict[Key, Row] = {}

    def add(self, message: Message, at: float, site: str = "", change: int = 0) -> None:
        """Count a decision that came `at` (seconds of any clock); `change` is a number that grows."""
        for task, answer in message.body["tasks"].items():
            key = Key(
                site, message.radio, message.body.get("rx_freq"), task, answer.get("label") or measured_in(answer)
            )
            before = self._rows.pop(key, None)
            count = 1 + (before.count if before else 0)
            self._rows[key] = Row(count, answer.get("score"), message.body.get("level"), at, change)
            if len(self._rows) > self._most:
                del self._rows[next(iter(self._rows))]

    def rows(self) -> list[tuple[Key, Row]]:
        """By radio, frequency, task and answer."""
        return sorted(self._rows.items(), key=lambda item: _order(item[0]))

    def since(self, change: int) -> Iterator[tuple[Key, Row]]:
        """Those that were heard after `change`, the latest first."""
        for key, row in reversed(self._rows.items()):
            if row.change <= change:
                return
            yield key, row


def _order(key: Key) -> tuple:
    return key.site, key.radio, key.freq or 0.0, key.task, key.heard
