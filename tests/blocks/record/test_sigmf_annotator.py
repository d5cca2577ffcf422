# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM SigMF Annotator in flowgraphs: events and decisions go where a recorder, or a file, has their samples."""

import json
from pathlib import Path

import pmt
import pytest
from flowgraph_helpers import noise, write_recording
from gnuradio import gr, wfm
from gnuradio.wfm.ports import keys, messages
from gnuradio.wfm.ports.event import Event
from recorder_harness import RATE, Session
from waiting import wait_for

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.recording import open_recording

ANSWER = {"label": "dsss-bpsk", "index": 1, "score": 0.75, "probabilities": {"none": 0.25, "dsss-bpsk": 0.75}}


class Speaker(gr.basic_block):
    """Says what it is told on its port `out`."""

    def __init__(self):
        gr.basic_block.__init__(self, name="speaker", in_sig=None, out_sig=None)
        self.message_port_register_out(pmt.intern("out"))
        self.message_port_register_in(pmt.intern("in"))

    def say(self, message) -> None:
        self.message_port_pub(pmt.intern("out"), message)

    def end(self) -> None:
        self.to_basic_block()._post(keys.SYSTEM, keys.DONE)


def event(kind: str, start: int, count: int, label: str = "dsss-bpsk") -> pmt.pmt_base:
    return messages.event_dict("interference", Event(kind, label, 0.9, start, count, count / RATE, None, 1e9))


def detection(start: int, count: int, answer: dict = ANSWER) -> pmt.pmt_base:
    facts = messages.WindowFacts(start, count, None, None, -20.0, 0.0, False)
    return messages.detects_pdu("interference", messages.task_dict(messages.facts_dict(facts), answer), answer, False)


def annotated(session: Session, annotator, port: str) -> Speaker:
    speaker = Speaker()
    session.top.msg_connect(session.recorder, "events", annotator, "recordings")
    session.top.msg_connect(speaker, "out", annotator, port)
    session.at_end.append(speaker.end)
    return speaker


def places(recording) -> list[tuple[int, int, str]]:
    return [(a.sample_start, a.sample_count, a.label) for a in recording.annotations]


def written(folder: Path) -> list[Path]:
    """The recordings by name alone, which is all that can be said of them while the recorder renames files."""
    return sorted(folder.glob("*.sigmf-meta"))


def test_an_event_grows_in_the_running_recording(tmp_path):
    session, annotator = Session(tmp_path), wfm.sigmf_annotator()
    speaker = annotated(session, annotator, "events")
    with session:
        session.feed(1000)
        session.send({"start": True})
        session.feed(1000)
        speaker.say(event("begin", 1100, 200))
        wait_for(lambda: [places(open_recording(p)) for p in written(tmp_path)] == [[(100, 200, "dsss-bpsk")]])
        session.feed(1000)
        speaker.say(event("end", 1100, 1500))
        wait_for(lambda: [places(open_recording(p)) for p in written(tmp_path)] == [[(100, 1500, "dsss-bpsk")]])
    assert annotator.counts() == {"written": 2, "outside": 0, "refused": 0}


def test_an_event_over_two_files_is_in_both_and_a_late_one_is_not_lost(tmp_path):
    session, annotator = Session(tmp_path, recording=True, rotate_mb=0.008), wfm.sigmf_annotator()
    speaker = annotated(session, annotator, "events")
    with session:
        session.feed(500)
        speaker.say(event("end", 900, 300))  # before its samples are there
        session.feed(2000)
        speaker.say(event("end", 10, 20))
        speaker.say(event("end", 2400, 9000))  # longer than the stream
        wait_for(lambda: [m["event"] for m in session.events.dicts()].count("begin") == 3)
    recordings = session.recordings()
    assert [r.samples for r in recordings] == [1000, 1000, 500]
    assert [places(r) for r in recordings] == [
        [(10, 20, "dsss-bpsk"), (900, 100, "dsss-bpsk")],
        [(0, 200, "dsss-bpsk")],
        [(400, 100, "dsss-bpsk")],
    ]
    assert annotator.counts() == {"written": 3, "outside": 0, "refused": 0}


def test_what_no_recording_has_is_counted(tmp_path):
    session, annotator = Session(tmp_path), wfm.sigmf_annotator()
    speaker = annotated(session, annotator, "events")
    with session:
        session.feed(1000)
        session.send({"start": True})
        session.feed(10)
        speaker.say(event("end", 100, 200))
    assert places(session.recordings()[0]) == []
    assert annotator.counts() == {"written": 0, "outside": 1, "refused": 0}


def test_decisions_of_windows_into_a_finished_recording(tmp_path):
    path = write_recording(tmp_path, noise(1, 1000), captures=[{"core:sample_start": 0, "core:global_index": 77}])
    annotator, speaker, top = wfm.sigmf_annotator(str(path), background="none, quiet"), Speaker(), gr.top_block()
    top.msg_connect(speaker, "out", annotator, "detects")
    top.start()
    speaker.say(detection(0, 256))
    speaker.say(detection(256, 256, {**ANSWER, "label": "none"}))
    speaker.say(detection(512, 256, {"position": [1.0, 2.0]}))
    wait_for(lambda: annotator.counts()["written"] == 2)
    top.stop()
    top.wait()
    assert places(open_recording(path)) == [(0, 256, "dsss-bpsk"), (512, 256, "position")]
    assert annotator.counts() == {"written": 2, "outside": 0, "refused": 0}


def test_signals_are_annotated_with_their_edges(tmp_path):
    path = write_recording(tmp_path, noise(1, 1000))
    annotator, speaker, top = wfm.sigmf_annotator(str(path)), Speaker(), gr.top_block()
    top.msg_connect(speaker, "out", annotator, "events")
    top.start()
    at = ("lora", 0.9, 100, 50, 50 / RATE, None, 1e9)
    for lower, upper in ((1e9 + 100.0, 1e9 + 200.0), (1e9 + 300.0, 1e9 + 400.0)):
        for kind in ("begin", "end"):
            speaker.say(messages.event_dict("classification", Event(kind, *at, lower, upper, 12.0)))
    speaker.say(messages.event_dict("classification", Event("end", "noise", *at[1:], 1e9, 1e9 + 50.0, 1.0)))
    wait_for(lambda: annotator.counts()["written"] == 2)
    top.stop()
    top.wait()
    entries = json.loads(path.read_text())["annotations"]
    assert [(e["core:freq_lower_edge"], e["core:freq_upper_edge"], e["core:label"]) for e in entries] == [
        (1e9 + 100.0, 1e9 + 200.0, "lora"), (1e9 + 300.0, 1e9 + 400.0, "lora"),
    ]  # fmt: skip


MALFORMED = [
    pmt.PMT_NIL, pmt.intern("x"), pmt.make_dict(), pmt.to_pmt({"event": "begin"}), pmt.cons(pmt.PMT_T, pmt.PMT_T),
    pmt.to_pmt({"event": "begin", "path": "/no/such/recording.sigmf-meta"}),
    pmt.to_pmt({"event": 1, "label": "x", "score": "x", "sample_start": "x"}), pmt.init_u8vector(1, [1]),
]  # fmt: skip


@pytest.mark.parametrize("port", ["events", "detects", "recordings"])
def test_malformed_messages_are_counted_and_ignored(tmp_path, port):
    path = write_recording(tmp_path, noise(1, 1000))
    annotator, strange, good, top = wfm.sigmf_annotator(str(path)), Speaker(), Speaker(), gr.top_block()
    top.msg_connect(strange, "out", annotator, port)
    top.msg_connect(good, "out", annotator, "events")
    top.start()
    for message in MALFORMED:
        strange.say(message)
    good.say(event("end", 2**63, 5))
    good.say(event("end", 5, 0))
    good.say(event("end", 5, 10))
    wait_for(lambda: annotator.counts()["written"] == 1)
    top.stop()
    top.wait()
    # On recordings an event of another kind than begin is none of the annotator's business.
    assert annotator.counts()["refused"] == len(MALFORMED) + 2 - (port == "recordings")
    assert places(open_recording(path)) == [(5, 10, "dsss-bpsk")]


def test_a_recording_that_is_gone_does_not_end_the_others(tmp_path):
    session, annotator = Session(tmp_path, recording=True), wfm.sigmf_annotator()
    speaker = annotated(session, annotator, "events")
    with session:
        session.feed(100)
        session.send({"label": "b"})
        session.feed(100)
        wait_for(lambda: len(written(tmp_path)) == 2)
        first = written(tmp_path)[0]
        first.unlink()
        first.with_suffix(".sigmf-data").unlink()
        speaker.say(event("end", 50, 100))
    assert (0, 50, "dsss-bpsk") in places(session.recordings()[0])


def test_what_is_no_recording_is_refused(tmp_path):
    with pytest.raises(WfmError):
        wfm.sigmf_annotator(str(tmp_path / "nothing.sigmf-meta"))
