# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that does not answer keeps no flowgraph from ending, and costs nothing when it answers again."""

import fcntl
import json
import os
import subprocess
import sys
import time

import pytest
from detections import ANSWER, detection
from flowgraph_helpers import Collector, noise, write_recording
from gnuradio import gr, wfm
from gnuradio.wfm.ports import keys
from hanging_file import hanging
from recorder_harness import Session
from stops import stopped_within
from waiting import thread, wait_for

from wfm_core.base import left_behind
from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.annotations import Mark, annotate


def test_a_recorder_whose_disk_hangs_stops_and_goes_on_when_the_disk_does(tmp_path):
    with Session(tmp_path, recording=True) as session:
        session.feed(1000)
        wait_for(lambda: any(tmp_path.glob("*.sigmf-meta")))
        meta = next(tmp_path.glob("*.sigmf-meta"))
        with hanging(meta):
            session.recorder.annotate("stuck")
            session.feed(10)
            assert 5.5 < stopped_within(10, session.top) < 8
            counters = session.recorder.counters()
            assert (counters["failures"], counters["samples_recorded"]) == (1, 1000)
            session.source.allowed = 0
            session.top.start()  # the thread that was left behind is the one of this run, too
            session.feed(500)
            assert session.status.dicts()[-1]["error"].startswith(f"{meta}: the disk has not answered for 6 s")
        wait_for(lambda: session.recorder.counters()["samples_recorded"] == 1510)
    assert session.starts() == [(0, 1010), (0, 500)]
    assert '"core:comment": "stuck"' in meta.read_text()


@pytest.mark.slow
def test_a_recorder_that_is_destroyed_while_its_disk_hangs(tmp_path):
    """In a process of its own: its thread would be seen by no one afterwards."""
    program = """
import gc, sys
from pathlib import Path
from recorder_harness import Session
from hanging_file import hanging
from waiting import wait_for
session = Session(Path(sys.argv[1]), recording=True).__enter__()
session.feed(1000)
meta = wait_for(lambda: next(Path(sys.argv[1]).glob("*.sigmf-meta"), None))
with hanging(meta):
    session.recorder.annotate("stuck")
    session.feed(10)
    session.top.stop()
    session.top.wait()
    session.top.disconnect_all()
    del session
    gc.collect()
wait_for(lambda: "stuck" in meta.read_text())
print(meta.read_text().count("stuck"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout.endswith("\n1\n"), done.stdout + done.stderr


def test_an_annotator_whose_disk_hangs(tmp_path):
    meta = write_recording(tmp_path, noise(1, 4000))
    block, top, say = wfm.sigmf_annotator(str(meta)), gr.top_block(), Collector()
    top.msg_connect(say, "out", block, "detects")
    with hanging(meta):
        top.start()
        say.say(detection(256, {**ANSWER, "label": "a"}))
        wait_for(lambda: block.queue.busy_with)
        assert 4.5 < stopped_within(10, top) < 7
        assert block.failure() == left_behind.sentences()[0]
        assert block.failure().startswith(f"the annotation of {meta} did not end within 5 s, 1 marks wait")
        first = thread("wfm-annotate")
        top.start()
        say.say(detection(512, {**ANSWER, "label": "b"}))
        time.sleep(0.3)
        assert first.is_alive() and block.failure() == ""
    wait_for(lambda: not first.is_alive())
    wait_for(lambda: block.counts()["written"] == 2)
    stopped_within(5, top)
    labels = [entry["core:label"] for entry in json.loads(meta.read_text())["annotations"]]
    assert labels == ["a", "b"] and left_behind.sentences() == []


def test_a_recording_that_another_program_keeps_locked(tmp_path):
    meta = write_recording(tmp_path, noise(1, 4000))
    with open(meta.with_suffix(".sigmf-data"), "rb") as data:
        fcntl.flock(data, fcntl.LOCK_EX)
        with pytest.raises(WfmError, match="is locked by another program for 3 s"):
            annotate(meta, [Mark(0, 10, "a", "task", "comment")], in_stream=False)
    assert annotate(meta, [Mark(0, 10, "a", "task", "comment")], in_stream=False).reach == 4000


def test_a_pipe_that_nobody_reads_is_refused(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(WfmError, match="no program reads this pipe.*: start the one that does first"):
        wfm.decision_log(str(pipe))
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    log = wfm.decision_log(str(pipe), 1e6, True)
    log.handle(keys.DETECTS, detection())
    assert log.stop() and b'"sample_start": 0' in os.read(reader, 10_000)
    os.close(reader)
