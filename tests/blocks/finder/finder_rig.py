# SPDX-License-Identifier: GPL-3.0-or-later
"""Bands with signals, and a flowgraph around a signal_finder that keeps all it says."""

import threading

import numpy as np
import pmt
from gnuradio import blocks, gr, wfm
from scipy.signal import resample
from waiting import wait_for

NOISE = 0.01


def noise(count, seed=0):
    """complex64 [count] of power NOISE**2."""
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((count, 2)) * (NOISE * np.sqrt(0.5))
    return parts.view(np.complex128)[:, 0].astype(np.complex64)


def add(band, rate, start, count, middle, bandwidth, snr_db, seed=0):
    """Adds Gaussian noise of `bandwidth` (Hz) about `middle` to samples [start, start + count)."""
    rng = np.random.default_rng(seed)
    symbols = max(int(np.ceil(count * bandwidth / rate)), 8)
    parts = rng.standard_normal((symbols, 2)).view(np.complex128)[:, 0]
    shaped = resample(parts, max(int(symbols * rate / bandwidth), count))[:count]
    shaped *= NOISE * np.sqrt(bandwidth / rate * 10 ** (snr_db / 10) / np.mean(np.abs(shaped) ** 2))
    band[start : start + count] += shaped * np.exp(2j * np.pi * middle / rate * np.arange(start, start + count))


def random_band(seed, rate, seconds=0.8):
    """complex64, noise and two to seven signals of random width, time and SNR."""
    rng = np.random.default_rng(seed)
    count = int(rate * seconds)
    band = noise(count, seed)
    for _ in range(rng.integers(2, 8)):
        bandwidth = rate * np.exp(rng.uniform(np.log(0.004), np.log(0.12)))
        length = int(rng.uniform(0.01, 0.7) * count)
        start = int(rng.integers(0, count - length))
        middle = rng.uniform(-0.4, 0.4) * rate
        add(band, rate, start, length, middle, bandwidth, rng.uniform(10, 30), int(rng.integers(1 << 30)))
    return band


class Rig:
    """source -> signal_finder -> sink, at `pace` samples/s.

    `pdus` are the dicts of the port `signals`, `statuses` those of `status`.
    """

    def __init__(self, samples, sample_rate, tags=(), chunk=0, take=True, pace=None, **parameters):
        self.finder = wfm.signal_finder(sample_rate, **parameters)
        self.top = gr.top_block()
        source = blocks.vector_source_c(samples.tolist(), False, 1, list(tags))
        if chunk:
            source.set_max_noutput_items(chunk)
        self.sink = blocks.vector_sink_c()
        paced = [blocks.throttle(gr.sizeof_gr_complex, pace)] if pace else []
        self.top.connect(source, *paced, self.finder, self.sink)
        self._signals, self._status = blocks.message_debug(), blocks.message_debug()
        self.top.msg_connect(self.finder, "signals", self._signals, "store")
        self.top.msg_connect(self.finder, "status", self._status, "store")
        self.taken = []
        self._taker = threading.Thread(target=self._take, daemon=True) if take else None

    def _take(self):
        while True:
            signals = self.finder.take(4, 50)
            if signals is None:
                continue
            if not signals:
                return
            self.taken += signals

    def run(self, seconds=60):
        if self._taker:
            self._taker.start()
        self.top.start()
        done = threading.Event()
        threading.Thread(target=lambda: (self.top.wait(), done.set()), daemon=True).start()
        assert done.wait(seconds), "the flowgraph hangs"
        if self._taker:
            self._taker.join(seconds)
            assert not self._taker.is_alive()
        counters = self.finder.counters()
        wait_for(lambda: self._signals.num_messages() == counters["signals_found"])
        return counters

    @property
    def pdus(self):
        messages = [self._signals.get_message(i) for i in range(self._signals.num_messages())]
        return [pmt.to_python(pmt.car(message)) for message in messages]

    @property
    def statuses(self):
        return [pmt.to_python(self._status.get_message(i)) for i in range(self._status.num_messages())]

    @property
    def output(self):
        return np.array(self.sink.data(), np.complex64)

    @property
    def tags(self):
        found = [tag for tag in self.sink.tags() if pmt.symbol_to_string(tag.key) == "signal"]
        return [(tag.offset, pmt.to_python(tag.value)) for tag in found]
