# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window tap is to streams, for images that come as messages: the queue that the engine takes from."""

import threading
from collections import deque

import numpy as np

from .image_messages import Image

_BLANK_TIME = (0, 0.0)


class ImageBatch:
    """Images as the engine reads a batch of windows; one row an image."""

    def __init__(self, images: list[Image]):
        self._images = images
        self.count = len(images)
        self.start = np.array([image.sample_start for image in images], np.uint64)
        self.sample_count = np.array([image.sample_count for image in images], np.int64)
        self.power = np.array([np.square(image.pixels, dtype=np.float64).mean() for image in images])
        self.rx_rate = np.zeros(self.count)
        self.rx_freq = np.array([np.nan if image.rx_freq is None else image.rx_freq for image in images])
        self.has_rx_time = [image.rx_time is not None for image in images]
        times = [image.rx_time or _BLANK_TIME for image in images]
        self.rx_time_secs, self.rx_time_frac = [secs for secs, _ in times], [frac for _, frac in times]

    def copy_to(self, windows: np.ndarray) -> None:
        for window, image in zip(windows, self._images, strict=True):
            window[:] = image.pixels


class ImageQueue:
    """Images wait here for the engine's worker, `slots` of them at most.

    When they are full, `put` drops the oldest, or with `lossless` waits for room. Counters have the window tap's
    names; `samples_in` is how far the images have come on the signal they are made of.
    """

    def __init__(self, slots: int, lossless: bool):
        self._slots, self._lossless = slots, lossless
        self._changed = threading.Condition()
        self._over, self._runs = True, 0
        self.open()

    def open(self) -> None:
        """Begin a run. Both sides call it: blocks start in any order, and images may come, and end, before the worker
        runs. Whoever is first clears what the last run left."""
        with self._changed:
            if not self._over:
                return
            self._over = self._ended = self._closed = self._finished = False
            self._runs += 1
            self._waiting: deque[Image] = deque()
            self._at_the_door = 0  # images that wait for room
            names = ("samples_in", "samples_lost", "windows_in", "windows_dropped", "images_refused")
            self._counts = dict.fromkeys(names, 0)

    def put(self, image: Image) -> None:
        with self._changed:
            self._counts["windows_in"] += 1
            self._counts["samples_in"] = max(self._counts["samples_in"], image.sample_start + image.sample_count)
            self._counts["samples_lost"] = max(self._counts["samples_lost"], image.lost_so_far)
            if self._finished:
                self._counts["windows_dropped"] += 1
                return
            if self._lossless:
                self._at_the_door += 1
                self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._slots)
                self._at_the_door -= 1
            elif len(self._waiting) >= self._slots:
                self._waiting.popleft()
                self._counts["windows_dropped"] += 1
            if self._closed:
                self._counts["windows_dropped"] += 1
                return
            self._waiting.append(image)
            self._changed.notify_all()

    def refuse(self) -> int:
        """Count a message that is no such image; returns how many there were."""
        with self._changed:
            self._counts["images_refused"] += 1
            return self._counts["images_refused"]

    def end(self) -> None:
        """No image comes any more; those that wait are still taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def finish(self) -> None:
        """As `end`, while images still come: those are dropped, and counted."""
        with self._changed:
            self._finished = True
            self.end()

    def close(self) -> None:
        """The run is over."""
        self.fail()
        with self._changed:
            self._over = True

    def fail(self) -> None:
        """Nothing is taken any more: what waits and what still comes is dropped, and counted."""
        with self._changed:
            self._closed = True
            self._counts["windows_dropped"] += len(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()

    def take(self, most: int, timeout_ms: int) -> ImageBatch | None:
        """Up to `most` images; an empty batch at the end; None when none came in time."""
        with self._changed:
            ready = self._changed.wait_for(
                lambda: self._waiting or self._closed or (self._ended and not self._at_the_door), timeout_ms / 1e3
            )
            if not ready:
                return None
            batch = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            self._changed.notify_all()
            return ImageBatch(batch)

    def complete(self, batch: ImageBatch, tags: list) -> None:
        """There is no stream to put tags on."""

    def run(self) -> int:
        """The number of this run."""
        with self._changed:
            return self._runs

    def counters(self) -> dict[str, int]:
        with self._changed:
            # Nothing passes through, so all that came in is gone: a decision is always late for a tag.
            return {
                **self._counts,
                "samples_out": self._counts["samples_in"],
                "samples_before": 0,
                "windows_gated": 0,
                "windows_flushed": 0,
                "windows_invalid": 0,
                "queue_depth": len(self._waiting),
            }
