# SPDX-License-Identifier: GPL-3.0-or-later
"""signal_finder: MS/s of a whole flowgraph with wfm.signal_finder on one core, against a band of 20 MS/s.

signal_finder_numpy: the same, against the definition (wfm_core.signal.finding, numpy and scipy) on that core.
"""

import argparse
import os
import time

import numpy as np
from gnuradio import blocks, gr, wfm
from result import Result, alternate, length_options, machine

from wfm_core.signal.finding import SignalFinder

RATE = 20e6
SIGNALS = 12
FRAMES = 6
FRAME = 512 * 4096
"""Samples of a frame at RATE."""


def band() -> np.ndarray:
    """complex64 [FRAMES * FRAME]: noise, and SIGNALS keyed carriers of 10 to 500 kHz at 10 to 25 dB."""
    rng = np.random.default_rng(1)
    count = FRAMES * FRAME
    samples = rng.standard_normal((count, 2), np.float32).view(np.complex64)[:, 0] * np.float32(0.01)
    for signal in range(SIGNALS):
        length = int(rng.uniform(0.05, 0.5) * count)
        start = int(rng.integers(0, count - length))
        width = np.exp(rng.uniform(np.log(10e3), np.log(500e3)))
        middle = (signal - (SIGNALS - 1) / 2) * RATE / (SIGNALS + 1)
        step = np.repeat(rng.uniform(-0.5, 0.5, length // 64 + 1), 64)[:length] * width + middle
        level = 0.014 * np.sqrt(width / RATE * 10 ** (rng.uniform(10, 25) / 10))
        samples[start : start + length] += (level * np.exp(2j * np.pi * np.cumsum(step / RATE))).astype(np.complex64)
    return samples


def block_rate(source: blocks.vector_source_c, samples: int) -> float:
    """Samples a second through the block in a flowgraph that repeats the band."""
    item = gr.sizeof_gr_complex
    finder = wfm.signal_finder(RATE, policy="lossless")
    top = gr.top_block()
    source.rewind()
    top.connect(source, blocks.head(item, samples), finder, blocks.null_sink(item))
    start = time.perf_counter()
    top.run()
    seconds = time.perf_counter() - start
    assert finder.counters()["signals_found"] > 0
    return samples / seconds


def numpy_rate(samples: np.ndarray) -> float:
    finder = SignalFinder(RATE)
    start = time.perf_counter()
    found = finder.push(samples) + finder.finish()
    seconds = time.perf_counter() - start
    assert found
    return len(samples) / seconds


def compare(length: argparse.Namespace) -> None:
    samples = band()
    source = blocks.vector_source_c(samples, True)
    wanted = max(int(RATE * length.seconds), len(samples))
    ours, theirs = alternate(lambda: block_rate(source, wanted), lambda: numpy_rate(samples), length.rounds)
    conditions = (
        f"noise and {SIGNALS} signals at {RATE / 1e6:g} MS/s, lossless, without extract, source and sink on the same "
        "core"
    )
    alone = f"{conditions}; {machine()}"
    Result("signal_finder", ours / RATE, ours / 1e6, "MS/s", RATE / 1e6, 1.0, alone).emit()
    beside = f"{conditions}; baseline: wfm_core.signal.finding, numpy and scipy, one thread; {machine()}"
    Result("signal_finder_numpy", ours / theirs, ours / 1e6, "MS/s", theirs / 1e6, None, beside).emit()


def main() -> None:
    length = length_options(__doc__, seconds=3.0, rounds=3).parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    compare(length)


if __name__ == "__main__":
    main()
