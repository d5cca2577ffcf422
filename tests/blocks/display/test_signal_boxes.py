# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes in frequency on WFM Detection Display: which there are, where they are drawn, and what they tell."""

import os

import numpy as np
import pytest
from gnuradio import wfm
from gnuradio.wfm.display.boxes import Box, Boxes
from gnuradio.wfm.display.rows import ROWS
from gnuradio.wfm.ports.event import Event
from gnuradio.wfm.ports.messages import Detection

from wfm_core.evaluate.figures.label_colours import LabelColours

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
QtWidgets = pytest.importorskip("PyQt5.QtWidgets")
RATE, ROW = 1e6, 1024


def drawn(boxes: Boxes) -> list[tuple]:
    return [(box.label, box.start, box.end, box.edges, box.open) for box in boxes.copies()]


A, NEARLY_A, B = (10.0, 20.0), (10.5, 20.5), (40.0, 50.0)


def test_windows_of_one_signal_make_one_box_and_those_beside_another():
    boxes = Boxes(["noise"], max_gap=10)
    boxes.add_window("t", "a", 0.5, 0, 100, A, 12.0)
    boxes.add_window("t", "b", 0.5, 50, 150, B, 9.0)
    boxes.add_window("t", "a", 0.7, 105, 200, NEARLY_A, 12.0)
    boxes.add_window("t", "noise", 0.9, 105, 200, (70.0, 80.0))
    boxes.add_window("t", "a", 0.7, 211, 300, A, 12.0)
    assert drawn(boxes) == [("a", 0, 200, A, False), ("b", 50, 150, B, False), ("a", 211, 300, A, False)]
    assert boxes.copies()[0].score == pytest.approx(0.6) and boxes.copies()[0].snr_db == 12.0


def test_several_events_of_signals_are_open_at_once_and_grow_with_their_windows():
    boxes = Boxes([], max_gap=0)
    boxes.add_event("begin", "t", "a", 0.7, 0, 100, A)
    boxes.add_event("begin", "t", "b", 0.7, 20, 100, B)
    boxes.add_window("t", "a", 0.7, 100, 200, NEARLY_A)
    assert drawn(boxes) == [("a", 0, 200, A, True), ("b", 20, 100, B, True)]
    boxes.add_event("end", "t", "a", 0.8, 0, 300, A)
    assert drawn(boxes) == [("a", 0, 300, A, False), ("b", 20, 100, B, True)]
    boxes.add_event("begin", "t", "c", 0.7, 400, 500, B)
    assert drawn(boxes)[1:] == [("b", 20, 100, B, False), ("c", 400, 500, B, True)], "its end was missed"
    boxes.add_event("end", "t", "b", 0.8, 20, 150, B)
    assert drawn(boxes)[1] == ("b", 20, 150, B, False) and len(drawn(boxes)) == 3, "it came late"


@pytest.fixture
def view():
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["test"])
    block = wfm.detection_display(sample_rate=RATE, center_freq=100e6, fft_size=64, seconds=0.256)
    block.widget().resize(700, 560)
    block.widget().grab()
    block.state.add_rows(0, np.full((ROWS, 64), -90.0, np.float32))
    yield block
    application.processEvents()


def detection(label: str, first_row: int, rows: int, lower: float, upper: float, rx_freq=100e6) -> Detection:
    decision = {"label": label, "index": 0, "score": 0.87, "probabilities": {label: 0.87}}
    return Detection(
        "classification", first_row * ROW, rows * ROW, None, rx_freq, -30.0, decision, 1, lower, upper, 14.2
    )


def shown(view):
    view.widget().refresh()
    return view.widget().waterfall


def test_a_box_is_drawn_where_the_signal_is(view):
    view.state.add_detection(detection("ook", 100, 50, 99.75e6, 100.25e6))
    view.state.add_detection(detection("ook", 100, 50, -0.45e6, -0.35e6, rx_freq=None))
    waterfall = shown(view)
    one, other = view.state.frame().boxes
    area, plot = waterfall.box_area(one), waterfall.plot_area()
    assert (area.left() - plot.left()) / plot.width() == pytest.approx(0.25, abs=0.01)
    assert (area.right() - plot.left()) / plot.width() == pytest.approx(0.75, abs=0.01)
    assert (area.top() - plot.top()) / plot.height() == pytest.approx(0.4, abs=0.01)
    assert (area.bottom() - plot.top()) / plot.height() == pytest.approx(0.6, abs=0.01)
    left = waterfall.box_area(other).left()
    assert (left - plot.left()) / plot.width() == pytest.approx(0.05, abs=0.01), "about the middle of the display"
    assert waterfall.box_at(area.center()) == one and waterfall.box_at(plot.topLeft()) is None


def test_the_smallest_box_under_the_mouse_tells_of_itself(view):
    view.state.add_detection(detection("wifi", 50, 150, 99.6e6, 100.4e6))
    view.state.add_detection(detection("<b>ook</b>", 100, 20, 100.0e6, 100.01e6))
    waterfall = shown(view)
    narrow = view.state.frame().boxes[1]
    assert waterfall.box_at(waterfall.box_area(narrow).center()) == narrow

    from gnuradio.wfm.display.plates import tooltip

    told = tooltip(narrow, RATE)
    assert "&lt;b&gt;ook&lt;/b&gt;, score 0.87" in told, "no sender's markup"
    assert "100.0000 to 100.0100 MHz, 10.0 kHz wide" in told and "SNR 14.2 dB" in told
    assert "from 0.102 s for 0.020 s" in told


def test_plates_of_many_boxes_do_not_cover_each_other_and_stay_in_the_plot():
    from gnuradio.wfm.display.plates import free_place
    from PyQt5.QtCore import QRect, QSize

    plot, rng, taken, left_out = QRect(50, 5, 600, 400), np.random.default_rng(1), [], 0
    for _ in range(300):
        x, y, width, height = (int(v) for v in rng.uniform((20, -20, 3, 3), (640, 400, 60, 60)))
        box = QRect(x, y, width, height)
        plate = free_place(QSize(70, 17), box, plot, taken)
        if plate is None:
            left_out += 1
            continue
        assert plot.contains(plate) and not any(plate.intersects(other) for other in taken)
        assert plate.adjusted(-80, -20, 80, 20).intersects(box), "it stays near its box"
        taken.append(plate)
    assert len(taken) > 80 and left_out > 0, "what has no room is told by the mouse alone"


def test_events_with_edges_stand_in_the_table(view):
    event = Event("begin", "lora", 0.9, 100 * ROW, 10 * ROW, 0.01, None, 100e6, 99.9e6, 100.1e6, 8.0)
    view.state.add_event("classification", event)
    shown(view)
    table = view.widget().events
    assert [table.item(0, column).text() for column in (3, 5)] == ["lora", "100.0000"]
    box = view.state.frame().boxes[0]
    assert view.widget().waterfall.box_area(box).top() > view.widget().waterfall.plot_area().top(), "as far as is known"


def test_each_class_has_a_colour_of_its_own():
    colours = LabelColours()
    given = [colours.of(str(number)) for number in range(40)]
    assert len(set(given)) == 40 and [colours.of(str(number)) for number in range(40)] == given
    rgb = np.array([[int(c[place : place + 2], 16) for place in (1, 3, 5)] for c in given])
    assert (rgb @ (0.2126, 0.7152, 0.0722) > 98).all(), "to be seen on a dark waterfall, and to be read in black"


def test_a_box_has_no_edges_unless_told():
    assert Box("t", "a", 0, 1, 0.5).edges is None
