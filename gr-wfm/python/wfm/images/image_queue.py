# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that come as messages, as the engine's source."""

import threading
from collections import deque

import numpy as np

from ..inference.window_source import Windows
from .image import Image


class ImageQueue:
    """A `WindowSource`: images wait here for the engine's worker, `slots` of them at most.

    When they are full, `put` drops the oldest, or with `lossless` waits for room.

    Args:
        shape: of an image, [channels, height, width].
        sample_rate: Hz, of what the images' sample_start counts.
        on_error: of a server that does not answer, see `WindowSource`; when inference fails here, the block ends.
    """

    def __init__(
        self, slots: int, lossless: bool, shape: tuple[int, int, int], sample_rate: float, on_error: str = "stop"
    ):
        self.on_error = on_error
        self._slots, self._lossless = slots, lossless
        self._shape, self._sample_rate = shape, sample_rate
        self._changed = threading.Condition()
        self._over, self._runs = True, 0
        self.open()

    def open(self) -> None:
        """Begin a run. Both sides call it: blocks start in any order, and images may come, and end, before the worker
        runs. Whoever is first clears what the last run left."""
        with self._changed:
            if not self._over:
                return
            self._over = self._ended = self._closed = self._refuses = False
            self._runs += 1
            self._waiting: deque[Image] = deque()
            self._waiting_for_room = 0
            names = ("samples_in", "samples_lost", "windows_in", "windows_dropped", "images_refused")
            self._counts = dict.fromkeys(names, 0)

    # -- images in -----------------------------------------------------------------------------------------------

    def put(self, image: Image) -> None:
        with self._changed:
            self._counts["windows_in"] += 1
            self._counts["samples_in"] = max(self._counts["samples_in"], image.sample_start + image.sample_count)
            self._counts["samples_lost"] = max(self._counts["samples_lost"], image.lost_so_far)
            if self._refuses:
                self._counts["windows_dropped"] += 1
                return
            if self._lossless:
                self._waiting_for_room += 1
                self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._slots)
                self._waiting_for_room -= 1
            elif len(self._waiting) >= self._slots:
                self._waiting.popleft()
                self._counts["windows_dropped"] += 1
            if self._closed:
                self._counts["windows_dropped"] += 1
                return
            self._waiting.append(image)
            self._changed.notify_all()

    def count_refusal(self) -> None:
        """A message came that is no such image."""
        with self._changed:
            self._counts["images_refused"] += 1

    def end_input(self) -> None:
        """No image comes any more; those that wait are still taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    # -- windows out ---------------------------------------------------------------------------------------------

    def take(self, most: int, timeout_ms: int) -> Windows | None:
        with self._changed:
            ready = self._changed.wait_for(
                lambda: self._waiting or self._closed or (self._ended and not self._waiting_for_room), timeout_ms / 1e3
            )
            if not ready:
                return None
            images = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            self._changed.notify_all()
            return self._windows(images)

    def _windows(self, images: list[Image]) -> Windows:
        start = np.array([image.sample_start for image in images], np.int64)
        length = np.array([image.sample_count for image in images], np.int64)
        return Windows(
            start=start,
            length=length,
            rate=np.full(len(images), self._sample_rate),
            lag=np.zeros_like(start) if self._lossless else self._counts["samples_in"] - (start + length),
            power=np.array([np.square(image.pixels, dtype=np.float64).mean() for image in images]),
            rx_time=[image.rx_time for image in images],
            rx_freq=[image.rx_freq for image in images],
            copy_to=lambda buffer: np.stack([image.pixels for image in images], out=buffer),
            handle=None,
        )

    def buffer(self, most: int) -> np.ndarray:
        return np.empty((most, *self._shape), np.float32)

    def infer(self, bundle, windows: Windows, samples: np.ndarray) -> dict[str, np.ndarray]:
        return bundle.infer_image(samples)

    def out_of_range(self, rates: np.ndarray, contract) -> np.ndarray:
        """An image's contract speaks of no rate."""
        return np.zeros(len(rates), bool)

    def complete(self, windows: Windows, tags: list[list[tuple]]) -> np.ndarray:
        """There is no stream to put tags on: what was received has passed."""
        return np.ones(windows.count, bool)

    def end(self, drain: bool) -> None:
        """Images that still come are dropped, and counted; without draining those that wait as well."""
        with self._changed:
            self._refuses = True
            if not drain:
                self._counts["windows_dropped"] += len(self._waiting)
                self._waiting.clear()
                self._closed = True
            self.end_input()

    def close(self) -> None:
        """Images that still come, or wait for room, are dropped, and counted."""
        with self._changed:
            self._over = self._closed = True
            self._changed.notify_all()

    def run(self) -> int:
        with self._changed:
            return self._runs

    def counters(self) -> dict[str, int]:
        with self._changed:  # nothing passes through: all that came in is gone
            waiting, reached = len(self._waiting), self._counts["samples_in"]
            return {**self._counts, "samples_out": reached, "queue_depth": waiting}

    def control(self, key: str, value) -> None:
        raise ValueError(f"control key {key!r}: the block that makes the images has that, not the one that infers")
