# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Signal Finder takes results back: as tags on their signals, which lossless waits for."""

import threading
import time

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, wfm
from waiting import wait_for

RATE = 240e3
KEY = pmt.intern("named")


def bursts() -> np.ndarray:
    """Tones of 0.3 s, two of them at the same time, 30 dB above the noise in their bins."""
    rng, time_ = np.random.default_rng(1), np.arange(int(2 * RATE)) / RATE
    samples = 1e-3 * rng.standard_normal((len(time_), 2)).view(complex)[:, 0]
    for begin, hertz in ((0.4, 30e3), (0.4, -50e3), (1.2, 30e3)):
        on = (time_ >= begin) & (time_ < begin + 0.3)
        samples[on] += 2e-3 * np.exp(2j * np.pi * hertz * time_[on])
    return samples.astype(np.complex64)


def value(late: bool | None = None) -> pmt.pmt_base:
    return pmt.to_pmt({"name": "tone"} if late is None else {"name": "tone", "late": late})


class Namer(threading.Thread):
    """Takes signals and completes each, once `going` is set."""

    def __init__(self, finder):
        super().__init__(daemon=True)
        self.finder, self.going, self.taken = finder, threading.Event(), []

    def run(self) -> None:
        while (signals := self.finder.take(4, 100)) != []:
            if signals:
                self.taken += signals
                self.going.wait(20)
                self.finder.complete(signals, [[(KEY, value())] for _ in signals])


def graph(finder) -> tuple[gr.top_block, blocks.vector_sink_c]:
    top, sink = gr.top_block(), blocks.vector_sink_c()
    top.connect(blocks.vector_source_c(bursts().tolist()), finder, sink)
    return top, sink


def test_lossless_lets_nothing_out_before_its_signals_are_complete():
    finder = wfm.signal_finder(RATE, policy="lossless", extract=True, max_duration=0.5)
    finder = wfm.signal_finder(RATE, policy="lossless", extract=True, max_duration=0.5, hold=finder.memory())
    finder.await_results()
    namer, (top, sink) = Namer(finder), graph(finder)
    finder.open()
    namer.start()
    top.start()
    wait_for(lambda: namer.taken)
    time.sleep(0.3)
    first = min(one.sample_start for one in namer.taken)
    assert finder.counters()["samples_out"] <= first, "what is not complete stays"
    namer.going.set()
    top.wait()
    namer.join(20)
    assert np.array_equal(np.array(sink.data(), np.complex64), bursts())
    tags = [(tag.offset, pmt.to_python(tag.value)) for tag in sink.tags() if pmt.eq(tag.key, KEY)]
    expected = sorted(one.sample_start for one in namer.taken)
    assert sorted(offset for offset, _ in tags) == expected and len(expected) >= 2
    assert all(found == {"name": "tone", "late": False} for _, found in tags)
    assert finder.counters()["tags_late"] == 0 and finder.run() == 1


def test_end_ends_the_flowgraph_whatever_is_not_complete():
    finder = wfm.signal_finder(RATE, policy="lossless", extract=True, max_duration=0.5)
    finder = wfm.signal_finder(RATE, policy="lossless", extract=True, max_duration=0.5, hold=finder.memory())
    finder.await_results()
    top, _ = graph(finder)
    top.start()
    wait_for(lambda: finder.counters()["signals_extracted"] > 0)
    finder.end(False)
    top.wait()


def test_a_result_needs_a_list_for_each_signal():
    finder = wfm.signal_finder(RATE, extract=True)
    with pytest.raises(ValueError, match="one list for each signal"):
        finder.complete([], [[(KEY, value())]])
