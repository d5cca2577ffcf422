# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM SDR Source: recordings of any datatype, the simulated radio, radios that are not there."""

import os
import subprocess
import sys
import time

import numpy as np
import pmt
import pytest
from flowgraph_helpers import noise, write_recording
from gnuradio import blocks, gr, wfm

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.recording import open_recording
from wfm_core.synth.scenes.simulated import LONGEST

RATE = 1.92e6


def play(source) -> tuple[list[np.ndarray], list]:
    """All samples of all channels, and the tags of channel 0."""
    top, sinks = gr.top_block(), []
    for channel in range(source.output_signature().min_streams()):
        sinks.append(blocks.vector_sink_c())
        top.connect((source, channel), sinks[-1])
    top.run()
    return [np.array(sink.data(), np.complex64) for sink in sinks], sinks[0].tags()


def tags_of(tags, key: str) -> list[tuple[int, object]]:
    return [(t.offset, pmt.to_python(t.value)) for t in tags if pmt.symbol_to_string(t.key) == key]


def test_a_scene_has_its_longest_and_repeats(monkeypatch):
    monkeypatch.setitem(LONGEST, "air", 0.1)
    once, again = (wfm.sdr_source("sim:air", channels=1, sample_rate=2.4e6, duration=d) for d in (0, 0.25))
    assert once.truth().samples == again.truth().samples == 240_000
    (samples,), _ = play(once)
    (more,), _ = play(again)
    assert len(samples) == 240_000 and len(more) == 600_000
    assert np.array_equal(more, np.resize(samples, 600_000))


@pytest.mark.parametrize("datatype", ["cf32_le", "ci16_le", "ci16_be", "ci8", "cu8"])
def test_recordings_of_several_datatypes(tmp_path, datatype):
    path = write_recording(tmp_path, noise(2, 5000), datatype)
    got, tags = play(wfm.sdr_source(f"file:{path}", channels=2, sample_rate=RATE))
    wanted = open_recording(path).read(0, 5000)
    assert np.allclose(got, wanted, atol=1e-6)
    assert tags_of(tags, "rx_freq") == [(0, 1.8e9)]
    assert tags_of(tags, "rx_rate") == [(0, RATE)]


def test_recording_s_captures_become_tags(tmp_path):
    captures = [
        {"core:sample_start": 0, "core:frequency": 1.8e9, "core:datetime": "2026-01-01T00:00:00.5Z"},
        {"core:sample_start": 1000, "core:frequency": 2.1e9},
    ]
    path = write_recording(tmp_path, noise(1, 3000), captures=captures)
    source = wfm.sdr_source(f"file:{path}", channels=1, sample_rate=RATE)
    _, tags = play(source)
    assert tags_of(tags, "rx_freq") == [(0, 1.8e9), (1000, 2.1e9)]
    assert tags_of(tags, "rx_time")[0] == (0, (1767225600, 0.5))
    assert source.center_freq() == 1.8e9


def test_recording_with_fewer_channels_repeats_its_last(tmp_path):
    path = write_recording(tmp_path, noise(2, 1000))
    got, _ = play(wfm.sdr_source(f"file:{path}", channels=3, sample_rate=RATE))
    assert np.array_equal(got[1], got[2]) and not np.array_equal(got[0], got[1])


def test_recording_with_more_channels_leaves_the_rest(tmp_path):
    samples = noise(3, 1000)
    path = write_recording(tmp_path, samples)
    got, _ = play(wfm.sdr_source(f"file:{path}", channels=1, sample_rate=RATE))
    assert np.array_equal(got[0], samples[0])


def test_recording_s_own_rate_and_frequency_count(tmp_path):
    path = write_recording(tmp_path, noise(1, 1000), sample_rate=2.4e6)
    source = wfm.sdr_source(f"file:{path}", channels=1, sample_rate=RATE, center_freq=9e8)
    assert (source.sample_rate(), source.center_freq()) == (2.4e6, 1.8e9)
    assert wfm.source_rate(f"file:{path}", RATE) == 2.4e6
    assert wfm.source_freq(f"file:{path}", 9e8) == 1.8e9
    assert (wfm.source_rate("sim", RATE), wfm.source_freq("uhd", 9e8)) == (RATE, 9e8)
    with pytest.raises(WfmError, match="cannot be tuned"):
        source.set_center_freq(1e9)


def test_duration_ends_a_recording(tmp_path):
    path = write_recording(tmp_path, noise(1, 5000))
    got, _ = play(wfm.sdr_source(f"file:{path}", channels=1, sample_rate=RATE, duration=1000 / RATE))
    assert len(got[0]) == 1000


def test_policy_follows_the_source():
    assert wfm.source_policy("file:x") == "lossless"
    assert wfm.source_policy("sim") == wfm.source_policy("uhd") == "live"
    assert wfm.source_policy("file:x", "live") == "live"
    with pytest.raises(WfmError, match="'fast'.*live, lossless"):
        wfm.source_policy("sim", "fast")


def test_simulated_radio_plays_its_scene_by_the_wall_clock():
    source = wfm.sdr_source("sim:7", channels=2, sample_rate=RATE, duration=0.5)
    start = time.monotonic()
    got, tags = play(source)
    took = time.monotonic() - start
    truth = source.truth()
    # On a busy machine it may overflow; what it lost it says.
    assert [len(row) + source.samples_lost() for row in got] == [0.5 * RATE] * 2
    assert took > 0.4, "half a second of signal takes half a second"
    ((offset, first),) = tags_of(tags, "rx_time")[:1]
    assert offset == 0 and truth.position(first) == 0
    assert truth.segments[0].sample_start == 0
    assert sum(s.sample_count for s in truth.segments) == truth.samples
    assert tags_of(tags, "rx_rate")[0] == (0, RATE)


def test_simulated_radio_is_seeded():
    options = {"channels": 1, "sample_rate": RATE, "policy": "lossless", "duration": 0.02}
    first, again, other = (play(wfm.sdr_source(s, **options))[0][0] for s in ("sim:3", "sim:3", "sim:4"))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_truth_by_time():
    from types import SimpleNamespace as Segment

    from gnuradio.wfm.radio.ground_truth import GroundTruth

    segments = [
        Segment(sample_start=0, sample_count=1000, label="none", edges=None),
        Segment(sample_start=1000, sample_count=500, label="dsss-bpsk", edges=None),
    ]
    truth = GroundTruth(segments, 1000.0, (50, 0.75), 1500)
    assert truth.label((50, 0.75), 1000) == "none"
    assert truth.label((50, 0.75), 1001) is None, "reaches into the next segment"
    assert truth.label((51, 0.75), 500) == "dsss-bpsk"
    assert truth.label((51, 0.9), 400) is None, "reaches past the scene's end"
    assert truth.label((52, 0.3), 100) == "none", "the scene plays again"


def test_truth_by_time_and_frequency():
    from gnuradio.wfm.ports.messages import Detection
    from gnuradio.wfm.radio.ground_truth import NO_SIGNAL, GroundTruth

    from wfm_core.synth.scenes.rendering import Segment

    segments = [
        Segment(0, 1000, "nbfm", edges=(-50.0, -40.0)),
        Segment(100, 100, "lora", edges=(10.0, 110.0)),
        Segment(300, 100, "lora", edges=(10.0, 110.0)),
        *(Segment(500 + 50 * pulse, 10, "ook", edges=(200.0, 220.0)) for pulse in range(5)),
    ]
    truth = GroundTruth(segments, 1000.0, (50, 0.75), 1000)

    def label(start: float, count: int, lower: float | None, upper: float | None, rx_freq=1e6) -> str | None:
        middle = rx_freq or 0.0
        edges = (None, None) if lower is None else (middle + lower, middle + upper)
        return truth.label_of(Detection("t", 0, count, (50, 0.75 + start / 1000), rx_freq, 0.0, {}, 1, *edges, 9.0))

    assert label(0, 500, -51.0, -39.0) == label(0, 500, -51.0, -39.0, rx_freq=None) == "nbfm"
    assert label(110, 80, 20.0, 100.0) == label(90, 150, 20.0, 100.0) == "lora"
    assert label(100, 300, 20.0, 100.0) == "lora", "two bursts are most of it"
    assert label(210, 80, 20.0, 100.0) == NO_SIGNAL, "between two bursts"
    assert label(500, 210, 195.0, 225.0) == "ook", "pauses between pulses are its time"
    assert label(700, 290, 195.0, 225.0) == NO_SIGNAL, "what is after the last pulse is not"
    assert label(110, 80, -20.0, 5.0) == NO_SIGNAL, "beside it"
    assert label(900, 200, -50.0, -40.0) == "nbfm", "the scene is played again"
    assert label(0, 500, None, None) is None, "a window of the whole band has no one truth"
    assert truth.labels == ["lora", "nbfm", "ook"]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("radio", "'radio' names no driver"),
        ("file:", "names no recording"),
        ("file:/nowhere/x.sigmf-meta", "no SigMF metadata"),
        ("sim:many", "no scene 'many'.*transmitters"),
        ("sim:band:many", "whole number"),
        ("soapy:", "names no device"),
        ("soapy:driver=nothing", "nothing"),
        ("osmosdr:", "osmosdr"),
    ],
)
def test_absent_sources_are_one_sentence(source, sentence):
    with pytest.raises(WfmError, match=sentence) as error:
        wfm.sdr_source(source, channels=1)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"channels": 0}, "0 channels"), ({"sample_rate": 0}, "rate 0"), ({"duration": -1}, "duration -1")],
)
def test_absurd_parameters(changes, sentence):
    with pytest.raises(WfmError, match=sentence):
        wfm.sdr_source("sim", **changes)


def test_no_usrp_is_one_sentence_and_nothing_else():
    """In a process of its own: UHD reads its log level when it is loaded."""
    program = "from gnuradio.wfm import app; from gnuradio import wfm; wfm.sdr_source('uhd:serial=nobody', channels=2)"
    # UHD may be built to ask SoapySDR, too, whose modules for sound cards say much of their own
    quiet = os.environ | {"SOAPY_SDR_ROOT": "/nonexistent"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, env=quiet)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and "no USRP with 'serial=nobody' found" in done.stderr
