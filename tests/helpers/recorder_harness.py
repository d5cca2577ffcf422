# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorder's tests share: a source that gives as many samples as it is told, so that messages come at known
samples, and a reading of all recordings of a folder."""

import json
import time
from pathlib import Path

import numpy as np
import pmt
from flowgraph_helpers import Collector
from gnuradio import gr, wfm
from waiting import wait_for

from wfm_core.data.recordings.recording import Recording, open_recording

RATE = 1e5
TURN = 1 << 20
"""Sample k of channel c is (k % TURN) / TURN + c * 1j / 64: exact as float32."""


def ramp(start: int, count: int, channels: int) -> np.ndarray:
    index = np.arange(start, start + count) % TURN
    return (index / TURN + 1j / 64 * np.arange(channels)[:, None]).astype(np.complex64)


class StepSource(gr.sync_block):
    """The ramp on all outputs, up to `allowed` samples, and then no more until more are allowed; `end()` ends it."""

    def __init__(self, channels: int, tags=()):
        gr.sync_block.__init__(self, name="steps", in_sig=None, out_sig=[np.complex64] * channels)
        self.allowed, self.done, self.tags = 0, False, list(tags)
        """tags: (channel, sample, key, value)."""

    def work(self, input_items, output_items):
        first = self.nitems_written(0)
        count = min(self.allowed - first, len(output_items[0]))
        if count <= 0:
            time.sleep(0.002)
            return -1 if self.done else 0
        for row, values in zip(output_items, ramp(first, count, len(output_items)), strict=True):
            row[:count] = values
        for channel, sample, key, value in self.tags:
            if first <= sample < first + count:
                self.add_item_tag(channel, sample, pmt.intern(key), value)
        return count


class Session:
    """StepSource -> recorder, running; leave the `with` to end the stream and read `recordings`."""

    def __init__(self, folder: Path, channels: int = 1, tags=(), **parameters):
        self.folder, self.channels = folder, channels
        self.recorder = wfm.recorder(channels, parameters.pop("sample_rate", RATE), str(folder), **parameters)
        self.source = StepSource(channels, tags)
        self.events, self.status = Collector(), Collector()
        self.at_end = []
        """Called before the end of the flowgraph is awaited."""
        self.top = gr.top_block()
        for channel in range(channels):
            self.top.connect((self.source, channel), (self.recorder, channel))
        self.top.msg_connect(self.recorder, "events", self.events, "in")
        self.top.msg_connect(self.recorder, "status", self.status, "in")

    def __enter__(self):
        self.top.start()
        return self

    def __exit__(self, *_):
        self.source.done = True
        for call in self.at_end:
            call()
        self.top.wait()

    def feed(self, count: int) -> None:
        """So many more samples; returns when the recorder has them."""
        wanted = self.recorder.counters()["samples_in"] + count
        self.source.allowed += count
        wait_for(lambda: self.recorder.counters()["samples_in"] >= wanted)

    def send(self, message, port: str = "control") -> None:
        """Before the samples that are fed next."""
        self.recorder.to_basic_block()._post(pmt.intern(port), pmt.to_pmt(message))

    def recordings(self) -> list[Recording]:
        return all_recordings(self.folder)

    def starts(self) -> list[tuple[int, int]]:
        """Of each recording: index in the stream, and length; its samples are checked against the ramp."""
        found = []
        for recording in self.recordings():
            samples = recording.read(0, recording.samples)
            start = round(float(samples[0, 0].real) * TURN)
            assert np.array_equal(samples, ramp(start, recording.samples, self.channels))
            found.append((start, recording.samples))
        return found


def all_recordings(folder: Path) -> list[Recording]:
    """Every recording opens, and nothing lies about but recordings."""
    paths = sorted(folder.glob("*.sigmf-meta"))
    assert {p.name for p in folder.iterdir()} == {p.stem + end for p in paths for end in (".sigmf-meta", ".sigmf-data")}
    return [open_recording(path) for path in paths]


def captures_of(recording: Recording) -> list[tuple[int, int, int]]:
    """(sample in the file, samples, index in the stream) of each capture; the samples are checked against the ramp."""
    captures = json.loads(recording.meta_path.read_text(encoding="utf-8"))["captures"]
    starts = [capture["core:sample_start"] for capture in captures]
    found = []
    for capture, end in zip(captures, [*starts[1:], recording.samples], strict=True):
        start, index = capture["core:sample_start"], capture["core:global_index"]
        samples = recording.read(start, end - start)
        assert np.array_equal(samples, ramp(index, end - start, recording.channels))
        found.append((start, end - start, index))
    return found
