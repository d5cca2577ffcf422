# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Inference in flowgraphs: tags on the right samples, messages, failures that surface, hot swap."""

import time

import numpy as np
import pmt
import pytest
from flowgraph_helpers import LABELS, WINDOW, Collector, RuleBundle, flowgraph, noise, random_model, write_recording
from gnuradio import blocks, gr, wfm
from tap_harness import tag
from waiting import wait_for

from wfm_core.base.errors import WfmError
from wfm_core.bundle import load_bundle
from wfm_core.data.recordings.recording import open_recording
from wfm_core.data.recordings.windows import window_starts

RATE = 1.92e6
TASK = "interference"


def marked(channels: int, windows: int, hop: int = WINDOW) -> np.ndarray:
    """Noise whose window number k (a window every `hop` samples) says k % 3 in its first sample, for RuleBundle."""
    samples = noise(channels, windows * hop)
    samples[:, ::hop] = np.arange(windows) % 3
    return samples


def received(graph) -> list[np.ndarray]:
    return [np.array(sink.data(), np.complex64) for sink in graph.sinks]


def test_tags_sit_on_the_first_samples_of_their_windows():
    samples = marked(2, 40)
    graph = flowgraph(samples, wfm.inference(RuleBundle(), channels=2, sample_rate=RATE, hold=1024, policy="lossless"))
    graph.top.run()
    for sink, sent, got in zip(graph.sinks, samples, received(graph), strict=True):
        assert np.array_equal(sent, got)
        tags = sorted(sink.tags(), key=lambda t: t.offset)
        assert [t.offset for t in tags] == list(range(0, 40 * WINDOW, WINDOW))
        for number, one in enumerate(tags):
            value = pmt.to_python(one.value)
            assert pmt.symbol_to_string(one.key) == TASK
            # The answer was written into the very sample that carries the tag.
            assert value["index"] == round(got[one.offset].real) == number % 3
            assert value["label"] == LABELS[number % 3]
            assert (value["sample_start"], value["sample_count"], value["late"]) == (one.offset, WINDOW, False)


def test_late_results_are_tagged_late_and_nothing_is_lost():
    samples = marked(1, 200)  # more than there are slots for, so that the stream outlasts some results
    slow = RuleBundle(before_infer=lambda iq: time.sleep(0.01))
    graph = flowgraph(samples, wfm.inference(slow, channels=1, sample_rate=RATE, hold=0, policy="lossless", batch=2))
    graph.top.run()
    assert np.array_equal(received(graph)[0], samples[0])
    assert len(graph.detects.messages) == 200
    values = [pmt.to_python(t.value) for t in graph.sinks[0].tags()]
    assert values and all(v["late"] for v in values)


def test_detections_carry_the_stream_s_time_frequency_and_level():
    tags = [tag(0, "rx_time", (100, 0.25)), tag(0, "rx_freq", 1.8e9), tag(0, "rx_rate", RATE)]
    samples = np.full((1, 4 * WINDOW), 0.1, np.complex64)
    graph = flowgraph(samples, wfm.inference(RuleBundle(), channels=1, sample_rate=RATE, policy="lossless"), tags)
    graph.top.run()
    third = graph.detects.detections()[2]
    assert (third.task, third.sample_start, third.rx_freq) == (TASK, 2 * WINDOW, 1.8e9)
    assert third.rx_time[0] == 100 and third.rx_time[1] == pytest.approx(0.25 + 2 * WINDOW / RATE, abs=1e-9)
    assert third.level == pytest.approx(-20, abs=0.01)
    assert third.decision["probabilities"] == pytest.approx({"none": 0.8, "dsss-bpsk": 0.1, "dsss-qpsk": 0.1})
    assert len(graph.embeddings.messages) == 4


def test_status_counts_windows_and_coverage():
    samples = marked(1, 20, hop=4 * WINDOW)
    block = wfm.inference(RuleBundle(), channels=1, sample_rate=RATE, hop=4 * WINDOW, policy="lossless")
    graph = flowgraph(samples, block)
    graph.top.run()
    status = graph.status.dicts()[-1]
    assert (status["windows_in"], status["windows_inferred"], status["windows_dropped"]) == (20, 20, 0)
    assert status["samples_in"] == samples.shape[1]
    assert status["coverage"] == pytest.approx(0.25)
    assert 0 < status["latency_ms_p50"] <= status["latency_ms_p95"]


def test_nan_windows_are_counted_and_skipped():
    samples = marked(1, 10)
    samples[0, 3 * WINDOW + 17] = np.nan
    samples[0, 7 * WINDOW + 5] = np.inf
    graph = flowgraph(samples, wfm.inference(RuleBundle(), channels=1, sample_rate=RATE, policy="lossless"))
    graph.top.run()
    starts = [d.sample_start // WINDOW for d in graph.detects.detections()]
    assert starts == [0, 1, 2, 4, 5, 6, 8, 9]
    assert graph.status.dicts()[-1]["windows_invalid"] == 2


def test_gate_and_threshold():
    samples = np.concatenate([np.full((1, 4 * WINDOW), 1e-4), np.ones((1, 4 * WINDOW))], axis=1).astype(np.complex64)
    block = wfm.inference(RuleBundle(), channels=1, sample_rate=RATE, policy="lossless", gate_dbfs=-40, threshold=0.9)
    graph = flowgraph(samples, block)
    graph.top.run()
    found = graph.detects.detections()
    assert [d.sample_start for d in found] == [k * WINDOW for k in range(4, 8)]
    assert {(d.decision["label"], d.decision["index"]) for d in found} == {("unknown", -1)}
    assert graph.status.dicts()[-1]["windows_gated"] == 4


def broken(iq):
    raise RuntimeError("the accelerator fell off")


def test_failure_ends_the_flowgraph():
    top = gr.top_block()
    source = blocks.vector_source_c(noise(1, 4096)[0].tolist(), True)  # endless: only the failure can end it
    block = wfm.inference(RuleBundle(before_infer=broken), channels=1, sample_rate=RATE, on_error="stop")
    top.connect(source, block, blocks.null_sink(gr.sizeof_gr_complex))
    top.start()
    wait_for(block.error)
    top.wait()
    assert "the accelerator fell off" in block.error()
    assert "the accelerator fell off" in block.status()["error"]


def test_failure_with_bypass_passes_every_sample():
    samples = marked(2, 50)
    bundle = RuleBundle(before_infer=broken)
    block = wfm.inference(bundle, channels=2, sample_rate=RATE, policy="lossless", on_error="bypass")
    graph = flowgraph(samples, block)
    graph.top.run()
    assert all(np.array_equal(sent, got) for sent, got in zip(samples, received(graph), strict=True))
    assert not graph.detects.messages
    assert [e["event"] for e in graph.events.dicts()] == ["error"]
    assert "accelerator" in graph.status.dicts()[-1]["error"]


def test_rate_out_of_range_warns_once_and_marks_every_decision():
    samples = marked(1, 6)
    graph = flowgraph(samples, wfm.inference(RuleBundle(), channels=1, sample_rate=20e6, hold=1024, policy="lossless"))
    graph.top.run()
    warnings = [e["text"] for e in graph.events.dicts() if e["event"] == "warning"]
    assert len(warnings) == 1 and "2e+07" in warnings[0] and "4e+06" in warnings[0]
    assert [pmt.to_python(t.value)["out_of_range"] for t in graph.sinks[0].tags()] == [True] * 6


def test_construction_errors_say_both_values():
    with pytest.raises(WfmError, match=r"5 channels.*1 to 4"):
        wfm.inference(RuleBundle(), channels=5, sample_rate=RATE)
    with pytest.raises(WfmError, match="'explode'.*stop, bypass"):
        wfm.inference(RuleBundle(), channels=1, on_error="explode")
    with pytest.raises(WfmError, match="batch is 0"):
        wfm.inference(RuleBundle(), channels=1, batch=0)
    with pytest.raises(WfmError, match="sometimes"):
        wfm.inference(RuleBundle(), channels=1, policy="sometimes")
    with pytest.raises(WfmError, match="no-such-bundle"):
        wfm.inference("no-such-bundle", channels=1)


class Running:
    """A paced endless flowgraph around an inference block, to send control messages to."""

    def __init__(self, block, collectors):
        self.top = gr.top_block()
        source = blocks.vector_source_c(noise(1, 100 * WINDOW)[0].tolist(), True)
        throttle = blocks.throttle(gr.sizeof_gr_complex, 200e3)
        self.top.connect(source, throttle, block, blocks.null_sink(gr.sizeof_gr_complex))
        for port, collector in collectors.items():
            self.top.msg_connect(block, port, collector, "in")

    def __enter__(self):
        self.top.start()
        return self

    def __exit__(self, *_):
        self.top.stop()
        self.top.wait()


def send(block, **values):
    block.engine.to_basic_block()._post(pmt.intern("control"), pmt.to_pmt(values))


def test_hot_swap_and_refusals(tmp_path):
    first = random_model(tmp_path / "first", seed=0)
    second = random_model(tmp_path / "second", seed=1, name="second")
    other = random_model(tmp_path / "other", labels=("none", "wifi"), name="other")
    events, detects = Collector(), Collector()
    block = wfm.inference(str(first), channels=1, sample_rate=RATE, device="cpu", dtype="fp32")
    with Running(block, {"events": events, "detects": detects}):
        wait_for(lambda: len(detects.messages) > 5)
        send(block, model=str(other))
        wait_for(lambda: any(e["event"] == "refused" for e in events.dicts()))
        assert block.status()["bundle"] == "test-model"
        hashes = {block.status()["bundle_sha256"]}
        assert "wifi" in events.dicts()[-1]["text"]
        send(block, model=str(tmp_path / "nowhere"))
        wait_for(lambda: any("nowhere" in e["text"] for e in events.dicts()))
        send(block, model=str(second))
        wait_for(lambda: block.status()["bundle"] == "second")
        hashes.add(block.status()["bundle_sha256"])
        assert len(hashes) == 2 and all(len(digest) == 64 for digest in hashes)
        before = len(detects.messages)
        wait_for(lambda: len(detects.messages) > before + 5)
        send(block, colour="blue")
        wait_for(lambda: any("colour" in e["text"] for e in events.dicts()))
        send(block, threshold=1.01)
        wait_for(lambda: detects.detections()[-1].decision["label"] == "unknown")
    assert block.error() == ""


def test_live_lossless_decides_as_the_bundle_does_on_the_same_windows(tmp_path):
    samples = noise(2, 50 * WINDOW + 99)
    path = write_recording(tmp_path, samples, "ci16_le")
    model = random_model(tmp_path / "model")
    hop = 3 * WINDOW // 2
    recording, bundle = open_recording(path), load_bundle(str(model), device="cpu", dtype="fp32")
    top = gr.top_block()
    source, detects = wfm.sdr_source(f"file:{path}", channels=2, sample_rate=RATE), Collector()
    block = wfm.inference(bundle, channels=2, sample_rate=RATE, hop=hop, policy="lossless", batch=4)
    for channel in range(2):
        top.connect((source, channel), (block, channel), blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(block, "detects", detects, "in")
    top.run()
    starts = window_starts(recording.samples, WINDOW, hop)
    live = detects.detections()
    assert [d.sample_start for d in live] == starts.tolist()
    outputs = bundle.infer(np.stack([recording.read(int(start), WINDOW) for start in starts]))
    for i, detection in enumerate(live):
        offline = bundle.decide(outputs, i)[TASK]
        assert detection.decision["label"] == offline["label"]
        assert detection.decision["score"] == pytest.approx(offline["score"], abs=1e-5)
    scores = [d.decision["score"] for d in live]
    assert max(scores) - min(scores) > 1e-3, "a model that always says the same proves nothing"


def test_flowgraph_runs_twice():
    block = wfm.inference(RuleBundle(), channels=1, sample_rate=RATE, policy="lossless")
    top, sink = gr.top_block(), Collector()
    source = blocks.vector_source_c(marked(1, 10)[0].tolist())
    top.connect(source, block, blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(block, "detects", sink, "in")
    for times in (1, 2, 3):
        top.run()
        source.rewind()
        assert block.status()["error"] == "" and block.status()["windows_inferred"] == 10
        assert len(sink.messages) == 10 * times
