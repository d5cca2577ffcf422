# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks beside the window tap in a flowgraph that is locked and unlocked while it runs."""

import json

import pmt
from recorder_harness import Session


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
