# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraphs that are run for a while and asked how many samples came through."""

import time
from collections.abc import Callable

from gnuradio import blocks, gr

POLL_SECONDS = 0.002
PATIENCE_SECONDS = 60.0


def through_rate(
    connect: Callable[[gr.top_block, blocks.null_sink], None],
    seconds: float,
    warm_up: float = 0.5,
    sink: blocks.null_sink | None = None,
) -> float:
    """Items a second and channel, complex samples where no `sink` for others is given, that reach the sink of the
    flowgraph that `connect(top, sink)` builds.

    Samples may come in lumps (a delay line, batches of windows), so the clock is read when a lump arrives: the first
    one after `warm_up` seconds, and the first one at least `seconds` later.
    """
    top = gr.top_block()
    sink = sink or blocks.null_sink(gr.sizeof_gr_complex)
    connect(top, sink)
    top.start()
    try:
        next_lump(sink)
        time.sleep(warm_up)
        start, before = next_lump(sink)
        time.sleep(seconds)
        end, after = next_lump(sink)
        return (after - before) / (end - start)
    finally:
        top.stop()
        top.wait()


def next_lump(sink: blocks.null_sink) -> tuple[float, int]:
    """The time at which the sink's count of samples next changes, and the count."""
    begin, before = time.perf_counter(), sink.nitems_read(0)
    while (count := sink.nitems_read(0)) == before:
        if time.perf_counter() - begin > PATIENCE_SECONDS:
            raise RuntimeError(f"no samples came through within {PATIENCE_SECONDS:g} s")
        time.sleep(POLL_SECONDS)
    return time.perf_counter(), count
