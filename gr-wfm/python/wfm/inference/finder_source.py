# SPDX-License-Identifier: GPL-3.0-or-later
"""The signals that a `signal_finder` takes out of a band, as the engine's source."""

import math
import threading

import numpy as np

from wfm_core.scan.pooling import Pool
from wfm_core.signal.found import SAMPLES
from wfm_core.signal.observe import observe

from ..wfm_python import found_signal, signal_finder
from .window_source import Windows, ran_on

POOL_SECONDS = 5.0
"""Of the stream, in which observations of one signal make one decision."""
_MOST_POOLED = 64
"""Observations of one signal."""


class FinderSource:
    """A `WindowSource`: a window is an observation of one found signal, see `wfm_core.signal.found`.

    Args:
        finder: takes signals out of its band (`extract`).
        sample_rate: Hz, until the stream's rx_rate tags say otherwise.
        lossless: the stream waits for the engine.
        task: of the bundle, whose answers are pooled over the observations of a signal.
        on_error: of a server that does not answer, see `WindowSource`; when inference fails here, the stream ends.
    """

    def __init__(self, finder: signal_finder, sample_rate: float, lossless: bool, task: str, on_error: str):
        self._finder, self._sample_rate, self._lossless, self._task = finder, sample_rate, lossless, task
        self.on_error = on_error
        finder.await_results()
        self.run = finder.run
        self._lock = threading.Lock()  # counters() is asked from other threads
        self._of_run, self._decided = 0, 0
        self._before = 0
        self._pool = Pool(POOL_SECONDS, _MOST_POOLED)

    def open(self) -> None:
        self._finder.open()

    def take(self, most: int, timeout_ms: int) -> Windows | None:
        signals = self._finder.take(most, timeout_ms)
        if signals is None:
            return None
        start = np.array([one.sample_start for one in signals], np.int64)
        length = np.array([one.sample_count for one in signals], np.int64)
        return Windows(
            start=start,
            length=length,
            rate=np.array([self._rate_of(one) for one in signals]),
            lag=np.zeros_like(start) if self._lossless else ran_on(self._position("samples_in"), start + length),
            power=np.array([10 ** (one.level_dbfs / 10) for one in signals]),
            rx_time=[(one.rx_time_secs, one.rx_time_frac) if one.has_rx_time else None for one in signals],
            rx_freq=[None if math.isnan(one.rx_freq) else one.rx_freq for one in signals],
            copy_to=lambda buffer: self._observe(signals, buffer),
            handle=signals,
            bands=[_band(one) for one in signals],
        )

    def _rate_of(self, signal: found_signal) -> float:
        return signal.sample_rate if signal.sample_rate > 0 else self._sample_rate

    def _observe(self, signals: list[found_signal], buffer: np.ndarray) -> None:
        for row, one in zip(buffer, signals, strict=True):
            rate = self._rate_of(one)
            row[0] = observe(one.samples, one.upper - one.lower, one.sample_count / rate, one.snr_db, rate)

    def _position(self, name: str) -> int:
        """How far the stream is, as the signals count: from the last lock() and unlock() on."""
        counters = self._finder.counters()
        return counters[name] - counters["samples_before"]

    def buffer(self, most: int) -> np.ndarray:
        return np.empty((most, 1, SAMPLES), np.complex64)

    def infer(self, bundle, windows: Windows, samples: np.ndarray) -> dict[str, np.ndarray]:
        """Of the task the probabilities that all observations of a signal in the last seconds give together."""
        self._forget_another_stream()
        outputs = dict(bundle.infer(samples))
        shares = np.array(outputs[self._task])
        seconds = ((windows.start + windows.length) / windows.rate).tolist()
        for row, band, when in zip(shares, windows.bands, seconds, strict=True):
            edges = band["freq_lower_edge"], band["freq_upper_edge"]
            row[:] = self._pool.add(edges, row, when).probabilities()
        outputs[self._task] = shares
        return outputs

    def _forget_another_stream(self) -> None:
        """Samples are counted from 0 again in another run, and after lock() and unlock()."""
        stream = self._finder.run(), self._finder.counters()["samples_before"]
        if stream != self._before:
            self._before = stream
            self._pool = Pool(POOL_SECONDS, _MOST_POOLED)

    def out_of_range(self, rates: np.ndarray, contract) -> np.ndarray:
        return ~contract.knows_rate(rates)

    def complete(self, windows: Windows, tags: list[list[tuple]]) -> np.ndarray:
        passed = self._position("samples_out")
        self._finder.complete(windows.handle, tags)
        with self._lock:
            self._decided = self._count() + sum(map(bool, tags))
        return windows.start < passed

    def _count(self) -> int:
        """Signals decided in this run; with the lock held."""
        if self._of_run != (run := self._finder.run()):
            self._of_run, self._decided = run, 0
        return self._decided

    def end(self, drain: bool) -> None:
        self._finder.end(drain)

    def close(self) -> None:
        """The finder ends with the flowgraph, by itself; what was found until then is still taken."""

    def counters(self) -> dict[str, int]:
        counts = self._finder.counters()
        with self._lock:
            decided = self._count()
        return {
            **counts,
            "samples_looked": counts["samples_in"] - counts["samples_skipped"],
            "windows_in": counts["signals_found"],
            "windows_dropped": counts["signals_dropped"],
            "signals_decided": decided,
        }

    def control(self, key: str, value) -> None:
        raise ValueError(f"control key {key!r}: the finder looks at all samples, and has no such setting")


def _band(signal: found_signal) -> dict:
    middle = 0.0 if math.isnan(signal.rx_freq) else signal.rx_freq
    return {
        "freq_lower_edge": middle + signal.lower,
        "freq_upper_edge": middle + signal.upper,
        "snr_db": signal.snr_db,
    }
