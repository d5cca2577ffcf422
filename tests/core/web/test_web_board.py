# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page's server keeps: within limits, checked, and told once."""

import json

import pytest
from web_parts import FREQ, decision, signal, spectrum

from wfm_core.base.errors import WfmError
from wfm_core.messages.events import Message
from wfm_core.web.board import MOST_EVENTS, MOST_HEARD, MOST_RADIOS, Board
from wfm_core.web.radio_state import MOST_ROWS

NOW = 1_795_867_200.0


def told(kind: str, body: dict, radio: str = "roof", run: str = "r1", sequence: int = 0) -> Message:
    return Message(kind, radio, sequence, body, run)


def test_what_is_new_is_told_once():
    board = Board()
    board.add("home", told("decision", decision()), NOW)
    board.add("home", told("event", signal(0, "begin")), NOW)
    first = board.since(0)
    assert [row["heard"] for row in first["heard"]] == ["lora"] and [event["open"] for event in first["events"]] == [
        True
    ]
    assert board.since(first["change"])["events"] == board.since(first["change"])["radios"] == []
    board.add("home", told("event", signal(0)), NOW + 1)
    then = board.since(first["change"])
    assert [event["id"] for event in then["events"]] == [first["events"][0]["id"]] and not then["events"][0]["open"]
    assert then["heard"] == [] and len(board.since(0)["events"]) == 1, "an end takes the place of its begin"


def test_nothing_grows_without_an_end():
    board = Board()
    for number in range(MOST_EVENTS + 50):
        board.add("home", told("event", signal(number), sequence=number), NOW)
    for number in range(MOST_HEARD + 50):
        board.add("home", told("decision", decision(f"label {number}")), NOW)
    for number in range(MOST_ROWS + 50):
        board.add("home", told("spectrum", spectrum(number)), NOW)
    full = board.since(0)
    assert (len(full["events"]), len(full["heard"]), len(full["rows"])) == (MOST_EVENTS, MOST_HEARD, MOST_ROWS)
    assert full["rows"][-1]["sample_start"] == spectrum(MOST_ROWS + 49)["sample_start"], "the last ones are kept"
    for number in range(MOST_RADIOS + 50):
        board.add("home", told("status", {}, radio=f"radio {number}"), NOW)
    assert len(board.since(0)["radios"]) == MOST_RADIOS


def test_another_run_of_a_radio_has_no_rows_of_the_one_before():
    board = Board()
    board.add("home", told("spectrum", spectrum(0)), NOW)
    board.add("home", told("status", {"samples_lost": 3, "bundle": "b"}), NOW)
    board.add("home", told("spectrum", spectrum(0), run="r2"), NOW)
    full = board.since(0)
    assert [row["run"] for row in full["rows"]] == ["r2"] and full["radios"][0]["status"] == {}


@pytest.mark.parametrize(("seconds_ago", "believed"), [(1.0, True), (5.0, True), (30.0, False), (NOW, False)], ids=str)
def test_a_radios_time_is_believed_where_it_is_near_ours(seconds_ago, believed):
    board = Board()
    said = NOW - seconds_ago
    board.add("home", told("event", signal(0, rx_time=[int(said), said % 1.0])), NOW)
    (event,) = board.since(0)["events"]
    assert event["radio_clock"] is believed and event["at"] == (said if believed else NOW - 1.0)
    assert event["rx_time"] == pytest.approx(said)


@pytest.mark.parametrize("change", [{"label": 3}, {"label": "x" * 201}, {"score": "high"}, {"duration": -1.0}])
def test_an_event_with_a_value_that_is_none_is_refused_whole(change):
    board = Board()
    with pytest.raises(WfmError):
        board.add("home", told("event", signal(0, **change)), NOW)
    full = board.since(0)
    assert full["events"] == [] and full["counts"]["refused"] == 1


def test_of_a_status_only_plain_values_are_kept():
    board = Board()
    strange = {"bundle": "b", "device": ["x"], "samples_lost": 2**60, "coverage": None, "error": "e" * 500, "own": 1}
    board.add("home", told("status", strange), NOW)
    board.add("home", told("event", {"event": "warning", "text": "w" * 500}), NOW)
    (radio,) = board.since(0)["radios"]
    assert radio["status"] == {"bundle": "b"} and radio["notice"] == "w" * 200
    json.dumps(board.since(0), allow_nan=False)


def test_the_model_of_an_event_is_the_one_of_the_last_status():
    board = Board()
    board.add("home", told("status", {"bundle": "b", "bundle_sha256": "ab" * 32, "tasks": ["classification"]}), NOW)
    board.add("home", told("event", signal(0)), NOW)
    (event,) = board.since(0)["events"]
    assert (event["model"], event["model_sha256"]) == ("b", "ab" * 32) and event["rx_freq"] == FREQ


def test_counts_are_those_of_all_sites():
    board = Board()
    for site in ("a", "b"):
        board.set_counts(site, {"received": 2, "missed": 1, "refused": 3})
    assert board.since(0)["counts"] == {"received": 4, "missed": 2, "refused": 6}
