# SPDX-License-Identifier: GPL-3.0-or-later
"""The record in its database: what is written once, what is deleted, and which databases are refused."""

import contextlib
import random
import sqlite3

import pytest
import sqlalchemy as sa
from record_parts import ARRIVAL, event, rows_of

from wfm_core.base.errors import WfmError
from wfm_core.messages.events import decode, encode
from wfm_core.record import store
from wfm_core.record.query import Filter, events
from wfm_core.record.schema import EVENTS, RECORD, VERSION
from wfm_core.record.store import Record

STRANGE = ["'); DROP TABLE wfm_events; --", '" OR 1=1', "%s %(label)s :label", "\x1b[2J", "Funk 📡 ü", "=1+1"]


def test_what_is_written_is_read(url):
    record, rows = Record(url, write=True), rows_of(*map(event, range(3)))
    assert record.add(rows) == 3
    assert [dict(row) for row in events(record, Filter())] == rows
    record.close()


def test_labels_from_the_air_stay_data(url):
    record = Record(url, write=True)
    record.add(
        rows_of(*(event(number, label=label, radio=label) for number, label in enumerate(STRANGE)), site=STRANGE[0])
    )
    assert [row["label"] for row in events(record, Filter())] == STRANGE
    for label in STRANGE:
        wanted = Filter(labels=(label,), radios=(label,), sites=(STRANGE[0],))
        assert [row["label"] for row in events(record, wanted)] == [label]
    record.close()


def test_what_comes_twice_is_there_once(url):
    record = Record(url, write=True)
    assert record.add(rows_of(*map(event, range(3)))) == 3
    assert record.add(rows_of(*map(event, range(2, 5)))) == 2
    assert record.add(rows_of(event(2, run="r2"), event(2, radio="cellar"), event(2, event="begin"))) == 3
    assert record.add(rows_of(event(2), site="elsewhere")) == 1
    assert len(list(events(record, Filter(whole=False)))) == 9
    record.close()


def test_all_of_a_batch_or_none(url):
    record = Record(url, write=True)
    good, bad = rows_of(event(0)), rows_of(event(1))
    bad[0]["label"] = None
    with pytest.raises(store.RefusedError):
        record.add([*good, *bad])
    assert list(events(record, Filter())) == []
    record.close()


def test_old_events_are_deleted_in_pieces(url, monkeypatch):
    monkeypatch.setattr(store, "PRUNE_ROWS", 4)
    record = Record(url, write=True)
    record.add(rows_of(*map(event, range(10))))
    assert [record.prune(ARRIVAL + 6) for _ in range(3)] == [4, 2, 0]
    assert [row["sequence"] for row in events(record, Filter())] == [6, 7, 8, 9]
    record.close()


def test_a_record_of_a_newer_version_is_refused(url):
    record = Record(url, write=True)
    with record._engine.begin() as connection:
        connection.execute(sa.update(RECORD).values(version=VERSION + 1))
    record.close()
    for write in (True, False):
        with pytest.raises(WfmError, match=f"version {VERSION + 1}, and this gr-wfm knows {VERSION} at most"):
            Record(url, write=write)


def test_reading_makes_nothing(url, tmp_path):
    with pytest.raises(WfmError, match="there is no database|no record of events"):
        Record(url, write=False)
    assert list(tmp_path.iterdir()) == []
    Record(url, write=True).close()
    reader = Record(url, write=False)
    assert list(events(reader, Filter())) == []
    if url.startswith("sqlite"):
        with pytest.raises(WfmError, match="cannot be written"):
            reader.add(rows_of(event()))
    reader.close()


def test_sqlite_is_durable_and_readable_while_it_is_written(tmp_path):
    record = Record(f"sqlite:///{tmp_path / 'e.db'}", write=True)
    with record._engine.connect() as connection:
        settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 2]
    other = sqlite3.connect(tmp_path / "e.db")
    other.execute("BEGIN").execute("SELECT count(*) FROM wfm_events").fetchall()
    assert record.add(rows_of(event())) == 1
    other.close()
    record.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("events.db", "no URL"),
        ("", "no URL"),
        ("sqlite://", "in memory keeps nothing"),
        ("sqlite:///:memory:", "in memory"),
        ("mysql://u@h/d", "'mysql'.*is expected"),
        ("what://u@h/d", "'what'|no URL"),
        ("sqlite:////not/there/events.db", "cannot be opened .*unable to open"),
        ("postgresql://u:secret@127.0.0.1:1/d", "cannot be opened"),
        ("postgresql://u:secret@127.0.0.1:port/d", "no URL"),
    ],
)
def test_a_bad_url_is_one_sentence_without_a_password(url, words):
    with pytest.raises(WfmError, match=words) as refused:
        Record(url, write=True)
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_database_is_one_sentence(tmp_path):
    (tmp_path / "e.db").write_bytes(b"this is no database, " * 100)
    for write in (True, False):
        with pytest.raises(WfmError, match="cannot be opened .*not a database"):
            Record(f"sqlite:///{tmp_path / 'e.db'}", write=write)


def test_the_filters_have_their_indices(url):
    record = Record(url, write=True)
    indexed = {tuple(found["column_names"]) for found in sa.inspect(record._engine).get_indexes(EVENTS.name)}
    assert {("time_ns",), ("label", "time_ns"), ("freq_lower_edge", "freq_upper_edge")} <= indexed
    record.close()


def strange_value(generator: random.Random):
    texts = ["lora", "", "x" * 300, "\0", "\x7f", "\ud7ff", "\U0010ffff", "'--", "%"]
    numbers = [0, -1, 1.5, 2**63 - 1, -(2**63), 1e308, -1e308, 5e-324, True, None]
    return generator.choice([..., generator.choice(texts), generator.choice(numbers), [1], {"a": 1}])


def test_what_comes_out_of_strange_messages_every_database_takes(url):
    generator, record, rows = random.Random(3), Record(url, write=True), []
    names = [*event().body, "unknown"]
    for sequence in range(3000):
        changes = {generator.choice(names): strange_value(generator) for _ in range(generator.randrange(1, 3))}
        message = event(sequence, **{name: value for name, value in changes.items() if name != "rx_time"})
        with contextlib.suppress(WfmError):
            rows += rows_of(decode(encode(message)), decisions=True)
    assert 500 < len(rows) < 3000
    assert record.add(rows) == len(rows)
    assert sum(1 for _ in events(record, Filter(whole=False))) == len(rows)
    record.close()
