# SPDX-License-Identifier: GPL-3.0-or-later
"""Which events of a record: by time, band, label and where they were heard. Values are bound, never put into SQL."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from wfm_core.record.schema import COLUMNS, EVENTS
from wfm_core.record.store import Record
from wfm_core.record.times import iso_time

_AT = EVENTS.c
_MOST_STREAMS = 4


@dataclass(frozen=True)
class Filter:
    """What is asked for; of several values of one field any will do, and an empty field asks for nothing.

    since_ns, until_ns: an event begins at or after the one and before the other, ns since 1970 UTC. bands: lower and
    upper edge in Hz; an event reaches into it, or one without edges was received at a frequency in it. whole: of an
    event its end, or its begin where the end is not there; otherwise both.
    """

    since_ns: int | None = None
    until_ns: int | None = None
    bands: tuple[tuple[float, float], ...] = ()
    labels: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    radios: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    whole: bool = True

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """For the WHERE of a statement on `schema.EVENTS`."""
        fields = {_AT.label: self.labels, _AT.site: self.sites, _AT.radio: self.radios, _AT.run: self.runs}
        wanted = [column.in_(values) for column, values in {**fields, _AT.task: self.tasks}.items() if values]
        if self.since_ns is not None:
            wanted.append(_AT.time_ns >= self.since_ns)
        if self.until_ns is not None:
            wanted.append(_AT.time_ns < self.until_ns)
        if self.bands:
            wanted.append(sa.or_(*(_in_band(*band) for band in self.bands)))
        return [*wanted, _is_whole()] if self.whole else wanted


def _in_band(lower: float, upper: float) -> sa.ColumnElement[bool]:
    return sa.or_(
        sa.and_(_AT.freq_lower_edge <= upper, _AT.freq_upper_edge >= lower),
        sa.and_(_AT.freq_lower_edge.is_(None), _AT.rx_freq.between(lower, upper)),
    )


def _is_whole() -> sa.ColumnElement[bool]:
    ends = EVENTS.alias("ends")
    same = (_AT.radio, _AT.sample_start, _AT.run, _AT.site, _AT.task, _AT.label)
    ended = sa.exists().where(ends.c.event == "end", *(ends.c[column.name] == column for column in same))
    return sa.or_(_AT.event != "begin", ~ended)


def _columns() -> list[sa.Column]:
    return [_AT[name] for name in COLUMNS]


def events(record: Record, wanted: Filter) -> Iterator[Mapping]:
    """Rows with `schema.COLUMNS` in the order of time."""
    return record.read(sa.select(*_columns()).where(*wanted.conditions()).order_by(_AT.time_ns, _AT.id))


def latest_events(record: Record, wanted: Filter, count: int) -> list[Mapping]:
    """As `events`, of which the last `count`."""
    newest = sa.select(*_columns()).where(*wanted.conditions()).order_by(_AT.time_ns.desc(), _AT.id.desc())
    return list(record.read(newest.limit(count)))[::-1]


def stream_events(record: Record, wanted: Filter) -> Iterator[Mapping]:
    """As `events`, of those that know their place in the radio's samples, in the order of that."""
    placed = _AT.sample_start.is_not(None)
    chosen = sa.select(*_columns()).where(placed, *wanted.conditions())
    return record.read(chosen.order_by(_AT.sample_start, _AT.id))


def streams(record: Record, wanted: Filter) -> list[tuple[str, str, str]]:
    """Site, radio and run of what was asked for; a few, if there are many."""
    chosen = sa.select(_AT.site, _AT.radio, _AT.run).where(*wanted.conditions()).distinct().limit(_MOST_STREAMS)
    return [(row["site"], row["radio"], row["run"]) for row in record.read(chosen)]


def event_json(row: Mapping) -> dict:
    """A row as JSON object: times as ISO 8601 texts; what is not known is left out."""
    named = {name: row[name] for name in COLUMNS if not name.endswith("_ns") and row[name] is not None}
    return {"time": iso_time(row["time_ns"]), "arrival": iso_time(row["arrival_ns"]), **named}
