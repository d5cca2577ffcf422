# SPDX-License-Identifier: GPL-3.0-or-later
"""What the record keeps of a message, and which messages it refuses. They come from anybody."""

import pytest
from record_parts import ARRIVAL, SHA256, event, rows_of, status

from wfm_core.base.errors import WfmError
from wfm_core.messages.events import Message
from wfm_core.record.schema import COLUMNS, LONGEST_TEXT

ANSWER = {"label": "dsss-bpsk", "index": 1, "score": 0.9, "probabilities": {"none": 0.1, "dsss-bpsk": 0.9}}


def test_an_event_becomes_a_row_with_its_model():
    (row,) = rows_of(status(), event(3))
    assert tuple(row) == COLUMNS
    assert row["time_ns"] == 1_795_867_203_250_000_000 and row["radio_time"]
    assert (row["site"], row["radio"], row["run"], row["sequence"]) == ("home", "roof", "r1", 3)
    assert (row["label"], row["score"], row["event"], row["duration"]) == ("lora", 0.75, "end", 0.5)
    assert (row["freq_lower_edge"], row["freq_upper_edge"]) == (868.0e6, 868.125e6)
    assert (row["model"], row["model_sha256"]) == ("wfm-signals", SHA256)


def test_a_model_is_that_of_the_radio_and_task():
    other = event(task="interference")
    elsewhere = event(radio="cellar")
    assert [row["model"] for row in rows_of(status(), other, elsewhere)] == [None, None]
    changed = status(bundle="mine", bundle_sha256="not a hash")
    (row,) = rows_of(status(), changed, event())
    assert (row["model"], row["model_sha256"]) == ("mine", None)
    assert rows_of(status(bundle="\0"), status(bundle=7), event())[0]["model"] is None


def test_an_exact_time_stays_exact():
    (row,) = rows_of(event(rx_time=[1_795_867_200, 0.123456789]))
    assert row["time_ns"] == 1_795_867_200_123_456_789


@pytest.mark.parametrize("rx_time", [..., [2**53, 0.0]])
def test_without_a_time_of_the_radio_an_event_began_before_it_came(rx_time):
    (row,) = rows_of(event(rx_time=rx_time))
    assert row["time_ns"] == ARRIVAL - 500_000_000 and not row["radio_time"]
    assert rows_of(event(rx_time=..., duration=1e300))[0]["time_ns"] == 0


def test_what_is_not_known_is_none():
    (row,) = rows_of(event(score=None, freq_lower_edge=..., freq_upper_edge=..., rx_freq=..., snr_db=..., duration=...))
    assert row["score"] is row["freq_lower_edge"] is row["rx_freq"] is row["duration"] is None


def test_decisions_are_kept_where_that_is_asked_for():
    body = {"sample_start": 0, "sample_count": 64, "tasks": {"a": ANSWER, "b": ANSWER, "c": {"position": [1.0]}}}
    decision = Message("decision", "roof", 0, body, "r1")
    assert rows_of(decision) == []
    assert [(row["event"], row["task"]) for row in rows_of(decision, decisions=True)] == [
        ("decision", "a"),
        ("decision", "b"),
    ]


def test_notices_make_no_row():
    assert rows_of(event(event="warning", text="x"), event(event=...), event(event=[1])) == []


def test_a_sender_without_a_run_begins_anew_when_its_numbers_go_back():
    rows = rows_of(*(event(sequence, run="") for sequence in (4, 5, 9, 0, 1)))
    runs = [row["run"] for row in rows]
    assert runs[0] == runs[1] == runs[2] != runs[3] == runs[4]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": "x" * 10**6}, "of 1000000 characters"),
        ({"label": ""}, "of 0 characters"),
        ({"label": ...}, "label is None"),
        ({"label": ["lora"]}, "label is"),
        ({"label": "a\0b"}, "zero character"),
        ({"task": 7}, "task is 7"),
        ({"task": "x" * (LONGEST_TEXT + 1)}, "201 characters"),
        ({"score": float("nan")}, "score is nan"),
        ({"score": "0.5"}, "score"),
        ({"score": True}, "score is True"),
        ({"sample_start": -1}, "sample_start is -1"),
        ({"sample_start": 2**63}, "sample_start"),
        ({"sample_count": 1.5}, "sample_count"),
        ({"duration": -1}, "duration of 0 or more"),
        ({"freq_lower_edge": 9e8}, "lower edge first"),
        ({"freq_upper_edge": float("inf")}, "freq_upper_edge is inf"),
        ({"radio": "\0"}, "radio"),
        ({"run": "\0"}, "run"),
    ],
)
def test_a_strange_value_is_refused(changes, words):
    with pytest.raises(WfmError, match=words):
        rows_of(event(**changes))


def test_many_radios_take_bounded_memory():
    messages = [event(radio=f"radio {number}", run="") for number in range(3000)]
    assert len(rows_of(*(status(radio=message.radio) for message in messages), *messages)) == 3000
