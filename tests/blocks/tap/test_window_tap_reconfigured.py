# SPDX-License-Identifier: GPL-3.0-or-later
"""window_tap in a flowgraph that is locked, changed and unlocked while it runs: nothing lost, nothing misplaced.

The scheduler empties all buffers at unlock(). The sources here give so many samples and wait, so that only those that
the tap holds are on their way when the flowgraph is locked.
"""

import math
import threading

import numpy as np
import pmt
import pytest
from flowgraph_helpers import WINDOW as INFERENCE_WINDOW
from flowgraph_helpers import Collector, RuleBundle
from gnuradio import gr, wfm
from paced_source import PacedSource
from tap_harness import Engine, wait_for_end
from waiting import wait_for

WINDOW = 64
MARK_EVERY = 1000
SLOW_RATE = 100.0  # Hz: seconds that a test takes are few samples


class RampSource(PacedSource):
    """base, base + 1, ...: every MARK_EVERY samples a tag `mark` and an rx_freq that are both the sample's value."""

    def __init__(self, base: int = 0):
        super().__init__()
        self.value = base

    def work(self, input_items, output_items):
        count = super().work(input_items, output_items)
        if count > 0:
            values = np.arange(self.value, self.value + count)
            output_items[0][:count] = values
            for i in np.flatnonzero(values % MARK_EVERY == 0):
                offset, value = self.nitems_written(0) + int(i), pmt.from_double(float(values[i]))
                for key in ("mark", "rx_freq"):
                    self.add_item_tag(0, offset, pmt.intern(key), value)
            self.value += count
        return count


class Sink(gr.sync_block):
    """Keeps the samples, and what each tag says with the value of the sample it is on."""

    def __init__(self):
        gr.sync_block.__init__(self, "sink", [np.complex64], None)
        self.parts, self.tags, self.seen = [], {"mark": [], "result": []}, 0

    def work(self, input_items, output_items):
        values, first = input_items[0].real.copy(), self.nitems_read(0)
        for tag in self.get_tags_in_window(0, 0, len(values)):
            key = pmt.symbol_to_string(tag.key)
            if key in self.tags:
                self.tags[key].append((int(values[tag.offset - first]), pmt.to_python(tag.value)))
        self.parts.append(values)
        self.seen += len(values)
        return len(values)

    def samples(self) -> np.ndarray:
        return np.concatenate(self.parts)


class LastingEngine(Engine):
    """Goes on when the tap is closed, until it is told that all is over. A result tells its window's first value."""

    def __init__(self, tap, gate=None):
        super().__init__(tap, 1, WINDOW, gate=gate)
        self.over, self.seen = threading.Event(), []  # (first value, last value, rx_freq)

    def step(self):
        if self.gate is not None and not self.gate.wait(0.01):
            return not self.over.is_set()
        over = self.over.is_set()  # asked first: what came before it is still taken
        batch = self.tap.take(self.most, 10)
        if batch is None or batch.count == 0:
            return not over
        windows = np.empty((batch.count, 1, WINDOW), np.complex64)
        freqs = batch.rx_freq.copy()
        batch.copy_to(windows)
        ends = windows[:, 0, [0, -1]].real
        self.seen += [(int(first), int(last), float(freq)) for (first, last), freq in zip(ends, freqs, strict=True)]
        results = [pmt.dict_add(pmt.make_dict(), pmt.intern("first"), pmt.from_double(float(v))) for v in ends[:, 0]]
        self.tap.complete(batch, [[(pmt.intern("result"), each)] for each in results])
        return True


class Flowgraph:
    """source -> tap -> sink, with an engine; `change` runs between lock() and unlock()."""

    def __init__(self, hold, policy, slots=256, gate=None):
        self.hold, self.exact = hold, policy == "lossless" and hold >= WINDOW
        self.tap = wfm.window_tap(1, WINDOW, 0, hold, policy, slots, 1e6)
        self.top, self.source, self.sink = gr.top_block(), RampSource(), Sink()
        self.sources = [self.source]  # GNU Radio keeps no Python block alive
        self.engine = LastingEngine(self.tap, gate)
        self.given = 0
        self.top.connect(self.source, self.tap, self.sink)
        self.engine.start()

    def give(self, samples):
        self.source.give(samples)
        self.given += samples

    def settle(self):
        """Until all that was given has been looked at, and all has left but what is held."""
        wait_for(lambda: self.tap.counters()["samples_in"] == self.given)
        wait_for(lambda: self.sink.seen == self.tap.counters()["samples_out"] >= self.given - self.hold)

    def reconfigure(self, change=lambda: None):
        self.top.lock()
        change()
        self.top.unlock()

    def replace_source(self, base):
        self.top.disconnect(self.source, self.tap)
        self.source = RampSource(base)
        self.sources.append(self.source)
        self.top.connect(self.source, self.tap)

    def end(self):
        self.source.give(None)
        wait_for_end(self.top)
        self.engine.over.set()
        self.engine.join(10)
        assert self.engine.error is None, self.engine.error
        return self.tap.counters()

    def check(self, samples):
        """All samples are there, each tag is on its own, each window is of one piece and of its own frequency."""
        assert np.array_equal(self.sink.samples(), samples)
        marks = [int(value) for value in samples[samples % MARK_EVERY == 0]]
        assert sorted(self.sink.tags["mark"]) == sorted((value, float(value)) for value in marks)
        assert self.engine.seen
        for first, last, freq in self.engine.seen:
            assert last - first == WINDOW - 1
            assert math.isnan(freq) or freq == first // MARK_EVERY * MARK_EVERY
        for value, result in self.sink.tags["result"]:
            assert result["late"] or value == result["first"]


@pytest.mark.parametrize("policy", ["live", "lossless"])
@pytest.mark.parametrize("hold", [0, 50, 300, 5000])
@pytest.mark.parametrize("times", [1, 3])
def test_only_unlocked(hold, policy, times):
    graph = Flowgraph(hold, policy)
    graph.top.start()
    for _ in range(times):
        graph.give(7321)
        graph.settle()
        graph.reconfigure()
    graph.give(9000)
    counters = graph.end()
    graph.check(np.arange(7321.0 * times + 9000))
    assert counters["samples_in"] == counters["samples_out"] == graph.given
    assert len(graph.engine.seen) == counters["windows_in"]
    # Each retune is a break, but for that on the first sample; and each time that samples may be missing.
    assert counters["breaks"] >= times
    if graph.exact:
        assert counters["tags_late"] == 0
        assert len(graph.sink.tags["result"]) == counters["windows_in"]


@pytest.mark.parametrize("policy", ["live", "lossless"])
@pytest.mark.parametrize("hold", [0, 300, 5000])
def test_a_replaced_source_loses_nothing(hold, policy):
    graph = Flowgraph(hold, policy)
    graph.top.start()
    graph.give(7321)
    graph.settle()
    graph.reconfigure(lambda: graph.replace_source(1_000_000))
    graph.give(9000)
    counters = graph.end()
    graph.check(np.concatenate([np.arange(7321.0), 1_000_000 + np.arange(9000.0)]))
    assert counters["samples_in"] == counters["samples_out"] == graph.given


@pytest.mark.parametrize("hold", [0, 300, 5000])
def test_a_source_that_is_connected_again_loses_nothing(hold):
    graph = Flowgraph(hold, "live")
    graph.top.start()
    graph.give(7321)
    graph.settle()

    def reconnect():
        graph.top.disconnect(graph.source, graph.tap)
        graph.top.connect(graph.source, graph.tap)

    graph.reconfigure(reconnect)
    graph.give(9000)
    graph.end()
    graph.check(np.arange(16_321.0))


@pytest.mark.parametrize("hold", [0, 300])
def test_a_tap_that_joins_a_running_flowgraph(hold):
    graph = Flowgraph(hold, "live")
    graph.top.disconnect(graph.tap, graph.sink)
    graph.top.disconnect(graph.source, graph.tap)
    graph.top.connect(graph.source, graph.sink)
    graph.top.start()
    graph.source.give(7321)
    wait_for(lambda: graph.sink.seen == 7321)

    def join():
        graph.top.disconnect(graph.source, graph.sink)
        graph.top.connect(graph.source, graph.tap, graph.sink)

    graph.reconfigure(join)
    graph.give(9000)
    counters = graph.end()
    graph.check(np.arange(16_321.0))
    assert counters["samples_in"] == counters["samples_out"] == 9000


def test_before_the_first_sample():
    graph = Flowgraph(300, "live")
    graph.top.start()
    graph.give(120)  # fewer than are held: some of the scheduler's zeros are still in front
    wait_for(lambda: graph.tap.counters()["samples_in"] == 120)
    graph.reconfigure()
    graph.reconfigure()
    graph.give(9000)
    graph.end()
    graph.check(np.arange(9120.0))


def test_results_of_windows_from_before_the_lock_are_on_their_samples():
    gate = threading.Event()
    graph = Flowgraph(5000, "lossless", gate=gate)
    graph.top.start()
    for given in (2000, 1500):
        graph.give(given)
        wait_for(lambda: graph.tap.counters()["samples_in"] == graph.given)
        graph.reconfigure()  # no window was taken yet
    graph.give(9000)
    wait_for(lambda: graph.tap.counters()["samples_in"] == graph.given)
    assert graph.sink.seen == 0
    gate.set()
    counters = graph.end()
    graph.check(np.arange(12_500.0))
    assert counters["tags_late"] == 0
    assert len(graph.sink.tags["result"]) == len(graph.engine.seen) == counters["windows_in"] > 150


def test_a_result_whose_samples_left_before_the_lock_is_late():
    gate = threading.Event()
    graph = Flowgraph(100, "live", gate=gate)
    graph.top.start()
    graph.give(960)
    wait_for(lambda: graph.sink.seen == 860)
    graph.reconfigure()
    gate.set()
    wait_for(lambda: len(graph.engine.seen) == 15)
    graph.give(1000)
    counters = graph.end()
    graph.check(np.arange(1960.0))
    of_before = [(v, r) for v, r in graph.sink.tags["result"] if r["first"] < 960]
    assert len(of_before) == 15
    # Sample 860 left first after the lock: the windows from 896 on were still whole in the tap.
    assert [v for v, r in of_before if r["late"]] == [860] * 14
    assert [v for v, r in of_before if not r["late"]] == [896]
    assert counters["tags_late"] == sum(r["late"] for _, r in graph.sink.tags["result"])


def test_a_frequency_is_unknown_until_it_is_told_again():
    graph = Flowgraph(300, "live")
    graph.top.start()
    graph.give(2500)
    graph.settle()
    graph.reconfigure()
    graph.give(2500)
    graph.end()
    freqs = {first: freq for first, _, freq in graph.engine.seen}
    told = {first: freq for first, freq in freqs.items() if not 2500 <= first < 3000}
    assert all(freq == first // MARK_EVERY * MARK_EVERY for first, freq in told.items())
    between = [freq for first, freq in freqs.items() if 2500 <= first < 3000]
    assert len(between) == 500 // WINDOW
    assert all(map(math.isnan, between))


@pytest.mark.parametrize("hold", [0, 300])
def test_a_new_run_after_a_lock_holds_nothing_of_the_last(hold):
    graph = Flowgraph(hold, "live")
    graph.top.start()
    graph.give(2000)
    graph.settle()
    graph.reconfigure()
    graph.give(1000)
    graph.settle()
    graph.top.stop()
    graph.top.wait()
    seen = graph.sink.seen
    graph.top.start()
    graph.source.give(3000)
    counters = graph.end()
    assert np.array_equal(graph.sink.samples()[seen:], np.arange(3000.0, 6000.0))
    assert counters["samples_in"] == counters["samples_out"] == 3000


@pytest.mark.parametrize("policy", ["live", "lossless"])
def test_the_status_of_wfm_inference_goes_on(policy):
    source, sink = RampSource(), Sink()
    block = wfm.inference(RuleBundle(), channels=1, sample_rate=SLOW_RATE, hold=1024, policy=policy)
    top, statuses, detects = gr.top_block(), Collector(), Collector()
    top.connect(source, block, sink)
    top.msg_connect(block, "status", statuses, "in")
    top.msg_connect(block, "detects", detects, "in")
    top.start()
    source.give(20 * INFERENCE_WINDOW)
    wait_for(lambda: sink.seen == 20 * INFERENCE_WINDOW - 1024)
    top.lock()
    top.unlock()
    source.give(10 * INFERENCE_WINDOW)
    source.give(None)
    wait_for_end(top)
    assert np.array_equal(sink.samples(), np.arange(30.0 * INFERENCE_WINDOW))
    status = statuses.dicts()[-1]
    assert status["samples_in"] == status["samples_out"] == 30 * INFERENCE_WINDOW
    assert status["samples_before"] == 20 * INFERENCE_WINDOW - 1024
    # RampSource retunes every 1000 samples, and no window spans that.
    assert 20 <= status["windows_in"] == status["windows_inferred"]
    assert status["coverage"] == pytest.approx(status["windows_in"] * INFERENCE_WINDOW / status["samples_in"])
    # How far the stream is beyond a window counts from the lock, too: never as far as all that came before.
    facts = [pmt.to_python(pmt.car(message)) for message in detects.messages]
    assert len(facts) == status["windows_in"]
    restarted = max(i for i in range(1, len(facts)) if facts[i]["sample_start"] < facts[i - 1]["sample_start"])
    assert all(0 <= each["latency"] < 14 * INFERENCE_WINDOW / SLOW_RATE for each in facts[restarted:])
    if policy == "lossless":
        assert not any(each["late"] for each in facts)
