# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Signal Classifier in flowgraphs: signals of a band found, named by a rule, told as events."""

import threading
import time

import numpy as np
import pmt
import pytest
from flowgraph_helpers import Collector, RuleBundle, random_model
from gnuradio import blocks, gr, wfm
from image_bundles import WidthRule, signal_bundle
from waiting import wait_for

from wfm_core.base.errors import WfmError

RATE = 240e3
PORTS = ("detects", "events", "status", "notices")


def band(seconds: float, *signals: tuple, noise: float = 1e-3, seed: int = 1) -> np.ndarray:
    """complex64 noise with signals (begin, end in s, lower, upper in Hz) of filtered noise, about 25 dB above it."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    samples = noise * rng.standard_normal((count, 2)).view(complex)[:, 0]
    for begin, end, lower, upper in signals:
        on = slice(round(begin * RATE), round(end * RATE))
        frequency = np.fft.fftfreq(on.stop - on.start, 1 / RATE)
        spectrum = np.fft.fft(rng.standard_normal((len(frequency), 2)).view(complex)[:, 0])
        spectrum[(frequency < lower) | (frequency > upper)] = 0
        samples[on] += 18 * noise * np.fft.ifft(spectrum)
    return samples.astype(np.complex64)


class Run:
    """What a classifier gave for `samples`, with rx_freq `tuned` at (sample, Hz) of each."""

    def __init__(self, block, samples: np.ndarray, tuned=((0, 100e6),)):
        tags = []
        for offset, hertz in tuned if len(samples) else ():
            tag = gr.tag_t()
            tag.offset, tag.key, tag.value = offset, pmt.intern("rx_freq"), pmt.from_double(hertz)
            tags.append(tag)
        top, self.ports = gr.top_block(), {port: Collector() for port in PORTS}
        source, sink = blocks.vector_source_c(samples.tolist(), False, 1, tags), blocks.vector_sink_c()
        top.connect(source, block, sink)
        for port, collector in self.ports.items():
            top.msg_connect(block, port, collector, "in")
        top.run()
        self.samples = np.array(sink.data(), np.complex64)
        self.tags = [tag for tag in sink.tags() if pmt.symbol_to_string(tag.key) == "classification"]
        self.detections = self.ports["detects"].detections()
        self.status = self.ports["status"].dicts()[-1]

    def events(self, kind: str = "end") -> list[dict]:
        return sorted((e for e in self.ports["events"].dicts() if e["event"] == kind), key=lambda e: e["sample_start"])


def classifier(bundle=None, **changes):
    settings = {"sample_rate": RATE, "policy": "lossless", "max_duration": 0.5, **changes}
    return wfm.signal_classifier(bundle or WidthRule(), **settings)


NARROW, WIDE = (0.5, 0.9, 40e3, 46e3), (1.2, 1.7, -90e3, -30e3)


def test_each_signal_is_named_where_it_is():
    samples = band(2.5, NARROW, WIDE)
    run = Run(classifier(), samples)
    assert np.array_equal(run.samples, samples)
    events = run.events()
    assert [e["label"] for e in events] == ["narrow", "wide"] and {e["task"] for e in events} == {"classification"}
    for event, (begin, end, lower, upper) in zip(events, (NARROW, WIDE), strict=True):
        assert event["sample_start"] / RATE == pytest.approx(begin, abs=0.05)
        assert event["duration"] == pytest.approx(end - begin, abs=0.1)
        width = upper - lower
        assert event["freq_lower_edge"] == pytest.approx(100e6 + lower, abs=0.25 * width)
        assert event["freq_upper_edge"] == pytest.approx(100e6 + upper, abs=0.25 * width)
        assert event["snr_db"] > 10
    assert [e["label"] for e in run.events("begin")] == ["narrow", "wide"]
    status = run.status
    assert status["signals_found"] == status["signals_decided"] == len(run.detections) == status["windows_inferred"]
    assert (status["signals_dropped"], status["samples_skipped"], status["coverage"]) == (0, 0, 1.0)
    assert status["ended"] and status["samples_in"] == status["samples_out"] == len(samples)


def test_tags_come_in_time_with_enough_hold_and_late_without():
    samples = band(2.5, NARROW, WIDE)
    in_time = Run(classifier(hold=classifier().memory()), samples)
    assert np.array_equal(in_time.samples, samples)
    assert len(in_time.tags) == len(in_time.detections) >= 2
    for tag in in_time.tags:
        value = pmt.to_python(tag.value)
        assert (tag.offset, value["late"]) == (value["sample_start"], False)
        assert value["label"] in WidthRule.LABELS and value["freq_lower_edge"] < value["freq_upper_edge"]
    again = Run(classifier(hold=classifier().memory()), samples)
    assert [(t.offset, pmt.to_python(t.value)["label"]) for t in again.tags] == [
        (t.offset, pmt.to_python(t.value)["label"]) for t in in_time.tags
    ]
    late = Run(classifier(), samples)
    assert np.array_equal(late.samples, samples)
    assert any(pmt.to_python(tag.value)["late"] for tag in late.tags), (
        "those that the stream did not happen to wait for"
    )


def test_a_long_signal_is_one_event_that_grows():
    run = Run(classifier(), band(4.0, (0.5, 3.3, 40e3, 46e3)))
    (event,) = run.events()
    assert len(run.detections) >= 3, "it is reported in pieces"
    assert event["sample_start"] / RATE == pytest.approx(0.5, abs=0.1)
    assert event["duration"] == pytest.approx(2.8, abs=0.2)
    (begin,) = run.events("begin")
    assert begin["sample_start"] == event["sample_start"] and begin["sample_count"] < event["sample_count"]


def test_bursts_close_together_are_one_event_and_those_far_apart_are_two():
    bursts = [(0.5 + 0.15 * n, 0.55 + 0.15 * n, 40e3, 46e3) for n in range(5)]
    run = Run(classifier(), band(6.0, *bursts, (4.5, 4.6, 40e3, 46e3)))
    assert len(run.detections) >= 3
    durations = [event["duration"] for event in run.events()]
    assert durations == [pytest.approx(0.65, abs=0.1), pytest.approx(0.1, abs=0.05)]


def test_what_is_no_signal_makes_no_event():
    run = Run(classifier(), band(2.0, (0.5, 0.9, 10e3, 35e3)))
    assert [one.label for one in run.detections] == ["noise"] * len(run.detections) and run.detections
    assert run.ports["events"].messages == []


def test_no_signal_spans_a_retune():
    at = round(1.1 * RATE)
    run = Run(classifier(), band(2.2, (0.5, 1.7, 40e3, 46e3)), tuned=((0, 100e6), (at, 200e6)))
    events = run.events()
    middles = [round((e["freq_lower_edge"] + e["freq_upper_edge"]) / 2e6) for e in events]
    assert middles == [100, 200] and [e["rx_freq"] for e in events] == [100e6, 200e6]
    assert events[0]["sample_start"] + events[0]["sample_count"] <= at <= events[1]["sample_start"]


def test_observations_of_one_signal_are_pooled():
    """Three times 0.6 against one 0.75 for something else: each answer weighs what came before it."""
    shares = iter([[0.6, 0.3, 0.1]] * 3 + [[0.2, 0.75, 0.05]])
    rule = WidthRule(shares=lambda n: np.array([next(shares) for _ in range(n)], np.float32))
    bursts = [(0.4 + 0.8 * n, 0.6 + 0.8 * n, 40e3, 46e3) for n in range(4)]
    run = Run(classifier(rule), band(4.0, *bursts))
    assert [one.label for one in run.detections] == ["narrow"] * 4
    last = run.detections[-1].decision["probabilities"]
    logs = np.log([[0.6, 0.3, 0.1]] * 3 + [[0.2, 0.75, 0.05]]).mean(0)
    assert list(last.values()) == pytest.approx(np.exp(logs) / np.exp(logs).sum(), rel=1e-4)


def test_live_drops_what_is_too_much_and_counts_it():
    going = threading.Event()
    rule = WidthRule(before_infer=lambda _: going.wait(20))
    block, top, detects = classifier(rule, policy="live"), gr.top_block(), Collector()
    places = [(0.2 + 0.05 * n, -100e3 + 20e3 * (3 * n % 10)) for n in range(120)]
    samples, sink = band(6.5, *((at, at + 0.03, low, low + 6e3) for at, low in places)), blocks.vector_sink_c()
    top.connect(blocks.vector_source_c(samples.tolist()), blocks.throttle(8, 4 * RATE), block, sink)
    top.msg_connect(block, "detects", detects, "in")
    top.start()
    wait_for(lambda: block.status()["samples_in"] == len(samples), 30)
    wait_for(lambda: block.status()["signals_dropped"] > 0, 30)  # the finder may be behind the samples
    going.set()
    top.wait()
    status = block.status()
    assert np.array_equal(np.array(sink.data(), np.complex64), samples), "the stream did not wait"
    assert status["signals_dropped"] > 0 and status["samples_lost"] == 0
    assert status["signals_found"] == status["signals_decided"] + status["signals_dropped"]
    assert len(detects.messages) == status["signals_decided"] > 0


def test_when_inference_fails_the_flowgraph_ends():
    def fail(_):
        raise WfmError("it fails on purpose")

    block = classifier(WidthRule(before_infer=fail), hold=classifier().memory())
    Run(block, band(2.5, NARROW, WIDE))
    assert block.status()["error"] == "it fails on purpose" and block.status()["ended"]


def test_finish_decides_what_was_found():
    block, top, detects = classifier(policy="live"), gr.top_block(), Collector()
    source = blocks.vector_source_c(band(1.0, NARROW).tolist(), True)
    top.connect(source, blocks.throttle(8, 4 * RATE), block, blocks.null_sink(8))
    top.msg_connect(block, "detects", detects, "in")
    top.start()
    wait_for(lambda: block.status()["signals_decided"] >= 1, 30)
    block.finish()
    top.wait()
    status = block.status()
    assert status["ended"] and status["error"] == ""
    assert len(detects.messages) == status["signals_decided"] == status["signals_found"] - status["signals_dropped"]


def test_a_second_run_counts_again():
    block, samples = classifier(), band(1.5, NARROW)
    for _ in range(2):
        run = Run(block, samples)
        assert run.status["signals_decided"] == len(run.detections) == run.status["signals_found"] >= 1
        assert [e["label"] for e in run.events()] == ["narrow"]


def test_a_running_flowgraph_may_be_locked_and_unlocked():
    block, top, detects = classifier(policy="live"), gr.top_block(), Collector()
    source = blocks.vector_source_c(band(1.0, NARROW).tolist(), True)
    throttle, sink = blocks.throttle(8, 4 * RATE), blocks.null_sink(8)
    top.connect(source, throttle, block, sink)
    top.msg_connect(block, "detects", detects, "in")
    top.start()
    wait_for(lambda: block.status()["signals_decided"] >= 1, 30)
    top.lock()
    other = blocks.null_sink(8)
    top.connect(block, other)
    top.unlock()
    seen = block.status()["signals_decided"]
    wait_for(lambda: block.status()["signals_decided"] > seen, 30)
    assert block.status()["samples_before"] > 0
    block.finish()
    top.wait()
    assert block.status()["error"] == ""


STRANGE = {
    "zeros": np.zeros(200_000, np.complex64),
    "not a number": np.full(200_000, complex(np.nan, np.nan), np.complex64),
    "clipped throughout": np.sign(band(0.8).real).astype(np.complex64) + 1j * np.sign(band(0.8).imag),
    "edge to edge": band(0.8, (0.0, 0.8, -120e3, 120e3)),
    "five samples": np.ones(5, np.complex64),
    "nothing": np.zeros(0, np.complex64),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_samples_end_well(name, tmp_path):
    samples = STRANGE[name].astype(np.complex64)
    run = Run(classifier(signal_bundle(tmp_path)), samples)
    assert np.array_equal(run.samples, samples, equal_nan=True)
    assert run.status["error"] == "" and run.status["ended"]
    assert all(0 <= one.decision["score"] <= 1 for one in run.detections)


def test_ten_thousand_bursts_a_second_are_bounded():
    rng = np.random.default_rng(2)
    samples = band(2.0)
    keyed = (np.arange(len(samples)) // 12) % 2 == 0  # 10,000 bursts a second of 50 us
    hops = np.repeat(rng.uniform(-0.4, 0.4, len(samples) // 24 + 1), 24)[: len(samples)]
    samples += (0.05 * keyed * np.exp(2j * np.pi * np.cumsum(hops))).astype(np.complex64)
    block = classifier(WidthRule(before_infer=lambda _: time.sleep(0.02)), policy="live")
    run = Run(block, samples)
    status = run.status
    assert np.array_equal(run.samples, samples) and status["error"] == ""
    assert status["signals_found"] == status["signals_decided"] + status["signals_dropped"]


def test_bundles_of_another_kind_are_refused(tmp_path):
    with pytest.raises(WfmError, match="takes windows of a band .iq., one that names single signals is expected"):
        wfm.signal_classifier(RuleBundle())
    with pytest.raises(WfmError, match="names single signals, this block feeds windows of the whole band"):
        wfm.inference(signal_bundle(tmp_path / "signals"))
    with pytest.raises(WfmError, match="max_duration"):
        classifier(max_duration=-1)
    block, top, notices = classifier(), gr.top_block(), Collector()
    top.connect(blocks.null_source(8), blocks.throttle(8, RATE), block, blocks.null_sink(8))
    top.msg_connect(block, "notices", notices, "in")
    top.start()
    block.set_bundle(str(random_model(tmp_path / "windows")))
    wait_for(lambda: notices.messages, 60)
    top.stop()
    top.wait()
    assert notices.dicts()[0]["event"] == "refused"
