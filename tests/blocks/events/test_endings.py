# SPDX-License-Identifier: GPL-3.0-or-later
"""At the end of a stream: what a tracker says late is heard by all who listen, and nothing waits for ever."""

import threading
import time

import pmt
import pytest
from flowgraph_helpers import WINDOW, RuleBundle, noise
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.display.sinks import display_messages_sink
from gnuradio.wfm.display.state import DisplayState
from gnuradio.wfm.ports.block import message_block
from gnuradio.wfm.ports.endings import say_done
from waiting import wait_for

TEXT = pmt.intern("text")


def run_with_slow_tracker(monkeypatch, listener, ports) -> None:
    """source -> detector, whose tracker says its events long after the engine has ended -> listener."""
    import gnuradio.wfm.events.event_tracker as module

    tracked = module.event_tracker._publish

    def publish(tracker, events):
        time.sleep(0.7 if events else 0.0)  # the engine ends 0.1 s or so after its last status
        tracked(tracker, events)

    monkeypatch.setattr(module.event_tracker, "_publish", publish)
    samples = noise(1, 60 * WINDOW)[0]
    samples[::WINDOW] = [0] * 20 + [1] * 40
    top = gr.top_block()
    detector = wfm.interference_detector(RuleBundle(), sample_rate=1e6, policy="lossless", windows=4)
    top.connect(blocks.vector_source_c(samples.tolist()), detector, blocks.null_sink(gr.sizeof_gr_complex))
    for port in ports:
        top.msg_connect(detector, port, listener, port)
    top.run()


def test_a_display_shows_events_that_come_after_the_engines_end(monkeypatch):
    state, events = DisplayState(64, 1024, 0.0, ["none"]), []
    monkeypatch.setattr(state, "add_event", lambda task, event: events.append(event.kind))
    run_with_slow_tracker(monkeypatch, display_messages_sink(state), ("detects", "events", "status"))
    assert events == ["begin", "end"] and state.frame().status["ended"]


def test_a_log_prints_events_that_come_after_the_engines_end(monkeypatch, capfd):
    run_with_slow_tracker(monkeypatch, wfm.decision_log(quiet=True), ("detects", "events"))
    said = capfd.readouterr().out
    assert "dsss-bpsk begins" in said and "dsss-bpsk ends" in said


def test_a_publisher_sends_events_that_come_after_the_engines_end(monkeypatch):
    publisher, sent = wfm.event_publisher("tcp://127.0.0.1:*"), []
    monkeypatch.setattr(publisher._sender, "send", lambda kind, body: sent.append((kind, body.get("event"))))
    run_with_slow_tracker(monkeypatch, publisher, ("detects", "events", "status"))
    assert [event for kind, event in sent if kind == "event"] == ["begin", "end"]
    assert sum(kind == "decision" for kind, _ in sent) == 60


class Speaker(message_block):
    """Says its name when it is told to, and has then ended."""

    def __init__(self, name: str):
        super().__init__("speaker", takes={pmt.intern("order"): self._say}, gives=(TEXT,))
        self._name = name

    def _say(self, _) -> None:
        self.message_port_pub(TEXT, pmt.intern(self._name))
        say_done(self)


class Listener(message_block):
    ENDS_LAST = True

    def __init__(self):
        super().__init__("listener", takes={TEXT: self._hear, pmt.intern("more"): self._hear})
        self.heard, self.stopped = [], threading.Event()

    def _hear(self, message) -> None:
        self.heard.append(pmt.symbol_to_string(message))

    def stop(self) -> None:
        self.stopped.set()


def order(block) -> None:
    block.to_basic_block()._post(pmt.intern("order"), pmt.PMT_NIL)


def test_a_listener_ends_with_the_last_speaker_and_can_run_again():
    top, listener, speakers = gr.top_block(), Listener(), [Speaker("a"), Speaker("b")]
    for speaker in speakers:
        top.msg_connect(speaker, "text", listener, "text")
    for heard in (1, 3):
        listener.stopped.clear()
        top.start()
        order(speakers[0])
        wait_for(lambda heard=heard: len(listener.heard) == heard)
        time.sleep(0.4)
        assert not listener.stopped.is_set()
        order(speakers[1])
        assert listener.stopped.wait(10)
        top.wait()
    assert listener.heard == ["a", "b"] * 2


def test_what_still_waits_on_any_port_is_handled_before_a_block_stops():
    """The scheduler ends a block between two ports, where it happens to be."""
    listener = Listener()
    for port in ("more", "text", "more"):
        listener.to_basic_block()._post(pmt.intern(port), pmt.intern(port))
    listener.stop()
    assert listener.heard == ["text", "more", "more"] and listener.stopped.is_set()


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_a_flowgraph_that_is_stopped_waits_for_nobody(seconds):
    top, listener, speakers = gr.top_block(), Listener(), [Speaker("a"), Speaker("b")]
    for speaker in speakers:
        top.msg_connect(speaker, "text", listener, "text")
    top.start()
    order(speakers[0])
    time.sleep(seconds)
    began = time.monotonic()
    top.stop()
    top.wait()
    assert time.monotonic() - began < 5 and listener.stopped.is_set()


def test_a_speaker_of_another_flowgraph_keeps_nobody():
    other, apart = gr.top_block(), Speaker("apart")
    other.msg_connect(apart, "text", Listener(), "text")
    other.start()
    top, listener, speaker = gr.top_block(), Listener(), Speaker("a")
    top.msg_connect(speaker, "text", listener, "text")
    top.start()
    order(speaker)
    assert listener.stopped.wait(10)
    top.wait()
    other.stop()
    other.wait()
