# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks beside the window tap in a flowgraph that is locked and unlocked while it runs."""

import json
import time

import numpy as np
import pmt
import pytest
from gnuradio import gr, wfm
from recorder_harness import Session
from tap_harness import wait_for_end
from waiting import wait_for


def test_the_recorder_begins_a_recording_and_says_nothing_old(tmp_path):
    """What is on its way at unlock() is lost uncounted, with its tags: neither one piece with, nor at the frequency of
    what was before."""
    with Session(tmp_path, recording=True, tags=[(0, 4000, "rx_freq", pmt.from_double(1e9))]) as session:
        session.feed(5000)
        session.top.lock()
        session.source.allowed = 0  # it counts from 0 again, as all in the flowgraph
        session.top.unlock()
        session.feed(3000)
    assert session.starts() == [(0, 5000), (0, 3000)]
    frequencies = []
    for recording in session.recordings():
        captures = json.loads(recording.meta_path.read_text(encoding="utf-8"))["captures"]
        assert all("core:datetime" in capture for capture in captures)
        frequencies.append([capture.get("core:frequency") for capture in captures])
    assert frequencies == [[None, 1e9], [None]]
    assert session.recorder.counters()["samples_in"] == 8000


class SlowSink(gr.sync_block):
    """Keeps the samples; tags as (number among the kept, key, value)."""

    def __init__(self):
        gr.sync_block.__init__(self, "slow_sink", [np.complex64], None)
        self.parts, self.tags, self.seen = [], [], 0

    def work(self, input_items, output_items):
        time.sleep(0.002)
        for tag in self.get_tags_in_window(0, 0, len(input_items[0])):
            where = self.seen + tag.offset - self.nitems_read(0)
            self.tags.append((where, pmt.symbol_to_string(tag.key), pmt.to_python(tag.value)))
        self.parts.append(input_items[0].real.copy())
        self.seen += len(input_items[0])
        return len(input_items[0])


def test_the_player_goes_on_and_tells_again_where_it_is(tmp_path):
    """What lies in the buffers at unlock() may be lost; the time of what comes after says how much that is."""
    path, count, rate = tmp_path / "ramp.raw", 500_000, 1e6
    np.arange(count).astype(np.complex64).tofile(path)
    player = wfm.sample_player(str(path), "cf32_le", 1, rate, segments=[(0, 1e9, 100, 0.0, True)])
    top, sink = gr.top_block(), SlowSink()
    top.connect(player, sink)
    top.start()
    wait_for(lambda: sink.seen > 20_000)
    top.lock()
    top.unlock()
    wait_for_end(top)
    samples = np.concatenate(sink.parts)
    assert samples[0] == 0 and samples[-1] == count - 1
    here = max(where for where, _, _ in sink.tags)
    assert here > 20_000 and {where for where, _, _ in sink.tags} == {0, here}
    steps = np.diff(samples)
    assert steps[here - 1] >= 1
    assert np.all(np.delete(steps, here - 1) == 1)
    assert {key: value for where, key, value in sink.tags if where == here} == {
        "rx_rate": rate,
        "rx_freq": 1e9,
        "rx_time": (100, pytest.approx(samples[here] / rate, abs=1e-9)),
    }
    assert player.samples_played() == count
