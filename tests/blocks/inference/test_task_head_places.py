# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Task Head with the task position: points are surveyed over messages, then places between them are told."""

import numpy as np
import pmt
import pytest
from gnuradio import wfm
from gnuradio.wfm.ports import keys, messages
from test_task_head import Head
from waiting import wait_for

from wfm_core.base.errors import WfmError
from wfm_core.model.survey import Survey

WIDTH = 16
_MIX = np.random.default_rng(0).standard_normal((2, WIDTH))
GRID = [(float(x), float(y), 1.0) for x in (0, 2, 4) for y in (0, 2, 4)]


def heard(place, count: int, seed: int = 0) -> np.ndarray:
    noise = 0.03 * np.random.default_rng(seed).standard_normal((count, WIDTH))
    return np.sin(0.3 * np.array(place)[:2] @ _MIX) + noise


@pytest.fixture
def head():
    made = Head(task="position", windows=3)
    yield made
    made.top.stop()
    made.top.wait()


def survey(head: Head, points=GRID) -> None:
    for number, point in enumerate(points):
        told = head.block.status()["enrolled"]
        head.control({"point": list(point)})
        assert head.last_event()["event"] == "enrolling", head.last_event()
        head.send(heard(point, 3, number))
        wait_for(lambda told=told: head.block.status()["enrolled"] == told + 3)
        wait_for(lambda: head.last_event()["event"] == "surveyed")


def test_places_between_surveyed_points_are_told(head):
    survey(head, GRID[:3])
    head.send(heard((1, 1), 2))
    wait_for(lambda: head.block.status()["windows_in"] == 11)
    assert not head.detects.messages and head.block.status()["unknown"] == 2  # three points are too few
    survey(head, GRID[3:])
    assert "4, 4, 1 m from 3 windows; 9 points; each located by the others is" in head.last_event()["text"]
    for place in ((1.0, 1.0), (3.0, 2.5)):
        head.send(heard(place, 1, 50))
        wait_for(lambda: head.detects.messages)
        found = head.detects.detections()[-1]
        fields = pmt.to_python(pmt.car(head.detects.messages.pop()))
        assert found.task == "position" and (found.sample_start, found.sample_count) == (512, 256)
        assert np.linalg.norm(np.array(found.decision["position"]) - (*place, 1.0)) < 0.4
        assert fields["uncertainty"] < 1.5 and fields["distance"] <= 1
    head.send(np.full(WIDTH, 30.0))
    wait_for(lambda: head.detects.messages)
    fields = pmt.to_python(pmt.car(head.detects.messages[-1]))
    assert fields["distance"] > 1 and fields["uncertainty"] > 1.5
    status = head.block.status()
    assert (status["points"], status["decided"], status["unknown"]) == (9, 3, 3) and 0 < status["left_out_error"] < 2


def test_a_point_may_be_any_vector_of_numbers(head):
    for vector in (pmt.init_f64vector(3, [1.0, 2.0, 3.0]), pmt.init_f32vector(2, [1.0, 2.0]), pmt.to_pmt((1, 2, 3))):
        told = len(head.events.messages)
        head.block.to_basic_block()._post(keys.CONTROL, pmt.cons(pmt.intern("point"), vector))
        wait_for(lambda told=told: len(head.events.messages) > told)
        assert head.last_event()["event"] == "enrolling", head.last_event()
        enrolling = head.block.status()["enrolling"]
        assert enrolling == ("1, 2, 0 m" if pmt.length(vector) == 2 else "1, 2, 3 m")
        head.control({"forget": [1.0, 2.0, 0.0 if pmt.length(vector) == 2 else 3.0]})
        assert head.block.status()["enrolling"] == ""


def test_save_forget_load(head, tmp_path):
    survey(head)
    path = str(tmp_path / "room.safetensors")
    head.control({"save": path})
    head.control({"forget": [4.0, 4.0, 1.0]})
    assert head.block.status()["points"] == 8
    head.control({"load": path})
    assert head.block.status()["points"] == 9 and len(Survey.load(path)) == 9
    assert wfm.task_head(task="position", prototypes=path).status()["points"] == 9
    with pytest.raises(WfmError, match="no prototypes"):
        wfm.task_head(prototypes=path)


@pytest.mark.parametrize(
    "message",
    [
        {"point": "door"},
        {"point": [1.0]},
        {"point": [1.0, float("nan"), 0.0]},
        {"point": [1.0, 2.0, 3.0], "windows": 2},
        {"point": [1.0, 2.0, 3.0], "windows": 1025},
        {"point": [1.0, 2.0, 3.0], "forget": [1.0, 2.0, 3.0]},
        {"enrol": "door"},
        {"name": "unknown-1", "as": "door"},
        {"forget": [1.0, 2.0, 3.0]},
        {"forget": "door"},
        {"load": "/nowhere/at/all"},
        {"save": "/nowhere/at/all"},
        {"save": [1.0, 2.0]},
    ],
    ids=str,
)
def test_bad_control_is_told_counted_and_ignored(head, message):
    before = {**head.block.status(), "refused": 1}
    head.control(message)
    assert head.last_event()["event"] == "refused"
    after = head.block.status()
    assert np.isnan(after.pop("left_out_error")) and np.isnan(before.pop("left_out_error"))
    assert after == before


def test_points_are_refused_where_classes_are_told():
    head = Head()
    head.control({"point": [1.0, 2.0, 3.0]})
    assert head.last_event()["event"] == "refused" and "enrol" in head.last_event()["text"]
    head.top.stop()
    head.top.wait()


def test_windows_that_do_not_fit_the_survey_are_counted_and_ignored(head):
    survey(head)
    head.block.handle(keys.EMBEDDINGS, messages.embedding_pdu("embedding_iq", pmt.make_dict(), np.zeros(3)))
    head.control({"point": [9.0, 9.0, 1.0]})
    head.send(np.zeros((3, 5)))
    wait_for(lambda: head.block.status()["enrolling"] == "")
    assert head.block.status()["refused"] == 2 and head.block.status()["points"] == 9
