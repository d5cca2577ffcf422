# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks that follow the ramp of the simulated radio, whose every sample tells its tick.

I is the low 15 bits of the tick and Q the next 15, at a full scale of 32768: any sample that is lost, doubled or in the
wrong place shows as a step other than 1.
"""

import numpy as np
import pmt
from gnuradio import gr
from tap_harness import Engine

FULL_SCALE = 32768
TICKS = 1 << 30


def ticks(samples: np.ndarray) -> np.ndarray:
    """int64 ticks of complex64 samples, of the same shape."""
    low = np.rint(samples.real * FULL_SCALE).astype(np.int64) & 0x7FFF
    high = np.rint(samples.imag * FULL_SCALE).astype(np.int64) & 0x7FFF
    return high << 15 | low


def breaks(found: np.ndarray) -> list[tuple[int, int]]:
    """(index, ticks lost in front of it) of ticks [n] wherever they do not go on by one."""
    steps = np.diff(found) % TICKS
    return [(int(k) + 1, int(steps[k]) - 1) for k in np.nonzero(steps != 1)[0]]


class Ramp(gr.sync_block):
    """A sink that keeps the breaks and the tags of its streams, and counts samples that channels have not in common.

    Without `follow` it keeps the tags alone: the streams are another signal.
    """

    def __init__(self, channels: int, follow: bool = True):
        self._follow = follow
        gr.sync_block.__init__(self, "ramp", [np.complex64] * channels, None)
        self.samples, self.mismatches = 0, 0
        self.first = None  # the first sample's tick
        self.breaks = []  # (index, ticks lost in front of it)
        self.tags = [[] for _ in range(channels)]  # of each channel, (index, key, value)
        self._last = None

    def work(self, input_items, output_items):
        if self._follow:
            self._look(input_items)
        count = len(input_items[0])
        for channel, kept in enumerate(self.tags):
            for tag in self.get_tags_in_window(channel, 0, count):
                kept.append((tag.offset, pmt.symbol_to_string(tag.key), pmt.to_python(tag.value)))
        self.samples += count
        return count

    def _look(self, input_items) -> None:
        found = ticks(input_items[0])
        self.mismatches += sum(int(np.count_nonzero(ticks(other) != found)) for other in input_items[1:])
        if self._last is None:
            self.first, self._last = int(found[0]), found[0] - 1
        joined = np.concatenate(([self._last], found))
        self.breaks += [(self.samples + index - 1, lost) for index, lost in breaks(joined)]
        self._last = found[-1]


class SpanCounter(Engine):
    """Takes every window of a tap and keeps those that span a break of the ramp, if it is to `follow` it."""

    def __init__(self, tap, channels: int, window: int, follow: bool = True):
        self._follow = follow
        super().__init__(tap, channels, window, most=16)
        self.taken = 0
        self.spans = []  # (window's start, (index in it, ticks lost))
        self.tunings = []  # (window's start, rx_freq) wherever it changes

    def step(self):
        batch = self.tap.take(self.most, 50)
        if batch is None:
            return True
        if batch.count == 0:
            return False
        samples = np.empty((batch.count, self.channels, self.window), np.complex64)
        batch.copy_to(samples)
        for start, window, freq in zip(batch.start.tolist(), samples, batch.rx_freq.tolist(), strict=True):
            self.taken += 1
            if self._follow:
                self.spans += [(start, found) for found in breaks(ticks(window[0]))]
            if not self.tunings or self.tunings[-1][1] != freq:
                self.tunings.append((start, freq))
        self.tap.discard(batch)
        return True
