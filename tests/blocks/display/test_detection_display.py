# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Detection Display: what it says and which pixels it draws, by itself and behind a detector in a flowgraph."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pmt
import pytest
from flowgraph_helpers import WINDOW, RuleBundle, noise, random_model, write_recording
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.display.rows import ROWS
from gnuradio.wfm.ports import messages
from gnuradio.wfm.ports.event import Event

from wfm_core.base.errors import WfmError

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
QtWidgets = pytest.importorskip("PyQt5.QtWidgets")
PROGRAM = Path(__file__).resolve().parents[3] / "examples" / "detection_display.py"
RATE = 1e6
SECONDS = 0.256  # 1024 samples a row
ROW = 1024
STATUS = {"windows_inferred": 7, "windows_dropped": 3, "samples_lost": 2, "latency_ms_p50": 4.0, "latency_ms_p95": 9.0}


@pytest.fixture(scope="module")
def application():
    yield QtWidgets.QApplication.instance() or QtWidgets.QApplication(["test"])


@pytest.fixture
def display(application):
    block = wfm.detection_display(sample_rate=RATE, center_freq=100e6, fft_size=64, seconds=SECONDS)
    block.widget().resize(700, 560)
    block.widget().grab()  # lays it out
    return block


def fill(display, rows: int = ROWS) -> None:
    """A noise floor of -90 dBFS with a tone of -20 dBFS in the middle of the band."""
    levels = np.full((rows, 64), -90.0, np.float32)
    levels[:, 32] = -20.0
    display.state.add_rows(0, levels)


def event(kind: str, label: str, first_row: int, rows: int) -> tuple[str, Event]:
    samples = rows * ROW
    return "interference", Event(kind, label, 0.87, first_row * ROW, samples, samples / RATE, None, None)


def pixels(display) -> np.ndarray:
    """The waterfall as it stands on the screen, [height, width, RGB]."""
    display.widget().refresh()
    image = display.widget().waterfall.grab().toImage().convertToFormat(4)  # RGB32
    raw = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8)
    return raw.reshape(image.height(), image.width(), 4)[..., 2::-1]


def share_of(color, area: np.ndarray) -> float:
    return float(np.mean(np.all(area == np.array(color.getRgb()[:3]), axis=-1)))


def color_of(display, label: str):
    return display.widget().waterfall.colors.of(label)


def cells(display) -> list[list[str]]:
    display.widget().refresh()
    table = display.widget().events
    return [
        [table.item(row, column).text() for column in range(table.columnCount())] for row in range(table.rowCount())
    ]


def test_waterfall_shows_the_tone_where_it_is(display):
    fill(display)
    plot = display.widget().waterfall.plot_area()
    shown = pixels(display)[plot.top() + 5 : plot.bottom() - 5, plot.left() : plot.right()].astype(int).sum(axis=2)
    brightest = shown.mean(axis=0).argmax() / plot.width()
    assert brightest == pytest.approx(32.5 / 64, abs=0.01)
    assert shown[:, : plot.width() // 3].max() < shown.max() / 3


def test_box_and_label_are_drawn_over_the_time_of_the_event(display):
    fill(display)
    before = pixels(display)
    display.state.add_event(*event("end", "dsss-bpsk", first_row=100, rows=50))
    after = pixels(display)
    color = color_of(display, "dsss-bpsk")
    assert share_of(color, before) == 0
    (box,) = display.state.frame().boxes
    area, plot = display.widget().waterfall.box_area(box), display.widget().waterfall.plot_area()
    # Newest on top: rows 100 to 150 of 250 are from 40 % to 60 % of the height.
    assert (area.top() - plot.top()) / plot.height() == pytest.approx(0.4, abs=0.01)
    assert (area.bottom() - plot.top()) / plot.height() == pytest.approx(0.6, abs=0.01)
    for edge in (
        after[area.top(), area.left() : area.right()],
        after[area.top() : area.bottom(), area.left()],
        after[area.top() : area.bottom(), area.right()],
    ):
        assert share_of(color, edge) > 0.95
    assert share_of(color, after[plot.top() : area.top() - 3]) == 0
    changed = np.any(after != before, axis=-1)
    inside = changed[area.top() + 3 : area.bottom() - 30, area.left() + 3 : area.right() - 3]
    assert not inside.any(), "what is in the box can still be seen"


def plate(display, label: str) -> np.ndarray:
    """The pixels [height, width, RGB] of the plate with the label's name, of a box that has ended."""
    display.state.clear()
    fill(display)
    display.state.add_event(*event("end", label, 100, 50))
    image = pixels(display)
    area = display.widget().waterfall.box_area(display.state.frame().boxes[0])
    inside = image[area.top() + 3 : area.bottom() - 3, area.left() + 3 : area.right() - 3]
    colored = np.all(inside == np.array(color_of(display, label).getRgb()[:3]), axis=-1)
    rows, columns = np.flatnonzero(colored.any(axis=1)), np.flatnonzero(colored.any(axis=0))
    return inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def test_labels_are_written_on_plates_as_wide_as_they_are(display):
    long, short, other = (plate(display, label) for label in ("dsss-bpsk", "i", "l"))
    assert long.shape[1] > short.shape[1] + 30
    ink = [np.all(image < 60, axis=-1) for image in (long, short)]
    assert ink[0].sum() > ink[1].sum() + 50, "black letters"
    assert short.shape != other.shape or np.any(short != other), "another letter looks different"


def test_labels_of_short_boxes_do_not_cover_each_other(application):
    from gnuradio.wfm.display.plates import beside
    from PyQt5.QtCore import QRect

    taken = []
    for top in (0, 9, 3, 200, 12):
        taken.append(beside(QRect(5, top, 80, 17), taken))
    overlaps = [
        (a, b) for a, one in enumerate(taken) for b, other in enumerate(taken) if a < b and one.intersects(other)
    ]
    assert overlaps == [] and [plate.top() for plate in taken] == [0, 9, 3, 200, 12]
    assert taken[0].left() == taken[3].left() == 5, "only where there is one in the way"


def test_an_open_box_reaches_to_the_newest_row(display):
    fill(display, rows=200)
    display.state.add_event(*event("begin", "dsss-qpsk", 100, 10))
    display.widget().refresh()
    (box,) = display.state.frame().boxes
    area, plot = display.widget().waterfall.box_area(box), display.widget().waterfall.plot_area()
    assert area.top() == plot.top()
    assert (area.bottom() - plot.top()) / plot.height() == pytest.approx(0.4, abs=0.01)
    assert cells(display) == [["0.102", "0.102 ...", "interference", "dsss-qpsk", "0.87", ""]]


def test_words_under_the_picture(display):
    fill(display)
    display.state.set_status(STATUS)
    display.state.add_notice("swapped to other")
    decision = {"label": "none", "index": 0, "score": 0.75, "probabilities": {"none": 0.75}}
    display.state.add_detection(messages.Detection("interference", 0, 100, None, None, -31.0, decision))
    display.state.add_detection(messages.Detection("position", 0, 100, None, None, -31.0, {"position": [1, 2.5, 0]}))
    display.widget().refresh()
    said = display.widget().status.text()
    assert all(part in said for part in ("MS/s", "windows 7, dropped 3", "lost 2", "4.0 ms (95 %: 9.0 ms)"))
    answers = display.widget().answers.text()
    assert "interference: none 0.75, -31 dBFS" in answers and "position: 1.00 m 2.50 m 0.00 m" in answers
    assert "swapped to other" in answers
    assert cells(display) == [], "neither the background nor a position makes a box"
    display.state.set_status({**STATUS, "error": "the model broke"})
    display.widget().refresh()
    assert "inference failed: the model broke" in display.widget().status.text()


def test_what_others_wrote_is_no_markup(display):
    fill(display)
    odd = "<b>\u2603</b> & <img src='x'>"
    display.state.add_event(*event("end", odd, 100, 50))
    display.state.add_notice(odd)
    pixels(display)
    assert cells(display)[0][3] == odd and display.widget().answers.text() == odd
    assert display.widget().answers.textFormat() == display.widget().status.textFormat() == 0, "plain text"


def test_another_frequency_clears_the_waterfall(display):
    fill(display)
    display.set_center_freq(100e6)
    assert np.isfinite(display.state.frame().levels).all()
    display.set_center_freq(101e6)
    assert np.isnan(display.state.frame().levels).all() and display.state.frame().center_freq == 101e6


def spelled(labels: str) -> np.ndarray:
    """[n] samples, one window a digit: the label's number that RuleBundle answers with."""
    samples = noise(1, len(labels) * WINDOW)[0]
    samples[::WINDOW] = [int(letter) for letter in labels]
    return samples


def run(display, samples, tags=(), detector=None, strange=()) -> None:
    """source -> detector -> display, whose widget is drawn while the flowgraph runs."""
    top = gr.top_block()
    source = blocks.vector_source_c(samples.tolist(), False, 1, list(tags))
    detector = detector or wfm.interference_detector(RuleBundle(), sample_rate=RATE, policy="lossless", windows=4)
    top.connect(source, detector, display)
    for port in ("detects", "events", "status"):
        top.msg_connect(detector, port, display, port)
    top.msg_connect(detector, "notices", display, "events")
    top.start()
    for port, message in strange:
        display.listener.to_basic_block()._post(pmt.intern(port), message)
    QtWidgets.QApplication.processEvents()
    top.wait()


def test_behind_a_detector_in_a_flowgraph(display):
    run(display, spelled("0" * 200 + "1" * 400 + "0" * 200 + "2" * 224))
    rows = cells(display)
    assert [row[2:4] for row in rows] == [["interference", "dsss-qpsk"], ["interference", "dsss-bpsk"]]
    begins = [float(row[0]) for row in rows]
    assert begins == pytest.approx([800 * WINDOW / RATE, 200 * WINDOW / RATE], abs=1e-3)
    assert float(rows[1][1]) == pytest.approx(400 * WINDOW / RATE, abs=3 * WINDOW / RATE)
    levels = display.state.frame().levels
    assert np.isfinite(levels).sum() >= 0.99 * levels.size, "1024 windows of 256 samples are 256 rows of 1024"
    # Noise of power 0.02 in 64 bins: a Hann window lets 1.76 dB more through; the mean of decibels is 2.51 dB lower.
    assert np.median(levels) == pytest.approx(10 * np.log10(0.02 / 64) + 1.76 - 2.51, abs=0.5)
    assert "windows 1024, dropped 0" in display.widget().status.text()
    assert "ended" in display.widget().status.text()
    picture = pixels(display)
    assert share_of(color_of(display, "dsss-bpsk"), picture) > 0.005
    assert share_of(color_of(display, "dsss-qpsk"), picture) > 0.005


def test_decisions_that_come_after_the_streams_end_are_shown(display):
    slow = RuleBundle(before_infer=lambda iq: time.sleep(0.2))
    run(display, spelled("0" * 40), detector=wfm.interference_detector(slow, sample_rate=RATE, policy="lossless"))
    display.widget().refresh()
    assert "windows 40," in display.widget().status.text() and "ended" in display.widget().status.text()


def test_rx_freq_tags_move_the_axis(display):
    tag = gr.tag_t()
    tag.offset, tag.key, tag.value = 100 * ROW, pmt.intern("rx_freq"), pmt.from_double(433e6)
    run(display, spelled("0" * 600), tags=[tag])
    assert display.state.frame().center_freq == 433e6


def test_as_many_rows_wait_for_python_in_later_runs(application):
    """A buffer that is smaller in the second run lets the stream wait for the drawing."""
    display = wfm.detection_display(sample_rate=RATE, fft_size=1024, seconds=SECONDS)
    top, source, opened = gr.top_block(), blocks.null_source(gr.sizeof_gr_complex), threading.Event()
    display.state.add_rows = lambda number, rows: opened.wait(20)
    top.connect(source, display)
    passed = []
    for _ in range(2):
        opened.clear()
        top.start()
        count = -1
        while count != source.nitems_written(0):
            count = source.nitems_written(0)
            time.sleep(0.2)
        passed.append(count / ROW)
        opened.set()
        top.stop()
        top.wait()
    assert passed[0] > 64
    assert passed[1] == pytest.approx(passed[0], abs=4)


def test_strangers_messages_are_counted_and_end_nothing(display):
    kinds = [pmt.intern("x"), pmt.PMT_NIL, pmt.to_pmt({"a": 1}), pmt.cons(pmt.PMT_NIL, pmt.init_f32vector(1, [0.5]))]
    strange = [(port, kind) for port in ("detects", "events", "status") for kind in kinds]
    strange.append(("status", pmt.to_pmt({**STATUS, "latency_ms_p50": "soon"})))
    strange.append(("events", pmt.to_pmt({"event": "begin", "task": "t", "label": "l"})))
    run(display, spelled("0" * 100), strange=strange)
    display.widget().refresh()
    assert f"messages ignored {len(strange)}" in display.widget().status.text()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"sample_rate": 0.0}, "sample rate 0 Hz: a positive number"),
        ({"center_freq": float("nan")}, "centre frequency nan Hz: a finite"),
        ({"fft_size": 8}, "8 frequency bins: 16 to 8192"),
        ({"seconds": 0.0}, "a waterfall of 0 s: 0.1 to 600 s"),
    ],
)
def test_parameters_out_of_their_range_are_refused(application, settings, sentence):
    with pytest.raises(WfmError, match=sentence):
        wfm.detection_display(**settings)


def said_without(preparation: str) -> str:
    """What the constructor says in a fresh interpreter after `preparation`."""
    program = f"{preparation}\nfrom gnuradio.wfm import app\nfrom gnuradio import wfm\nwfm.detection_display()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_without_qt_it_says_what_to_install():
    said = said_without("import sys\nsys.modules['PyQt5'] = None")
    assert "needs PyQt5" in said and "install python3-pyqt5" in said


def test_without_a_qt_application_it_says_so():
    assert "no Qt application runs: set the flowgraph's Generate Options to QT GUI" in said_without("")


def test_the_example_runs_to_its_end_on_a_recording(tmp_path):
    model = random_model(tmp_path / "model", samples=4096)
    path = write_recording(tmp_path, noise(1, 20 * 16384))
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, str(PROGRAM), "--source", f"file:{path}", "--bundle", str(model)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "20 windows decided" in done.stdout
