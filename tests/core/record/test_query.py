# SPDX-License-Identifier: GPL-3.0-or-later
"""Which events a filter finds."""

import pytest
from record_parts import ARRIVAL, event, rows_of

from wfm_core.record.query import Filter, event_json, events, latest_events, stream_events, streams
from wfm_core.record.store import Record

SECOND = 10**9
RADIO_TIME = ARRIVAL + SECOND // 4
NO_EDGES = {"freq_lower_edge": ..., "freq_upper_edge": ...}


@pytest.fixture
def record(url):
    """Sequence 0 to 3 of one radio at home, 4 and 5 of another elsewhere; 6 is of a task without edges."""
    record = Record(url, write=True)
    record.add(
        rows_of(
            event(0),
            event(1, label="fm", freq_lower_edge=99.9e6, freq_upper_edge=100.1e6, rx_freq=100e6),
            event(2),
            event(3, run="r2"),
            event(6, task="interference", label="dsss-bpsk", rx_freq=806e6, **NO_EDGES),
        )
    )
    record.add(rows_of(event(4, radio="van"), event(5, radio="van", label="fm", rx_freq=..., **NO_EDGES), site="away"))
    yield record
    record.close()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6]),
        ({"since_ns": RADIO_TIME + 2 * SECOND}, [2, 3, 4, 5, 6]),
        ({"until_ns": RADIO_TIME + 2 * SECOND}, [0, 1]),
        ({"since_ns": RADIO_TIME + SECOND, "until_ns": RADIO_TIME + 3 * SECOND}, [1, 2]),
        ({"labels": ("fm",)}, [1, 5]),
        ({"labels": ("fm", "dsss-bpsk")}, [1, 5, 6]),
        ({"sites": ("away",)}, [4, 5]),
        ({"radios": ("roof",), "labels": ("lora",)}, [0, 2, 3]),
        ({"runs": ("r2",)}, [3]),
        ({"tasks": ("interference",)}, [6]),
        ({"bands": ((100e6, 101e6),)}, [1]),
        ({"bands": ((868.1e6, 868.2e6),)}, [0, 2, 3, 4]),
        ({"bands": ((868.2e6, 869e6),)}, []),
        ({"bands": ((800e6, 810e6), (90e6, 100e6))}, [1, 6]),
        ({"labels": ("nothing",)}, []),
    ],
)
def test_a_filter(record, wanted, found):
    assert [row["sequence"] for row in events(record, Filter(**wanted))] == found


def test_the_latest_come_last(record):
    assert [row["sequence"] for row in latest_events(record, Filter(), 3)] == [4, 5, 6]
    assert latest_events(record, Filter(labels=("nothing",)), 3) == []


def test_an_event_is_its_end_or_its_begin_while_it_lasts(url):
    record = Record(url, write=True)
    record.add(
        rows_of(
            event(0, event="begin", sample_start=100),
            event(1, event="begin", sample_start=500),
            event(2, sample_start=100),
            event(3, event="begin", sample_start=100, label="fm"),
            event(4, event="begin", sample_start=500, run="r2"),
            event(5, sample_start=500, run="r2", radio="other"),
        )
    )
    assert [row["sequence"] for row in events(record, Filter())] == [1, 2, 3, 4, 5]
    assert len(list(events(record, Filter(whole=False)))) == 6
    record.close()


def test_a_stream_is_in_the_order_of_its_samples(record):
    record.add(rows_of(event(9, sample_start=5), event(8, sample_start=...)))
    wanted = Filter(radios=("roof",), runs=("r1",))
    assert [row["sequence"] for row in stream_events(record, wanted)] == [0, 9, 1, 2, 6]
    assert streams(record, wanted) == [("home", "roof", "r1")]
    assert len(streams(record, Filter())) == 3


def test_json_leaves_out_what_is_not_known(record):
    (row,) = events(record, Filter(labels=("fm",), sites=("away",)))
    said = event_json(row)
    assert said["time"] == "2026-11-28T12:00:05.250000000Z" and said["radio_time"] is True
    assert said["radio"] == "van" and not {"rx_freq", "model", "freq_lower_edge"} & set(said)


def test_many_rows_are_read_as_they_come(url):
    record = Record(url, write=True)
    for first in range(0, 12_000, 3000):
        record.add(rows_of(*map(event, range(first, first + 3000))))
    assert [row["sequence"] for row in events(record, Filter())] == list(range(12_000))
    record.close()
