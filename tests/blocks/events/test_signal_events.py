# SPDX-License-Identifier: GPL-3.0-or-later
"""One event a signal, from answers about its pieces and bursts."""

import pytest
from gnuradio.wfm.events.signal_events import SignalEvents
from gnuradio.wfm.ports.messages import Detection, event_dict, read_event

from wfm_core.base.errors import WfmError

GAP, MEMORY = 100, 1000


def events() -> SignalEvents:
    return SignalEvents(1000.0, GAP, MEMORY, ("noise",))


def found(start: int, count: int, label: str = "a", lower: float = 10.0, upper: float = 20.0, score=0.8) -> Detection:
    decision = {"label": label, "index": 0, "score": score, "probabilities": {label: score}}
    return Detection("t", start, count, (17, 0.0), 1e6, -20.0, decision, 1, lower, upper, 12.0)


def told(found) -> list[tuple]:
    return [(e.kind, e.label, e.sample_start, e.sample_count) for e in found]


def test_pieces_and_bursts_in_one_place_make_one_event():
    signals = events()
    assert told(signals.add(found(0, 500))) == [("begin", "a", 0, 500)]
    assert signals.add(found(500, 500, lower=10.5, score=0.6)) == []
    assert signals.add(found(1090, 10)) == []
    assert signals.passed(1100 + GAP + MEMORY) == [], "another burst might still be reported"
    (end,) = signals.passed(1101 + GAP + MEMORY)
    assert (end.kind, end.sample_count, end.duration) == ("end", 1100, 1.1)
    assert end.score == pytest.approx((0.8 + 0.6 + 0.8) / 3)
    assert (end.freq_lower_edge, end.freq_upper_edge, end.snr_db) == (10.0, 20.0, 12.0)


def test_a_burst_after_a_gap_and_one_beside_are_events_of_their_own():
    signals = events()
    signals.add(found(0, 100))
    assert told(signals.add(found(201, 50))) == [("end", "a", 0, 100), ("begin", "a", 201, 50)]
    assert told(signals.add(found(210, 50, lower=20.0, upper=30.0))) == [("begin", "a", 210, 50)]
    assert len(signals.reset()) == 2 and signals.reset() == []


def test_another_answer_ends_the_event_and_begins_one():
    signals = events()
    signals.add(found(0, 500))
    assert told(signals.add(found(500, 500, "b"))) == [("end", "a", 0, 500), ("begin", "b", 500, 500)]
    assert told(signals.add(found(1000, 500, "noise"))) == [("end", "b", 500, 500)]
    assert signals.add(found(1500, 500, "noise")) == []


def test_signals_are_reported_in_any_order_of_their_begin():
    signals = events()
    signals.add(found(900, 50, lower=40.0, upper=50.0))
    assert told(signals.add(found(0, 950))) == [("begin", "a", 0, 950)]
    assert sorted(told(signals.reset())) == [("end", "a", 0, 950), ("end", "a", 900, 50)]


def test_later_answers_end_what_is_over():
    signals = events()
    signals.add(found(0, 100))
    ended = signals.add(found(2000, 100, lower=40.0, upper=50.0))
    assert told(ended) == [("end", "a", 0, 100), ("begin", "a", 2000, 100)]


def test_events_under_way_are_bounded():
    signals = events()
    said = [event for n in range(1000) for event in signals.add(found(0, 10, lower=10.0 * n, upper=10.0 * n + 5))]
    assert sum(e.kind == "begin" for e in said) == 1000 and sum(e.kind == "end" for e in said) == 1000 - 256
    assert len(signals.reset()) == 256


def test_an_event_keeps_its_edges_as_a_message():
    (begin,) = events().add(found(0, 500))
    assert read_event(event_dict("t", begin)) == ("t", begin)


@pytest.mark.parametrize(("rate", "gap", "memory"), [(0.0, 1, 1), (1.0, -1, 1), (1.0, 1, -1)])
def test_parameters_out_of_their_range_are_refused(rate, gap, memory):
    with pytest.raises(WfmError, match="a positive rate is expected"):
        SignalEvents(rate, gap, memory, ())
