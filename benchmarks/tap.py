# SPDX-License-Identifier: GPL-3.0-or-later
"""window_tap against plain C++ copy blocks: what looking at a stream costs it.

Four channels in both flowgraphs, from one null source to one null sink. The tap holds 65,536 samples; a Python thread
takes its windows and throws them away, as the engine thread would take and infer them.

tap_vs_copy: every sample in a window. tap_vs_copy_sparse: one sample in ten. tap_vs_copy_gil: every sample,
and another Python thread computes all the time, beside both flowgraphs.
"""

import argparse
import threading
from contextlib import contextmanager

from flowgraphs import through_rate
from gnuradio import blocks, gr, wfm
from result import Result, alternate, length_options, machine

CHANNELS = 4
WINDOW = 4096
HOLD = 65536


def copy_rate(seconds: float) -> float:
    def connect(top, sink):
        source = blocks.null_source(gr.sizeof_gr_complex)
        for channel in range(CHANNELS):
            top.connect((source, channel), blocks.copy(gr.sizeof_gr_complex), (sink, channel))

    return through_rate(connect, seconds)


def tap_rate(hop: int, seconds: float) -> float:
    tap = wfm.window_tap(CHANNELS, WINDOW, hop, HOLD)

    def connect(top, sink):
        source = blocks.null_source(gr.sizeof_gr_complex)
        for channel in range(CHANNELS):
            top.connect((source, channel), (tap, channel), (sink, channel))

    with thread(lambda done: discard_all(tap)):
        rate = through_rate(connect, seconds)
    if not tap.counters()["windows_in"]:
        raise RuntimeError("the tap cut no windows: the figure would mean nothing")
    return rate


def discard_all(tap) -> None:
    """Take windows until the tap has closed."""
    while True:
        batch = tap.take(16, 100)
        if batch is None:
            continue
        if batch.count == 0:
            return
        tap.discard(batch)


@contextmanager
def thread(work):
    """Run `work(done)` beside the body; `done` is set when the body ends."""
    done = threading.Event()
    worker = threading.Thread(target=work, args=(done,))
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join()


def compute(done: threading.Event) -> None:
    total = 0
    while not done.is_set():
        total += sum(range(1000))


def emit(length: argparse.Namespace, name: str, hop: int, wanted: float, remark: str) -> None:
    seconds = length.seconds
    ours, theirs = alternate(lambda: tap_rate(hop, seconds), lambda: copy_rate(seconds), length.rounds)
    conditions = f"{CHANNELS} channels, window {WINDOW}, hop {hop}, hold {HOLD}, {remark}; {machine()}"
    Result(name, ours / theirs, ours / 1e6, "MS/s per channel", theirs / 1e6, wanted, conditions).emit()


def main() -> None:
    length = length_options(__doc__, seconds=1.5, rounds=5).parse_args()
    emit(length, "tap_vs_copy", WINDOW, 1.2, "every sample in a window")
    emit(length, "tap_vs_copy_sparse", 10 * WINDOW, 1.8, "one sample in ten in a window")
    with thread(compute):
        emit(length, "tap_vs_copy_gil", WINDOW, 1.2, "every sample in a window, another Python thread computing")


if __name__ == "__main__":
    main()
