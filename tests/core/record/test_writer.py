# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows on their way into the record: batches, a database that is locked, full or gone, and the end."""

import sqlite3
import time

import pytest
from record_parts import event, rows_of
from waiting import wait_for

from wfm_core.base.errors import WfmError
from wfm_core.record import store, writer
from wfm_core.record.query import Filter, events
from wfm_core.record.store import Record, RefusedError
from wfm_core.record.writer import Writer


class Stub:
    """A record that fails as it is told to."""

    def __init__(self, fails: int = 0, refuses: int | None = None):
        self.fails, self.refuses, self.rows, self.tries = fails, refuses, [], 0

    def add(self, rows: list[dict]) -> int:
        self.tries += 1
        if self.tries <= self.fails:
            raise WfmError("the disk is full")
        if any(row["sequence"] == self.refuses for row in rows):
            raise RefusedError("not this one")
        self.rows += rows
        return len(rows)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(writer, "_BATCH_SECONDS", 0.02)
    monkeypatch.setattr(writer, "_FIRST_PAUSE_SECONDS", 0.01)


def sequences(rows) -> list[int]:
    return [row["sequence"] for row in rows]


def test_rows_are_committed_in_their_order(url):
    acknowledged = []
    record = Record(url, write=True)
    writing = Writer(record, on_commit=acknowledged.append)
    for first in range(0, 5000, 500):
        writing.put(rows_of(*map(event, range(first, first + 500))))
    wait_for(lambda: writing.committed == 5000)
    writing.put(rows_of(event(0), event(5000)))
    writing.close()
    assert (writing.committed, writing.duplicates, writing.dropped, writing.waiting) == (5002, 1, 0, 0)
    assert acknowledged == sorted(acknowledged) and acknowledged[-1] == 5002
    assert sequences(events(record, Filter())) == list(range(5001))
    record.close()


def test_what_waits_is_written_when_the_database_can_be_again():
    said, record = [], Stub(fails=3)
    writing = Writer(record, say=said.append)
    writing.put(rows_of(*map(event, range(3))))
    wait_for(lambda: writing.committed == 3)
    writing.close()
    assert sequences(record.rows) == [0, 1, 2] and record.tries == 4
    assert len(said) == 2 and "the disk is full" in said[0] and "again" in said[1]


def test_a_queue_that_is_full_drops_and_counts():
    record = Stub(fails=10**9)
    writing = Writer(record, capacity=10)
    writing.put(rows_of(event(0)))
    wait_for(lambda: record.tries)  # that one is in hand
    writing.put(rows_of(*map(event, range(1, 31))))
    assert (writing.dropped, writing.waiting) == (20, 11)
    record.fails = 0
    writing.close()
    assert (writing.committed, writing.dropped, writing.waiting) == (11, 20, 0)
    assert sequences(record.rows) == list(range(11))


def test_the_end_does_not_wait_for_ever():
    writing = Writer(Stub(fails=10**9))
    writing.put(rows_of(*map(event, range(1500))))
    begin = time.monotonic()
    writing.close(0.3)
    assert time.monotonic() - begin < 2.0
    assert (writing.committed, writing.dropped, writing.waiting) == (0, 1500, 0)
    writing.put(rows_of(event(0)))
    assert writing.dropped == 1501


def test_a_row_that_is_refused_takes_no_other_with_it():
    said, record = [], Stub(refuses=37)
    writing = Writer(record, say=said.append)
    writing.put(rows_of(*map(event, range(100))))
    writing.close()
    assert (writing.committed, writing.refused, writing.dropped) == (99, 1, 0)
    assert sequences(record.rows) == [*range(37), *range(38, 100)] and said == ["not this one"]


def test_a_fault_of_ours_is_not_silent():
    class Broken:
        def add(self, rows):
            raise AssertionError("broken")

    writing = Writer(Broken())
    writing.put(rows_of(event(0)))
    wait_for(lambda: writing.failure)
    writing.put(rows_of(event(1)))
    writing.close()
    assert "broken" in writing.failure and writing.dropped == 2


def test_a_database_that_another_program_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_BUSY_SECONDS", 0.05)
    said, record = [], Record(f"sqlite:///{tmp_path / 'e.db'}", write=True)
    other = sqlite3.connect(tmp_path / "e.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = Writer(record, say=said.append)
    writing.put(rows_of(event(0)))
    wait_for(lambda: said)
    assert "locked" in said[0] and writing.committed == 0
    other.execute("ROLLBACK")
    wait_for(lambda: writing.committed == 1)
    other.close()
    writing.close()
    record.close()


def test_a_disk_that_is_full(tmp_path):
    said, record = [], Record(f"sqlite:///{tmp_path / 'e.db'}", write=True)
    with record._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    writing = Writer(record, say=said.append)
    writing.put(rows_of(*map(event, range(900))))
    wait_for(lambda: said)
    assert "full" in said[0]
    wait_for(lambda: writing.committed == 900)  # the limit went with its connection
    writing.close()
    assert len(list(events(record, Filter()))) == 900
    record.close()


def test_events_that_came_long_ago_are_deleted(url, monkeypatch):
    monkeypatch.setattr(store, "PRUNE_ROWS", 100)
    monkeypatch.setattr(writer, "PRUNE_ROWS", 100)
    record = Record(url, write=True)
    fresh = [{**row, "arrival_ns": time.time_ns()} for row in rows_of(*map(event, range(500, 510)))]
    old = [{**row, "arrival_ns": time.time_ns() - 3 * 86_400 * 10**9} for row in rows_of(*map(event, range(500)))]
    record.add([*old, *fresh])
    writing = Writer(record, keep_days=2)
    wait_for(lambda: writing.pruned == 500)
    writing.close()
    assert sequences(events(record, Filter())) == list(range(500, 510))
    record.close()


@pytest.mark.slow
def test_a_server_that_goes_and_comes_again(postgres_server):
    said, record = [], Record(postgres_server.new_database(), write=True)
    postgres_server.checkpoint()
    writing = Writer(record, say=said.append)
    writing.put(rows_of(*map(event, range(100))))
    wait_for(lambda: writing.committed == 100)
    postgres_server.stop(at_once=True)
    try:
        writing.put(rows_of(*map(event, range(100, 200))))
        wait_for(lambda: said)
    finally:
        postgres_server.start()
    wait_for(lambda: writing.committed == 200)
    writing.close()
    assert "cannot be written" in said[0] and len(said) == 2
    assert sequences(events(record, Filter())) == list(range(200))
    record.close()
