# SPDX-License-Identifier: GPL-3.0-or-later
"""The windows that a `window_tap` cuts out of streams, as the engine's source."""

import math

import numpy as np

from wfm_core.bundle.bundle import Answer

from ..ports import keys, messages
from ..wfm_python import cyclic_images, window_tap
from .window_source import Windows, ran_on

_INT_MAX = 2**31 - 1
_BEHIND = 3
"""Batches in a row before which windows were dropped: inference is too slow for the stream, not for a burst of it."""


class TapSource:
    """An `AheadSource`.

    Args:
        tap: cuts windows of `samples` samples out of `channels` streams.
        sample_rate: Hz, until the stream's rx_rate tags say otherwise.
        lossless: the stream waits for the engine.
        on_error: see `WindowSource`.
    """

    def __init__(self, tap: window_tap, channels: int, samples: int, sample_rate: float, lossless: bool, on_error: str):
        self._tap, self._shape = tap, (channels, samples)
        self._sample_rate, self._lossless = sample_rate, lossless
        self.on_error = on_error
        self._images = cyclic_images()
        self.open, self.close, self.run = tap.open, tap.close, tap.run
        self._overload = _Overload()

    def counters(self) -> dict[str, int]:
        counters = self._tap.counters()
        return {**counters, "windows_dropped": counters["windows_dropped"] + self._overload.skipped(self.run())}

    def take(self, most: int, timeout_ms: int) -> Windows | None:
        if not self._lossless:
            self._skip_stale(most)
        batch = self._tap.take(most, timeout_ms)
        if batch is None:
            return None
        start, length = batch.start.astype(np.int64), np.full(batch.count, self._shape[1])
        times = zip(batch.has_rx_time.tolist(), batch.rx_time_secs.tolist(), batch.rx_time_frac.tolist(), strict=True)
        return Windows(
            start=start,
            length=length,
            rate=np.where(batch.rx_rate > 0, batch.rx_rate, self._sample_rate),
            lag=np.zeros_like(start) if self._lossless else ran_on(self._position("samples_in"), start + length),
            power=batch.power,
            rx_time=[(secs, frac) if known else None for known, secs, frac in times],
            rx_freq=[None if math.isnan(freq) else freq for freq in batch.rx_freq.tolist()],
            copy_to=batch.copy_to,
            handle=batch,
        )

    def _skip_stale(self, most: int) -> None:
        """Of a stream that is too fast, drop all that waits but the newest `most` windows: decisions then come at most
        two batches after their windows, not after the whole queue."""
        counters = self._tap.counters()
        stale = self._overload.stale(counters["windows_dropped"], counters["queue_depth"], most)
        if stale and (batch := self._tap.take(stale, 0)) is not None:
            self._overload.skip(self.run(), batch.count)
            self._tap.discard(batch)

    def _position(self, name: str) -> int:
        """How far the stream is, as the windows count: from the last lock() and unlock() on."""
        counters = self._tap.counters()
        return counters[name] - counters["samples_before"]

    def buffer(self, most: int) -> np.ndarray:
        return np.empty((most, *self._shape), np.complex64)

    def make_ready(self, windows: Windows, samples: np.ndarray) -> None:
        """Change the samples before they are inferred; here they stay as they came."""

    def infer(self, bundle, windows: Windows, samples: np.ndarray) -> dict[str, np.ndarray]:
        """Images of kind cyclic_image are made in C++ on a CPU, which takes a tenth of the time that PyTorch does."""
        self.make_ready(windows, samples)
        if _takes_images(bundle):
            return bundle.infer_prepared(self._images.images(samples))
        return bundle.infer(samples)

    def begin(self, bundle, windows: Windows, samples: np.ndarray) -> Answer:
        self.make_ready(windows, samples)
        if _takes_images(bundle):
            return bundle.begin_prepared(self._images.images(samples))
        return bundle.begin(samples)

    def out_of_range(self, rates: np.ndarray, contract) -> np.ndarray:
        return ~contract.knows_rate(rates)

    def complete(self, windows: Windows, tags: list[list[tuple]]) -> np.ndarray:
        passed = self._position("samples_out")
        self._tap.complete(windows.handle, tags)
        return windows.start < passed

    def end(self, drain: bool) -> None:
        if not drain and self.on_error == "bypass":
            self._tap.bypass()
        else:
            self._tap.fail()  # what waits is taken all the same

    def control(self, key: str, value) -> None:
        if key == keys.GATE_DBFS:
            self._tap.set_gate_dbfs(messages.read_number(key, value, -math.inf, math.inf))
        elif key == keys.HOP:
            self._tap.set_hop(int(messages.read_number(key, value, 0, _INT_MAX)))
        else:
            raise ValueError(
                f"control key {key!r}: this block has no such setting; WFM Direction Finder takes calibrate"
            )


def _takes_images(bundle) -> bool:
    return bundle.prepared_kind == "cyclic_image" and bundle.device.type == "cpu"


class _Overload:
    """Whether a live stream is faster than inference for longer than a burst, and what is skipped of it then."""

    def __init__(self):
        self._behind, self._dropped = 0, 0
        self._run, self._skipped = 0, 0

    def stale(self, dropped: int, waiting: int, most: int) -> int:
        """How many to skip before the next batch of `most`; `dropped` counts what the tap has dropped in this run."""
        if dropped > self._dropped:
            self._behind += 1
        elif self._behind < _BEHIND or waiting < most:  # or it has caught up
            self._behind = 0
        self._dropped = dropped
        return max(0, waiting - most) if self._behind >= _BEHIND else 0

    def skip(self, run: int, count: int) -> None:
        self._skipped = count + self.skipped(run)
        self._run = run

    def skipped(self, run: int) -> int:
        """In the run of this number."""
        return self._skipped if run == self._run else 0
