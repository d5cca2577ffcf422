# SPDX-License-Identifier: GPL-3.0-or-later
"""The output buffers of window_tap are as large in later runs of a flowgraph as in the first."""

import threading

import numpy as np
import pytest
from gnuradio import blocks, gr, wfm
from waiting import wait_for

BUFFER = 128 * 1024  # samples, of which the scheduler leaves one free
USUAL = 8192  # of a block that asks for nothing


class ShutSink(gr.sync_block):
    """Takes its first samples, and nothing after that before it is opened."""

    def __init__(self):
        gr.sync_block.__init__(self, "shut_sink", [np.complex64], None)
        self.opened = threading.Event()

    def work(self, input_items, output_items):
        self.opened.wait(20)
        return len(input_items[0])


def samples_that_fit(top, tap, sink, expected):
    """So many leave the tap while nobody takes them."""
    sink.opened.clear()
    top.start()
    try:
        wait_for(lambda: tap.counters()["samples_out"] >= expected)
        return tap.counters()["samples_out"]
    finally:
        sink.opened.set()
        top.stop()
        top.wait()


def flowgraph():
    tap, top, sink = wfm.window_tap(1, 4096, 0, 1000), gr.top_block(), ShutSink()
    top.connect(blocks.null_source(gr.sizeof_gr_complex), tap, sink)
    return top, tap, sink


def test_as_large_in_each_run():
    top, tap, sink = flowgraph()
    assert [samples_that_fit(top, tap, sink, BUFFER - 1) for _ in range(3)] == 3 * [BUFFER - 1]


def test_after_lock_and_unlock():
    top, tap, sink = flowgraph()
    sink.opened.set()
    top.start()
    top.lock()
    top.unlock()
    top.stop()
    top.wait()
    assert samples_that_fit(top, tap, sink, BUFFER - 1) == BUFFER - 1


@pytest.mark.parametrize("limit", [1024, 4096, 2 * BUFFER])
def test_a_limit_of_the_user_stays(limit):
    top, tap, sink = flowgraph()
    tap.set_max_output_buffer(limit)
    fit = min(limit, USUAL) - 1
    assert [samples_that_fit(top, tap, sink, fit) for _ in range(3)] == 3 * [fit]
