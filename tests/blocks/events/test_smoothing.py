# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing: votes and mean probabilities, hysteresis, what an event says, gaps."""

import pytest
from gnuradio.wfm.events.smoothing import Smoother
from gnuradio.wfm.ports.messages import Detection

from wfm_core.base.errors import WfmError

N, RATE = 100, 1000.0


def smoother(windows=4, method="vote", begin=0.75, end=0.5, background=("none",), max_gap=250) -> Smoother:
    return Smoother(windows, method, begin, end, background, RATE, max_gap)


def answer(place: int, label: str, score: float = 0.8, rx_time=None, rx_freq=None) -> Detection:
    rest = {"a": "b", "b": "a", "none": "a", "unknown": "a"}[label]
    decision = {"label": label, "index": 0, "score": score, "probabilities": {label: score, rest: 1 - score}}
    return Detection("letter", place * N, N, rx_time, rx_freq, -20.0, decision)


def feed(machine: Smoother, labels: str) -> list[tuple]:
    """(index of the window it came with, kind, label) of each event; `.` is "none", `?` unknown."""
    names = {".": "none", "?": "unknown"}
    return [
        (place, event.kind, event.label)
        for place, letter in enumerate(labels)
        for event in machine.add(answer(place, names.get(letter, letter)))
    ]


def test_single_windows_neither_begin_nor_end_an_event():
    assert feed(smoother(), "..a...a...") == []
    assert feed(smoother(), "..aaa.aaa.aa") == [(4, "begin", "a")]


def test_hysteresis_between_the_shares():
    # At 2 of 4 the event goes on (end is "below a half"), but would not begin.
    assert feed(smoother(), "aa..aa..") == []
    assert feed(smoother(), "aaa..aa..aa.") == [(2, "begin", "a")]
    assert feed(smoother(), "aaa...") == [(2, "begin", "a"), (5, "end", "a")]


def test_one_event_follows_another():
    assert feed(smoother(), "aaaabbbb") == [(2, "begin", "a"), (6, "end", "a"), (6, "begin", "b")]
    assert feed(smoother(), "????") == [(2, "begin", "unknown")]


def test_an_event_says_where_it_was_and_how_sure():
    machine, events = smoother(), []
    for place, (label, score) in enumerate([("none", 0.9), ("a", 0.6), ("a", 0.8), ("a", 1.0), ("a", 0.8)]):
        events += machine.add(answer(place, label, score))
    for place in range(5, 8):
        events += machine.add(answer(place, "none"))
    begin, end = events
    assert (begin.sample_start, begin.sample_count) == (N, 3 * N)
    assert begin.score == pytest.approx(0.8)
    assert (end.kind, end.sample_start, end.sample_count) == ("end", N, 4 * N)
    assert end.duration == pytest.approx(4 * N / RATE)
    assert end.score == pytest.approx(0.8)


def test_probabilities_weigh_what_votes_count_alike():
    unsure = [answer(place, "a", 0.55) for place in range(4)]
    voted, weighed = smoother(method="vote"), smoother(method="probability")
    assert [e.kind for a in unsure for e in voted.add(a)] == ["begin"]
    assert [e.kind for a in unsure for e in weighed.add(a)] == []
    sure = smoother(method="probability")
    assert [e.kind for place in range(4) for e in sure.add(answer(place, "a", 0.9))] == ["begin"]


@pytest.mark.parametrize(
    "after",
    [
        answer(8, "a"),
        answer(0, "a"),
        answer(4, "a", rx_freq=1e9),
    ],
    ids=["samples missing", "stream began again", "retuned"],
)
def test_a_gap_ends_the_event_and_forgets(after):
    machine = smoother()
    for place in range(4):
        machine.add(answer(place, "a"))
    (end,) = machine.add(after)
    assert (end.kind, end.sample_start, end.sample_count) == ("end", 0, 4 * N)
    assert machine.label is None, "one window is not enough to begin again"


def test_a_jump_of_the_radio_s_clock_is_a_gap():
    machine = smoother()
    for place in range(4):
        machine.add(answer(place, "a", rx_time=(7, 0.1 * place)))
    assert machine.add(answer(4, "a", rx_time=(7, 0.4))) == []
    assert [e.kind for e in machine.add(answer(5, "a", rx_time=(9, 0.5)))] == ["end"]


def test_dropped_windows_within_the_gap_are_forgiven():
    machine = smoother()
    for place in range(4):
        machine.add(answer(place, "a"))
    assert machine.add(answer(6, "a")) == [] and machine.label == "a"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"windows": 0}, "0 windows"),
        ({"method": "guess"}, "'guess'.*vote, probability"),
        ({"begin": 0.4, "end": 0.5}, "0.4 and end 0.5"),
        ({"max_gap": 0}, "gap 0 samples"),
    ],
)
def test_parameters_out_of_range(changes, words):
    with pytest.raises(WfmError, match=words):
        smoother(**changes)
