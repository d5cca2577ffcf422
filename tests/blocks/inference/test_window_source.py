# SPDX-License-Identifier: GPL-3.0-or-later
"""What feeds the engine: the sources that there are, and any other that keeps to the interface."""

import inspect
import threading

import numpy as np
import pytest
from flowgraph_helpers import WINDOW, Collector, RuleBundle, noise
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.images.image_messages import read_image
from gnuradio.wfm.images.image_queue import ImageQueue
from gnuradio.wfm.inference.engine import engine
from gnuradio.wfm.inference.tap_source import TapSource
from gnuradio.wfm.inference.window_source import COUNTERS, Windows, WindowSource, ran_on
from gnuradio.wfm.ports.block import keep_alive
from image_bundles import SHAPE, ImageRule, image
from waiting import wait_for

METHODS = [name for name, value in vars(WindowSource).items() if inspect.isfunction(value) and name[0] != "_"]


def tap_source() -> TapSource:
    return TapSource(wfm.window_tap(2, WINDOW), 2, WINDOW, 1e6, False, "stop")


def image_queue() -> ImageQueue:
    return ImageQueue(4, False, SHAPE, 100.0)


@pytest.mark.parametrize("make", [tap_source, image_queue])
def test_a_source_has_what_the_interface_says(make):
    source = make()
    assert len(METHODS) == 11 and source.on_error == "stop"
    assert all(callable(getattr(source, name)) for name in METHODS)
    assert source.run() >= 0 and set(source.counters()) & set(COUNTERS)
    assert source.buffer(3).shape[0] == 3
    assert source.take(1, 1) is None
    source.close()
    assert source.take(1, 1000).count == 0
    source.open()
    assert source.take(1, 1) is None


def test_a_stream_has_never_run_on_by_less_than_nothing():
    """A window is taken while the block still looks at what came with it, which it has not counted."""
    assert ran_on(1024, np.array([512, 1024, 1280])).tolist() == [512, 0, 0]


class BusyTap:
    """A tap that holds 32 windows, and drops `every` more while a batch is computed."""

    def __init__(self):
        self._tap, self.dropped, self.every = wfm.window_tap(1, WINDOW, slots=32), 0, 1
        top, source = gr.top_block(), blocks.vector_source_c(noise(1, 40 * WINDOW)[0].tolist())
        top.connect(source, self._tap, blocks.null_sink(gr.sizeof_gr_complex))
        top.run()
        assert self._tap.counters()["queue_depth"] == 32

    def counters(self):
        return {**self._tap.counters(), "windows_dropped": self.dropped}

    def take(self, most, timeout_ms):
        self.dropped += self.every
        return self._tap.take(most, timeout_ms)

    def __getattr__(self, name):
        return getattr(self._tap, name)


def taken(source: TapSource, most: int) -> list[int]:
    """Numbers of the windows."""
    return (source.take(most, 1000).start // WINDOW).tolist()


def test_of_a_stream_that_is_too_fast_the_newest_windows_are_decided():
    tap = BusyTap()
    source = TapSource(tap, 1, WINDOW, 1e6, False, "stop")
    assert [window for _ in range(3) for window in taken(source, 4)] == list(range(8, 20)), "it may be a burst"
    assert taken(source, 4) == [36, 37, 38, 39]
    assert source.counters()["windows_dropped"] == tap.dropped + 16, "those that were skipped"


def test_of_a_burst_all_windows_that_wait_are_decided():
    tap = BusyTap()
    source = TapSource(tap, 1, WINDOW, 1e6, False, "stop")
    decided = taken(source, 4) + taken(source, 4)
    tap.every = 0
    decided += taken(source, 4)
    tap.every = 1
    decided += taken(source, 4) + taken(source, 4) + taken(source, 4)
    assert decided == list(range(8, 32)), "counted from the start of each"
    lossless = TapSource(BusyTap(), 1, WINDOW, 1e6, True, "stop")
    assert [window for _ in range(8) for window in taken(lossless, 4)] == list(range(8, 40))


class ListSource:
    """Windows whose first sample says their label, one after the other, as a `WindowSource`."""

    on_error = "stop"

    def __init__(self, firsts: list[int]):
        self._left, self._taken, self._runs = list(enumerate(firsts)), 0, 0
        self.completed, self.settings = [], {}

    def open(self):
        self._runs += 1

    def take(self, most, timeout_ms):
        batch, self._left = self._left[:most], self._left[most:]
        self._taken += len(batch)
        start = np.array([WINDOW * place for place, _ in batch], np.int64)

        def copy_to(buffer):
            buffer[:] = 0
            buffer[:, 0, 0] = [first for _, first in batch]

        length, nothing = np.full(len(batch), WINDOW), [None] * len(batch)
        return Windows(
            start, length, np.full(len(batch), 2e6), np.zeros_like(start), np.ones(len(batch)), nothing, nothing,
            copy_to, batch,
        )  # fmt: skip

    def buffer(self, most):
        return np.empty((most, 1, WINDOW), np.complex64)

    def infer(self, bundle, windows, samples):
        return bundle.infer(samples)

    def out_of_range(self, rates, contract):
        return ~contract.knows_rate(rates)

    def complete(self, windows, tags):
        self.completed += windows.handle
        return windows.start % (2 * WINDOW) == 0

    def end(self, drain):
        self._left = []

    def close(self):
        pass

    def run(self):
        return self._runs

    def counters(self):
        return {"samples_in": WINDOW * self._taken, "windows_in": self._taken, "own": 7}

    def control(self, key, value):
        self.settings[key] = value


def test_any_source_feeds_the_engine():
    source, detects, status, top = ListSource([0, 1, 2, 1, 0]), Collector(), Collector(), gr.top_block()
    block = engine(source, RuleBundle(), 1, 2, -1.0)
    keep_alive(top, block)
    top.msg_connect(block, "detects", detects, "in")
    top.msg_connect(block, "status", status, "in")
    block.control("hop", 5)
    top.run()
    assert [(d.sample_start, d.decision["index"]) for d in detects.detections()] == [
        (0, 0), (256, 1), (512, 2), (768, 1), (1024, 0),
    ]  # fmt: skip
    assert source.completed == list(enumerate([0, 1, 2, 1, 0])) and source.settings == {"hop": 5}
    last = status.dicts()[-1]
    assert set(COUNTERS) | {"own", "windows_inferred", "coverage", "ended"} <= set(last)
    assert (last["windows_inferred"], last["coverage"], last["queue_depth"], last["own"]) == (5, 1.0, 0, 7)


def test_finish_decides_what_waits_on_a_stream():
    gate = threading.Event()
    block = wfm.inference(RuleBundle(before_infer=lambda _: gate.wait(20)), sample_rate=1.92e6, policy="live")
    top, detects = gr.top_block(), Collector()
    source = blocks.vector_source_c(noise(1, 9 * WINDOW)[0].tolist(), True)
    top.connect(source, blocks.throttle(gr.sizeof_gr_complex, 50e3), block, blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(block, "detects", detects, "in")
    top.start()
    wait_for(lambda: block.status()["windows_in"] >= 7)
    block.finish()
    gate.set()
    top.wait()
    status = block.status()
    assert status["ended"] and status["error"] == ""
    assert status["windows_dropped"] == status["queue_depth"] == 0
    assert len(detects.messages) == status["windows_inferred"] == status["windows_in"] >= 7


def test_what_waits_when_a_source_is_closed_is_still_taken():
    queue, one = image_queue(), read_image(image(1))
    for _ in range(3):
        queue.put(one)
    queue.close()
    queue.put(one)
    assert [queue.take(2, 1000).count for _ in range(3)] == [2, 1, 0]
    assert queue.counters()["windows_dropped"] == 1
    queue.open()
    queue.put(one)
    queue.end(drain=False)
    assert queue.take(2, 1000).count == 0 and queue.counters()["windows_dropped"] == 1


def test_images_that_wait_when_the_flowgraph_stops_are_decided():
    within, going, top = threading.Event(), threading.Event(), gr.top_block()

    def infer(_):
        within.set()
        going.wait(20)

    block, say = wfm.image_inference(ImageRule(before_infer=infer), batch=1), Collector()
    top.msg_connect(say, "out", block, "images")
    top.start()
    for place in range(5):
        say.say(image(1, place))
    wait_for(lambda: within.is_set() and block.status()["windows_in"] == 5)
    top.stop()
    going.set()
    top.wait()
    assert block.status()["windows_inferred"] == 5 and block.status()["windows_dropped"] == 0
