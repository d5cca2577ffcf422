# SPDX-License-Identifier: GPL-3.0-or-later
"""The event tracker and the presets in flowgraphs."""

import numpy as np
import pmt
import pytest
from flowgraph_helpers import WINDOW, Collector, RuleBundle, noise, random_model
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.ports import keys, messages

from wfm_core.base.errors import WfmError

RATE = 1.92e6


def spelled(labels: str, scale: float = 0.1) -> np.ndarray:
    """[n] samples, one window a digit: the label's number that RuleBundle answers with; `_` is a silent window."""
    samples = noise(1, len(labels) * WINDOW, scale=scale)[0]
    for place, letter in enumerate(labels):
        first = place * WINDOW
        if letter == "_":
            samples[first : first + WINDOW] = 0
        else:
            samples[first] = int(letter)
    return samples


class Task(RuleBundle):
    """RuleBundle's answers under another task's name."""

    def __init__(self, task: str):
        super().__init__()
        object.__setattr__(self.contract, "tasks", {task: self.contract.tasks["interference"]})
        self._task = task

    def decide(self, outputs, i, threshold=None):
        return {self._task: super().decide(outputs, i, threshold)["interference"]}


def run(block, samples) -> dict[str, Collector]:
    top, ports = gr.top_block(), {}
    source, sink = blocks.vector_source_c(samples.tolist()), blocks.vector_sink_c()
    top.connect(source, block, sink)
    for port in ("detects", "events", "status", "notices"):
        ports[port] = Collector()
        top.msg_connect(block, port, ports[port], "in")
    top.run()
    assert np.array_equal(np.array(sink.data(), np.complex64), samples)
    return ports


def told(events: Collector) -> list[tuple]:
    return [(e["event"], e["label"], e["sample_start"] // WINDOW, e["sample_count"] // WINDOW) for e in events.dicts()]


def test_interference_detector_says_when_it_began_and_ended():
    block = wfm.interference_detector(RuleBundle(), sample_rate=RATE, policy="lossless", windows=4)
    ports = run(block, spelled("0001000111101111000000"))
    assert len(ports["detects"].messages) == 22, "the events stand beside the windows' own decisions"
    assert told(ports["events"]) == [("begin", "dsss-bpsk", 7, 3), ("end", "dsss-bpsk", 7, 9)]
    end = ports["events"].dicts()[-1]
    assert end["task"] == "interference" and end["score"] == pytest.approx(0.8)
    assert end["duration"] == pytest.approx(9 * WINDOW / RATE)


def test_an_event_ends_with_the_stream():
    block = wfm.interference_detector(RuleBundle(), sample_rate=RATE, policy="lossless", windows=2)
    assert told(run(block, spelled("00222222"))["events"]) == [("begin", "dsss-qpsk", 2, 2), ("end", "dsss-qpsk", 2, 6)]


def test_silence_ends_an_event_and_is_not_named():
    block = wfm.rf_fingerprinter(Task("fingerprint"), sample_rate=RATE, policy="lossless", windows=2)
    ports = run(block, spelled("1111____2222"))
    assert ports["status"].dicts()[-1]["windows_gated"] == 4
    assert told(ports["events"]) == [
        ("begin", "dsss-bpsk", 0, 2),
        ("end", "dsss-bpsk", 0, 4),
        ("begin", "dsss-qpsk", 8, 2),
        ("end", "dsss-qpsk", 8, 4),
    ]
    assert {e["task"] for e in ports["events"].dicts()} == {"fingerprint"}


def test_strangers_messages_end_nothing():
    block = wfm.interference_detector(RuleBundle(), sample_rate=RATE, policy="lossless", windows=2)
    strange = [pmt.intern("x"), pmt.PMT_NIL, pmt.to_pmt({"a": 1}), pmt.cons(pmt.PMT_NIL, pmt.init_f32vector(1, [0.5]))]
    for message in strange:
        block.tracker.to_basic_block()._post(pmt.intern("detects"), message)
        block.tracker.to_basic_block()._post(pmt.intern("status"), message)
    assert told(run(block, spelled("00222222"))["events"]) == [("begin", "dsss-qpsk", 2, 2), ("end", "dsss-qpsk", 2, 6)]


def test_a_bundle_without_the_task_is_refused(tmp_path):
    model = random_model(tmp_path / "model")
    with pytest.raises(WfmError, match="test-model has the tasks interference, fingerprint is expected"):
        wfm.rf_fingerprinter(str(model))
    with pytest.raises(WfmError, match="has the tasks fingerprint, interference is expected"):
        wfm.interference_detector(Task("fingerprint"))


def test_decision_log_prints_events_and_ignores_what_is_none(capsys):
    log = wfm.decision_log(sample_rate=100.0, quiet=True)
    begin = {
        "event": "begin",
        "task": "activity",
        "label": "walking",
        "score": 0.9,
        "duration": 1.0,
        "sample_start": 250,
        "sample_count": 100,
    }
    end = {**begin, "event": "end", "duration": 3.5}
    for message in (pmt.to_pmt(begin), pmt.intern("x"), pmt.PMT_NIL, pmt.to_pmt({"event": "end"}), pmt.to_pmt(end)):
        log.handle(keys.EVENTS, message)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines() if "activity" in line]
    assert lines == ["2.5000 s  activity walking begins", "2.5000 s  activity walking ends after 3.50 s, score 0.90"]


def test_blocks_are_judged_in_place_of_windows():
    """RuleBundle answers by the first sample of what it is given; the last two windows fill no block."""
    bundle = RuleBundle(average=8)
    block = wfm.interference_detector(bundle, sample_rate=RATE, policy="lossless", pool=4 * WINDOW)
    top, ports = gr.top_block(), {name: Collector() for name in ("detects", "events", "status")}
    samples = spelled("000010001000000000")
    top.connect(blocks.vector_source_c(samples.tolist()), block, blocks.null_sink(gr.sizeof_gr_complex))
    for port, collector in ports.items():
        top.msg_connect(block, port, collector, "in")
    top.run()
    found = ports["detects"].detections()
    assert [(one.sample_start // WINDOW, one.sample_count // WINDOW, one.label) for one in found] == [
        (0, 4, "none"), (4, 4, "dsss-bpsk"), (8, 4, "dsss-bpsk"), (12, 4, "none"),
    ]  # fmt: skip
    assert told(ports["events"]) == [("begin", "dsss-bpsk", 4, 4), ("end", "dsss-bpsk", 4, 8)]


def test_blocks_are_not_filled_across_a_retune():
    bundle = RuleBundle(average=4)
    block, got, top = wfm.interference_detector(bundle, policy="lossless", pool=4 * WINDOW), Collector(), gr.top_block()
    tag = gr.tag_utils.python_to_tag((6 * WINDOW, pmt.intern("rx_freq"), pmt.from_double(2e9), pmt.PMT_F))
    source = blocks.vector_source_c(spelled("0" * 18).tolist(), False, 1, [tag])
    top.connect(source, block, blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(block, "detects", got, "in")
    top.run()
    assert [one.sample_start // WINDOW for one in got.detections()] == [0, 6, 10, 14]


@pytest.mark.parametrize("pool", [10, -1, 5 * WINDOW])
def test_blocks_that_the_bundle_cannot_judge_are_refused(pool):
    with pytest.raises(
        WfmError, match=f"windows of {pool} samples; .* takes {WINDOW} or a multiple, up to {4 * WINDOW}"
    ):
        wfm.interference_detector(RuleBundle(average=4), pool=pool)
    with pytest.raises(WfmError, match=f"windows of {2 * WINDOW} samples; bundle 'test-model' takes {WINDOW}: cut"):
        wfm.interference_detector(RuleBundle(), pool=2 * WINDOW)


class Embedder(RuleBundle):
    """An embedding a window without tasks: the real part of its first sample, and a little noise."""

    def __init__(self):
        super().__init__()
        for name, value in {"tasks": {}, "embedding": "mean"}.items():
            object.__setattr__(self.contract, name, value)
        self._noise = np.random.default_rng(1)

    def infer(self, windows):
        first = np.asarray(windows)[:, 0, :1].real
        noise = 0.01 * self._noise.standard_normal((len(first), 4))
        return {"embedding_iq": (np.repeat(first, 4, 1) + noise).astype(np.float32)}

    def decide(self, outputs, i, threshold=None):
        return {}


def test_rf_fingerprinter_enrols_with_a_bundle_without_tasks():
    block = wfm.rf_fingerprinter(Embedder(), sample_rate=RATE, policy="lossless", windows=1, margin=6.0)
    enrolled = Collector()
    order = pmt.dict_add(pmt.make_dict(), pmt.intern("enrol"), pmt.intern("mine"))
    order = pmt.dict_add(order, pmt.intern("windows"), pmt.from_long(5))
    block.relay._hand_on(order)
    block.msg_connect(block.head, "events", enrolled, "in")
    ports = run(block, spelled("1111111222"))
    assert [event["event"] for event in enrolled.dicts()] == ["enrolling", "enrolled"]
    labels = [messages.read_detection(pdu).decision["label"] for pdu in ports["detects"].messages]
    assert labels == ["mine"] * 2 + ["unknown"] * 3
    assert told(ports["events"])[0][:2] == ("begin", "mine")


@pytest.mark.parametrize("given", [{"prototypes": "a.safetensors"}, {"cohort": "wfm-fingerprint"}])
def test_a_bundle_that_knows_its_transmitters_enrols_none(given):
    with pytest.raises(WfmError, match="which knows its transmitters: give a bundle without tasks"):
        wfm.rf_fingerprinter(Task("fingerprint"), sample_rate=RATE, **given)
