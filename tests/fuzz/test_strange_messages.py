# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated messages at every message port and generated tags on every stream of the Python blocks: each block then
still answers a good one."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pmt
import pytest
from detections import ANSWER, BAND, detection
from flowgraph_helpers import Collector, RuleBundle, noise, write_recording
from gnuradio import blocks, gr, wfm
from gnuradio.wfm import rehearsal, remote
from gnuradio.wfm.display.sinks import STATUS_NUMBERS, display_messages_sink, display_rows_sink
from gnuradio.wfm.display.state import DisplayState
from gnuradio.wfm.events.duty_cycle import duty_cycle
from gnuradio.wfm.events.quantity_smoother import quantity_smoother
from gnuradio.wfm.events.signal_events import SignalEvents
from gnuradio.wfm.events.signal_tracker import signal_tracker
from gnuradio.wfm.ports import keys
from gnuradio.wfm.ports.spectrum import spectrum_pdu
from gnuradio.wfm.radio.ground_truth import GroundTruth
from gnuradio.wfm.radio.radio_control import radio_control
from image_bundles import ImageRule, WidthRule, image
from stand_in_radio import Radio
from strange_pmts import Stranger
from vrt_helpers import Receiver

QUICK, LONG = 300, 10_000
_AT_ONCE = 500
"""Fewer than may wait at a block."""

EVENT = {
    "event": "begin", "task": "interference", "label": "a", "score": 0.9, "duration": 1.0, "sample_start": 5,
    "sample_count": 10,
}  # fmt: skip
STATUS = {"radio": "r", "samples_in": 10, "samples_lost": 0, "queue_depth": 0, "ended": False}


SIGNAL = detection(**BAND)
SIGNAL_EVENT = {**EVENT, **BAND}
POSITION = detection(0, {"position": [1.0, 2.0, 3.0]}, "position")
EMBEDDING = pmt.cons(
    pmt.dict_add(pmt.make_dict(), keys.EMBEDDING, pmt.intern("embedding_iq")), pmt.init_f32vector(3, [1, 2, 3])
)


def csi(number: int) -> pmt.pmt_base:
    return pmt.cons(pmt.to_pmt({"packet_num": number}), pmt.init_c32vector(4, [1, 2, 3, 4]))


@dataclass
class Case:
    """A block, one of its ports, good messages for it, and a count that grows with each answer to one of them."""

    make: Callable
    port: str
    good: list
    count: Callable
    keep: list = field(default_factory=list)


def taken(state: DisplayState) -> int:
    return state.version() - state.frame().ignored


def display_case(port: str, good) -> Case:
    state = DisplayState(16, 100, 0.0, ("none",))
    return Case(lambda folder: display_messages_sink(state), port, good, lambda block, got: taken(state))


def truth() -> GroundTruth:
    return GroundTruth([], 1e6, (17, 0.0), 1000)


def annotator(folder):
    return wfm.sigmf_annotator(str(write_recording(folder, noise(1, 4000))))


def marks(block) -> int:
    """Taken, whether they are in the file yet or not."""
    return block.counts()["written"] + block.counts()["outside"] + block.queue.waiting()


def publisher(folder):
    return wfm.event_publisher("tcp://127.0.0.1:*", "r")


def of_port(name: str) -> Callable:
    return lambda block, got: len(got[name].messages)


CASES = {
    "decision_log-events": Case(
        lambda folder: wfm.decision_log(str(folder / "d"), 1e6, True), "events", [pmt.to_pmt(EVENT)],
        lambda block, got: block.refused,
    ),
    "recorder-control": Case(
        lambda folder: wfm.recorder(1, 1e4, str(folder)), "control",
        [pmt.to_pmt({"label": "x"}), pmt.to_pmt({"start": True}), pmt.cons(pmt.intern("stop"), pmt.PMT_T),
         pmt.to_pmt({"annotate": "seen"})],
        lambda block, got: block.counters()["refused"],
    ),
    "recorder-trigger": Case(
        lambda folder: wfm.recorder(1, 1e4, str(folder)), "trigger",
        [pmt.to_pmt(EVENT), pmt.to_pmt({**EVENT, "event": "end"})], lambda block, got: block.counters()["refused"],
    ),
    "inference-control": Case(
        lambda folder: wfm.inference(RuleBundle(), sample_rate=1e4), "control",
        [pmt.to_pmt({"threshold": 0.5}), pmt.to_pmt({"gate_dbfs": -60.0, "hop": 512}), pmt.to_pmt({"model": "x"})],
        lambda block, got: block.status()["control_refused"],
    ),
    "radio_control-command": Case(
        lambda folder: radio_control(Radio(), "test", 1.0, 5.0, 0.0), "command",
        [pmt.to_pmt({"freq": 1e9}), pmt.to_pmt({"gain": 20.0, "chan": 1})],
        lambda block, got: block.status()["commands_refused"],
    ),
    "decision_log-detects": Case(
        lambda folder: wfm.decision_log(str(folder / "d"), 1e6, True), "detects", [detection(), POSITION],
        lambda block, got: sum(block.counts.values()),
    ),
    "run_report-detects": Case(
        lambda folder: wfm.run_report(str(folder), 1), "detects", [detection()],
        lambda block, got: sum(block.decisions.counts.values()),
    ),
    "signal_tracker-detects": Case(
        lambda folder: signal_tracker("interference", SignalEvents(1e6, 0, 0, ("none",))), "detects",
        [SIGNAL, detection(0, {**ANSWER, "label": "a"}, **BAND), pmt.to_pmt(STATUS)], of_port("events"),
    ),
    "signal_tracker-status": Case(
        lambda folder: signal_tracker("interference", SignalEvents(1e6, 0, 0, ())), "status",
        [pmt.to_pmt({**STATUS, "samples_before": 1})], lambda block, got: block.refused,
    ),
    "signal_classifier-control": Case(
        lambda folder: wfm.signal_classifier(WidthRule(), sample_rate=1e4), "control",
        [pmt.to_pmt({"threshold": 0.5}), pmt.to_pmt({"gate_dbfs": -60.0}), pmt.to_pmt({"model": "x"})],
        lambda block, got: block.status()["control_refused"],
    ),
    "event_publisher-detects": Case(
        publisher, "detects", [detection(), SIGNAL, POSITION], lambda b, got: b.status()["sent"]
    ),
    "event_publisher-events": Case(
        publisher, "events", [pmt.to_pmt(EVENT), pmt.to_pmt(SIGNAL_EVENT)], lambda b, got: b.status()["sent"]
    ),
    "event_publisher-spectrum": Case(
        publisher, "spectrum",
        [spectrum_pdu(0, 10, 1e6, 1e9, np.arange(16)), spectrum_pdu(9, 1, 1.0, None, np.zeros(1024, int))],
        lambda b, got: b.status()["sent"],
    ),
    "event_publisher-status": Case(publisher, "status", [pmt.to_pmt(STATUS)], lambda b, got: b.status()["sent"]),
    "event_tracker-detects": Case(
        lambda folder: wfm.event_tracker(windows=1, background=""), "detects", [detection(), pmt.to_pmt(STATUS)],
        of_port("events"),
    ),
    "quantity_smoother-detects": Case(
        lambda folder: quantity_smoother("position", keys.POSITIONS, 5, 64), "detects", [POSITION], of_port("positions")
    ),
    "duty_cycle-detects": Case(
        lambda folder: duty_cycle("interference", "none", 1, 64), "detects", [detection()], of_port("duty")
    ),
    "task_head-embeddings": Case(
        lambda folder: wfm.task_head(windows=3), "embeddings", [EMBEDDING], lambda b, got: b.status()["windows_in"]
    ),
    "task_head-control": Case(
        lambda folder: wfm.task_head(windows=3), "control",
        [
            pmt.to_pmt({"forget": "x"}), pmt.to_pmt({"name": "unknown-1", "as": "y"}),
            pmt.to_pmt({"enrol": "x", "windows": 4}),
        ],
        of_port("events"),
    ),
    "task_head-survey": Case(
        lambda folder: wfm.task_head(task="position", windows=3), "control",
        [pmt.to_pmt({"forget": [1.0, 2.0, 0.5]}), pmt.to_pmt({"point": [1.0, 2.0, 0.5], "windows": 4})],
        of_port("events"),
    ),
    "csi_image-csi": Case(
        lambda folder: wfm.csi_image("pdus", 1, 4, packets=1), "csi", [csi(n) for n in range(3000)],
        lambda b, got: b.status()["vectors_in"],
    ),
    "image_inference-images": Case(
        lambda folder: wfm.image_inference(ImageRule(), policy="lossless"), "images", [image(1)], of_port("detects")
    ),
    "image_inference-control": Case(
        lambda folder: wfm.image_inference(ImageRule(), policy="lossless"), "control",
        [pmt.to_pmt({"threshold": 0.5, "strange": 1})], of_port("events"),
    ),
    "annotator-events": Case(
        annotator, "events", [pmt.to_pmt({**EVENT, "event": "end"}), pmt.to_pmt(SIGNAL_EVENT)], lambda b, got: marks(b)
    ),
    "annotator-detects": Case(
        annotator, "detects", [detection(0, {**ANSWER, "label": "a"}), SIGNAL], lambda b, got: marks(b)
    ),
    "annotator-recordings": Case(
        annotator, "recordings", [pmt.to_pmt({"event": "begin", "path": "/nowhere", "sample_start": 0}), pmt.PMT_T],
        lambda b, got: b.counts()["refused"],
    ),
    "display-detects": display_case("detects", [detection(), SIGNAL, POSITION]),
    "display-events": display_case("events", [pmt.to_pmt(EVENT), pmt.to_pmt(SIGNAL_EVENT)]),
    "display-status": display_case(
        "status",
        [pmt.to_pmt({**STATUS, **dict.fromkeys(STATUS_NUMBERS, 1)})],
    ),
    "account-status": Case(lambda folder: remote.Account(), "status", [pmt.to_pmt(STATUS)], lambda b, got: b.taken()),
    "tally-detects": Case(
        lambda folder: rehearsal.Tally(truth(), "t"), "detects", [detection()], lambda b, got: b.refused
    ),
    "teacher-events": Case(
        lambda folder: rehearsal.Teacher(truth(), ("a",)), "events", [pmt.to_pmt({"event": "enrolled", "text": "x"})],
        lambda b, got: b.refused,
    ),
}  # fmt: skip
WAITS_FOR_A_REFUSAL = (
    "annotator-recordings", "tally-detects", "teacher-events", "decision_log-events", "recorder-control",
    "recorder-trigger", "inference-control", "radio_control-command", "signal_classifier-control",
    "signal_tracker-status",
)  # fmt: skip
"""A good message leaves nothing to be counted there: one that is refused is the answer."""


ANSWERS_ON = {
    "event_tracker": ["events"],
    "signal_tracker": ["events"],
    "quantity_smoother": ["positions"],
    "duty_cycle": ["duty"],
    "task_head": ["events"],
    "image_inference": ["detects", "events"],
}


@pytest.mark.parametrize("name", CASES)
def test_a_block_answers_after_strange_messages(tmp_path, monkeypatch, name):
    withstands(tmp_path, monkeypatch, name, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_block_answers_after_many_strange_messages(tmp_path, monkeypatch, name):
    withstands(tmp_path, monkeypatch, name, LONG)


def withstands(folder, monkeypatch, name: str, number: int, seed: int | None = None) -> None:
    monkeypatch.chdir(folder)  # an unknown sender may name files
    case, stranger = CASES[name], Stranger(number + sum(map(ord, name)) if seed is None else seed)
    block, speaker, top, got = case.make(folder), Collector(), gr.top_block(), {}
    top.msg_connect(speaker, "out", block, case.port)
    for port in ANSWERS_ON.get(name.partition("-")[0], ()):
        got[port] = Collector()
        top.msg_connect(block, port, got[port], "in")
    if isinstance(block, wfm.run_report | wfm.recorder | wfm.inference | wfm.signal_classifier):
        top.connect(blocks.null_source(8), blocks.throttle(8, 1e4), block)
    if isinstance(block, wfm.inference | wfm.signal_classifier):
        top.connect(block, blocks.null_sink(8))
    top.start()
    try:
        for _ in range(0, number, _AT_ONCE):
            for _ in range(min(number, _AT_ONCE)):
                speaker.say(stranger.message(case.good))
            answered(case, name, block, speaker, got)
    finally:
        top.stop()
        top.wait()


def answered(case: Case, name: str, block, speaker, got) -> None:
    time.sleep(0.1)
    before, until, place = case.count(block, got), time.monotonic() + 20, 10_000
    while case.count(block, got) == before:
        assert time.monotonic() < until, f"{name} answers no more"
        speaker.say(good_one(case, name, place))
        place += 256
        time.sleep(0.01)


def good_one(case: Case, name: str, place: int) -> pmt.pmt_base:
    if name in WAITS_FOR_A_REFUSAL:
        return pmt.from_long(3)
    if name == "account-status":
        return pmt.to_pmt({**STATUS, "radio": "another", "samples_in": place})
    if name == "annotator-events":
        return pmt.to_pmt({**EVENT, "event": "end", "sample_start": place})
    if name == "annotator-detects":
        return detection(place, {**ANSWER, "label": "a"})
    if name == "signal_tracker-detects":
        return detection(place, {**ANSWER, "label": "a"}, **BAND)
    if name == "csi_image-csi":
        return csi(place // 256 % 4096)
    if name == "event_tracker-detects":
        return detection(place, {**ANSWER, "label": "none" if place // 256 % 2 else "a", "probabilities": (
            {"none": 1.0, "a": 0.0} if place // 256 % 2 else {"none": 0.0, "a": 1.0})})  # fmt: skip
    return case.good[0]


@pytest.mark.parametrize("seed", range(3))
def test_strange_tags_cost_no_sample(seed, tmp_path):
    stranger, count = Stranger(seed), 20_000
    top, made = gr.top_block(), []
    for offset in range(0, count, 100):
        tag = gr.tag_t()
        key = ("rx_time", "rx_rate", "rx_freq", "ofdm_sync_chan_taps", "packet_num")[offset // 100 % 5]
        tag.offset, tag.key, tag.value = offset, pmt.intern(key), stranger.value()
        made.append(tag)
    source = blocks.vector_source_c(np.arange(count).astype(np.complex64), False, 1, made)
    link = wfm.sample_publisher(f"ipc://{tmp_path}/link", 1, 1e6, 1000)
    image_of, rows = wfm.csi_image("tags", 1, 1, packets=4), display_rows_sink(DisplayState(2, 100, 0.0, ()), 2, 4)
    top.connect(source, link)
    top.connect(source, image_of)
    top.connect(source, blocks.complex_to_real(), blocks.stream_to_vector(4, 2), rows)
    with Receiver(f"ipc://{tmp_path}/link") as receiver:
        time.sleep(0.3)  # until the subscriber is known to the publisher
        top.run()
        assert receiver.heard(count), "every sample has come out"
        assert receiver.refused == 0
    assert np.array_equal(receiver.samples()[0], np.arange(count))
    assert link.status()["tags_ignored"] > 0
    assert (rows.nitems_read(0), image_of.nitems_read(0)) == (count // 2, count)
