# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording that becomes shorter while it is read: one sentence, and never the end of the process."""

import os
import threading

import numpy as np
import pytest
from flowgraph_helpers import noise, write_recording
from gnuradio import blocks, gr, wfm

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.recording import open_recording

SAMPLES = 400_000  # many pages of memory beyond the cut


def cut(path, samples: int) -> None:
    data = open_recording(path).data_path
    os.truncate(data, samples * 4 * 2)  # ci16, two channels


@pytest.fixture
def path(tmp_path):
    return write_recording(tmp_path, noise(2, SAMPLES), "ci16_le")


def test_what_is_left_of_a_recording_is_played_and_the_end_is_said(path):
    source = wfm.sdr_source(f"file:{path}", channels=2, sample_rate=1e6)
    wanted = open_recording(path).read(0, 1001)
    top, sinks = gr.top_block(), [blocks.vector_sink_c() for _ in range(2)]
    for channel, sink in enumerate(sinks):
        top.connect((source, channel), sink)
    cut(path, 1001)
    top.run()
    for row, sink in zip(wanted, sinks, strict=True):
        np.testing.assert_array_equal(np.array(sink.data(), np.complex64), row)
    assert source.error() == f"{path.name} was cut while it was played: it ended after 1001 samples"


def test_a_recording_that_is_cut_while_it_plays_ends_there(tmp_path):
    path = write_recording(tmp_path, noise(2, 1_000_000), "ci16_le")  # half a second: a busy computer cuts late
    source = wfm.sdr_source(f"file:{path}", channels=2, sample_rate=1e6, policy="live")
    top = gr.top_block()
    for channel in range(2):
        top.connect((source, channel), blocks.null_sink(gr.sizeof_gr_complex))
    timer = threading.Timer(0.05, lambda: cut(path, 100))
    timer.start()
    top.run()
    timer.join()
    assert "was cut while it was played" in source.error()


def test_readers_say_which_sample_is_gone(path):
    recording = open_recording(path)
    cut(path, 1000)
    assert recording.read(0, 1000).shape == (2, 1000)
    with pytest.raises(WfmError, match="was cut while it was read: sample 1000 is gone; get it again"):
        recording.read(500, 501)
    recording.data_path.unlink()
    with pytest.raises(WfmError, match="cannot be read any more"):
        recording.read(0, 10)
