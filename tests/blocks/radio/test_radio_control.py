# SPDX-License-Identifier: GPL-3.0-or-later
"""The eye on a radio: silence is said, then an error; commands are checked; a second run begins again."""

import pmt
import pytest
from flowgraph_helpers import Collector
from gnuradio import blocks, gr
from gnuradio.wfm.ports.block import keep_alive
from gnuradio.wfm.radio.radio_control import radio_control
from paced_source import PacedSource
from stand_in_radio import Radio
from waiting import wait_for


class Flowgraph:
    def __init__(self, silence=0.3, patience=2.5, duration=0.0):
        self.radio = Radio()
        self.sources = [PacedSource() for _ in range(2)]
        self.control = radio_control(self.radio, "test", silence, patience, duration)
        self.heard = Collector()
        self.top = gr.top_block()
        for channel, source in enumerate(self.sources):
            self.top.connect(source, (self.radio.tagger, channel), blocks.null_sink(gr.sizeof_gr_complex))
        keep_alive(self.top, self.control)
        self.top.msg_connect(self.control, "events", self.heard, "in")
        self.top.msg_connect(self.heard, "out", self.control, "command")

    def give(self, samples):
        for source in self.sources:
            source.give(samples)

    def command(self, **values):
        self.heard.say(pmt.to_pmt(values))

    def end(self):
        self.give(None)
        self.top.stop()
        self.top.wait()

    def events(self, kind):
        return [event["text"] for event in self.heard.dicts() if event["event"] == kind]


@pytest.fixture
def running():
    graph = Flowgraph()
    graph.top.start()
    graph.give(500)
    wait_for(lambda: graph.radio.tagger.samples() == 500)
    yield graph
    graph.end()


def test_silence_is_said_once_and_its_end_too(running):
    wait_for(lambda: running.events("warning"))
    assert "test has given no sample for" in running.events("warning")[0]
    running.give(100)
    wait_for(lambda: len(running.events("warning")) == 2)
    assert "gives samples again" in running.events("warning")[1]
    assert running.control.error() == ""


def test_long_silence_ends_the_stream_with_one_sentence(running):
    wait_for(running.control.error)
    assert "gave no sample for 3 s, 500 before that" in running.control.error()
    assert wait_for(lambda: running.events("error")) == [running.control.error()]
    wait_for(running.radio.tagger.ended)
    assert running.control.status()["error"] == running.control.error()


def test_a_radio_that_has_failed_ends_the_stream_at_once(running):
    running.radio.broken = "device removed"
    wait_for(running.control.error, 2.0)
    assert "failed after 500 samples: device removed" in running.control.error()


def test_a_radio_that_ends_by_itself_is_an_error(running):
    running.give(None)
    wait_for(running.control.error)
    assert "ended after 500 samples" in running.control.error()


def test_what_the_library_warns_of_is_an_event(running):
    running.radio.said = ["UHD (X): something"]
    wait_for(lambda: "UHD (X): something" in running.events("warning"))


@pytest.mark.parametrize(
    ("message", "did"),
    [
        ({"freq": 2e9}, ("freq", [2e9, 2e9], None)),
        ({"freq": 2e9, "chan": 1}, ("freq", [1e9, 2e9], None)),
        ({"freq": 2e9, "chan": -1, "time": (12, 0.5)}, ("freq", [2e9, 2e9], (12, 0.5))),
        ({"gain": 20, "chan": 1}, ("gain", 20, 1)),
        ({"antenna": "RX2"}, ("forward", {"antenna": "RX2"})),
    ],
)
def test_commands(running, message, did):
    running.command(**message)
    wait_for(lambda: did in running.radio.did)


BAD = [{"freq": "high"}, {"freq": -1.0}, {"freq": 1e9, "chan": 2}, {"freq": 1e9, "time": 3}]


@pytest.mark.parametrize("message", BAD)
def test_bad_commands_are_refused_and_the_next_is_obeyed(running, message):
    running.command(**message)
    wait_for(lambda: running.events("refused"))
    running.command(freq=3e9)
    wait_for(lambda: ("freq", [3e9, 3e9], None) in running.radio.did)
    assert running.control.status()["commands_refused"] == 1


def test_a_command_that_no_block_takes_is_refused(running):
    running.radio.forwards = False
    running.command(antenna="RX2")
    wait_for(lambda: running.events("refused"))
    assert "command antenna" in running.events("refused")[0]


def test_duration_ends_by_the_clock_too():
    graph = Flowgraph(silence=5, patience=10, duration=0.5)
    graph.top.start()
    graph.give(100)
    wait_for(graph.radio.tagger.ended, 20)
    wait_for(lambda: graph.events("warning"))
    assert "0.5 s have passed by the clock: 100 of 500 samples came" in graph.events("warning")[0]
    assert graph.control.error() == ""
    graph.end()


def test_a_second_run_is_watched_from_its_beginning(running):
    wait_for(running.control.error)
    running.top.stop()
    running.give(None)
    running.top.wait()
    running.top.start()
    wait_for(lambda: running.radio.tagger.runs() == 2)
    assert running.control.error() == ""
    running.give(300)
    wait_for(lambda: running.radio.tagger.samples() == 300)
    wait_for(running.control.error)
    assert "300 before that" in running.control.error()
