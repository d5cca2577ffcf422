# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraphs around a window_tap for the tests: sources with tags, an engine thread, sinks."""

import threading

import numpy as np
import pmt
from gnuradio import blocks, gr

RUN_SECONDS = 60.0  # far more than any of these flowgraphs takes: past it, it hangs


def noise(channels, samples, seed=0):
    """complex64 [channels, samples], all different."""
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((2, channels, samples)).astype(np.float32)
    return parts[0] + 1j * parts[1]


def tag(offset, key, value):
    """A tag for a vector source; value is a PMT, a float, or (seconds, fraction)."""
    made = gr.tag_t()
    made.offset = offset
    made.key = pmt.intern(key)
    if isinstance(value, tuple):
        value = pmt.make_tuple(pmt.from_uint64(value[0]), pmt.from_double(value[1]))
    elif isinstance(value, float):
        value = pmt.from_double(value)
    made.value = value
    return made


class Engine(threading.Thread):
    """Takes windows until the tap has ended; answer(start) gives a window's tags, or None for none."""

    def __init__(self, tap, channels, window, most=4, answer=None, gate=None):
        super().__init__(daemon=True)
        self.tap, self.channels, self.window = tap, channels, window
        self.most, self.answer = most, answer
        self.gate = gate  # threading.Event: nothing is taken before it is set
        self.windows = {}  # start -> complex64 [channels, window]
        self.infos = {}  # start -> dict
        self.starts = []
        self.error = None

    def run(self):
        try:
            while self.step():
                pass
        except BaseException as error:  # noqa: BLE001 - shown by the test
            self.error = error
            self.tap.fail()

    def step(self):
        if self.gate is not None and not self.gate.wait(0.05):
            return True
        batch = self.tap.take(self.most, 50)
        if batch is None:
            return True
        if batch.count == 0:
            return False
        samples = np.empty((batch.count, self.channels, self.window), np.complex64)
        batch.copy_to(samples)
        for i, start in enumerate(batch.start.tolist()):
            self.starts.append(start)
            self.windows[start] = samples[i]
            self.infos[start] = {
                "power": float(batch.power[i]),
                "time": (int(batch.rx_time_secs[i]), float(batch.rx_time_frac[i])) if batch.has_rx_time[i] else None,
                "freq": float(batch.rx_freq[i]),
                "rate": float(batch.rx_rate[i]),
            }
        if self.answer is None:
            self.tap.discard(batch)
        else:
            self.tap.complete(batch, [self.answer(int(start)) for start in batch.start])
        return True


def wait_for_end(tb, what="flowgraph"):
    """Wait until the flowgraph ends by itself; stop it and fail if it does not."""
    waiter = threading.Thread(target=tb.wait, daemon=True)
    waiter.start()
    waiter.join(RUN_SECONDS)
    if waiter.is_alive():
        tb.stop()
        raise AssertionError(f"{what} hangs")


class Rig:
    """vector sources -> tap -> vector sinks, with an engine thread."""

    def __init__(self, tap, samples, tags=(), chunk=0, engine=None):
        """samples: complex64 [channels, N], or a list of arrays of different lengths.

        tags: list of (channel or None for all, tag); chunk: most samples that come at once.
        """
        self.tap, self.engine = tap, engine
        self.tb = gr.top_block()
        self.sinks = []
        for channel, stream in enumerate(samples):
            mine = [t for where, t in tags if where in (None, channel)]
            source = blocks.vector_source_c(stream.tolist(), False, 1, mine)
            # A copy makes the small chunks: a vector source with tags hangs if limited.
            copy = blocks.copy(gr.sizeof_gr_complex)
            if chunk:
                copy.set_max_noutput_items(chunk)
            sink = blocks.vector_sink_c()
            self.tb.connect(source, copy, (tap, channel))
            self.tb.connect((tap, channel), sink)
            self.sinks.append(sink)

    def run(self):
        """Run to the end; returns the counters."""
        if self.engine is not None:
            self.engine.start()
        self.tb.start()
        wait_for_end(self.tb)
        if self.engine is not None:
            self.engine.join(RUN_SECONDS)
            assert not self.engine.is_alive(), "the engine thread never saw the end"
            assert self.engine.error is None, self.engine.error
        return self.tap.counters()

    def outputs(self):
        """complex64 [channels, samples out]"""
        return np.array([sink.data() for sink in self.sinks], np.complex64)

    def tags(self, channel, key):
        """[(offset, value)] of one output, in order; dicts as Python dicts."""
        found = [
            (t.offset, pmt.to_python(t.value)) for t in self.sinks[channel].tags() if pmt.symbol_to_string(t.key) == key
        ]
        return sorted(found, key=lambda pair: pair[0])
