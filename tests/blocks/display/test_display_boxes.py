# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes a box on the display, and which samples a row of its waterfall stands for."""

import math

import numpy as np
import pytest
from gnuradio.wfm.display.boxes import Boxes
from gnuradio.wfm.display.rows import ROWS, RowRing, plan_rows
from gnuradio.wfm.display.ticks import ticks


def drawn(boxes: Boxes) -> list[tuple]:
    return [(box.task, box.label, box.start, box.end, box.open) for box in boxes.copies()]


def test_windows_of_one_answer_make_one_box():
    boxes = Boxes(["none"], max_gap=10)
    for place, (label, score) in enumerate(
        [("none", 0.9), ("a", 0.6), ("a", 0.8), ("b", 0.5), ("none", 0.9), ("b", 0.7)]
    ):
        boxes.add_window("t", label, score, 100 * place, 100 * place + 95)
    assert drawn(boxes) == [("t", "a", 100, 295, False), ("t", "b", 300, 395, False), ("t", "b", 500, 595, False)]
    assert boxes.copies()[0].score == pytest.approx(0.7)


def test_a_gap_that_can_be_seen_parts_two_boxes():
    boxes = Boxes([], max_gap=10)
    for start in (0, 110, 221):
        boxes.add_window("t", "a", 0.5, start, start + 100)
    assert drawn(boxes) == [("t", "a", 0, 210, False), ("t", "a", 221, 321, False)]


def test_tasks_do_not_end_each_others_boxes():
    boxes = Boxes([], max_gap=0)
    for start in (0, 100):
        boxes.add_window("t", "a", 0.5, start, start + 100)
        boxes.add_window("u", "x", 0.5, start, start + 100)
    assert drawn(boxes) == [("t", "a", 0, 200, False), ("u", "x", 0, 200, False)]


def test_events_take_the_place_of_their_tasks_windows():
    boxes = Boxes(["none"], max_gap=0)
    boxes.add_window("t", "a", 0.5, 0, 100)
    boxes.add_window("u", "x", 0.5, 0, 100)
    boxes.add_event("begin", "t", "b", 0.7, 50, 150)
    boxes.add_window("t", "a", 0.5, 100, 200)
    assert drawn(boxes) == [("u", "x", 0, 100, False), ("t", "b", 50, 150, True)]
    boxes.add_event("end", "t", "b", 0.8, 50, 400)
    assert drawn(boxes)[1:] == [("t", "b", 50, 400, False)]


def test_an_end_that_was_missed_leaves_no_box_open():
    boxes = Boxes([], max_gap=0)
    boxes.add_event("begin", "t", "a", 0.7, 0, 100)
    boxes.add_event("begin", "t", "a", 0.7, 500, 600)
    boxes.add_event("end", "t", "c", 0.7, 700, 800)
    assert drawn(boxes) == [("t", "a", 0, 100, False), ("t", "a", 500, 600, False), ("t", "c", 700, 800, False)]


def test_boxes_are_bounded():
    boxes = Boxes([], max_gap=0)
    for start in range(0, 100_000, 100):
        boxes.add_window("t", "a", 0.5, start, start + 10)
    kept = drawn(boxes)
    assert len(kept) == 500 and kept[-1][2] == 99_900


@pytest.mark.parametrize(
    ("rate", "seconds", "fft_size"), [(1.92e6, 10, 512), (100e6, 10, 1024), (1e3, 1, 512), (1e4, 60, 64)]
)
def test_a_screen_is_as_long_as_asked_for_and_cheap(rate, seconds, fft_size):
    plan = plan_rows(rate, seconds, fft_size)
    assert 1 <= plan.transforms <= 64
    assert ROWS * plan.samples / rate == pytest.approx(seconds, rel=0.05)


def test_the_ring_keeps_the_last_rows_newest_first():
    ring = RowRing(fft_size=2, samples=10)
    assert np.isnan(ring.newest_first()).all() and ring.end == 0
    numbers = np.repeat(np.arange(ROWS + 30, dtype=np.float32)[:, None], 2, axis=1)
    ring.add(0, numbers[:20])
    assert ring.newest_first()[:3, 0].tolist() == [19, 18, 17] and np.isnan(ring.newest_first()[20:]).all()
    ring.add(20, numbers[20:])
    assert ring.newest_first()[:, 1].tolist() == list(range(ROWS + 29, 29, -1))
    assert ring.end == 10 * (ROWS + 30)


@pytest.mark.parametrize(
    ("low", "high", "most", "texts"),
    [
        (0.0, 5.0, 6, ["0", "1", "2", "3", "4", "5"]),
        (0.0, 0.256, 6, ["0.00", "0.05", "0.10", "0.15", "0.20", "0.25"]),
        (432.72, 435.12, 7, ["433.0", "433.5", "434.0", "434.5", "435.0"]),
        (-1.2, 1.2, 7, ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
        (2400.0, 2500.0, 7, ["2400", "2420", "2440", "2460", "2480", "2500"]),
        (0.0, 10.0, 5, ["0", "2", "4", "6", "8", "10"]),
        (1.0, 1.0, 5, []),
        (0.0, math.inf, 5, []),
    ],
)
def test_axes_have_round_values(low, high, most, texts):
    found = ticks(low, high, most)
    assert [text for _, text in found] == texts and all(float(text) == pytest.approx(value) for value, text in found)
