# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills recorders with SIGKILL at random moments and looks at what they leave; a program, one JSON line a kill.

Each kill is of a fork of this process, which has everything imported and no threads.
"""

import json
import mmap
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pmt
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.ports import messages
from gnuradio.wfm.ports.event import Event
from recorder_harness import TURN, Session, ramp

from wfm_core.data.recordings.recording import open_recording

RATE = 4e5
CHANNELS = 3  # frames of 24 bytes reach over the ends of pages
RETUNES = (12_345, 100_000, 100_001, 333_333, 700_000)
"""Samples of each turn of the ramp at which the frequency changes."""
EVENT = 2000
"""Samples of each of the events that are annotated."""


class Announcer(gr.basic_block):
    """Says an event of the last samples now and then, as an event tracker does."""

    def __init__(self):
        gr.basic_block.__init__(self, name="announcer", in_sig=None, out_sig=None)
        self.message_port_register_out(pmt.intern("events"))

    def say(self, end: int) -> None:
        event = Event("end", "found", 0.9, max(end - EVENT, 0), EVENT, EVENT / RATE, None, 1e9)
        self.message_port_pub(pmt.intern("events"), messages.event_dict("interference", event))


def record(folder: Path, progress: mmap.mmap, samples: list[list[complex]]) -> None:
    """`samples` of each channel, again and again, until killed; how many the recorder has seen goes to `progress`."""
    top = gr.top_block()
    recorder = wfm.recorder(CHANNELS, RATE, str(folder), "k", "a", recording=True, rotate_mb=3.0)
    for channel in range(CHANNELS):
        tags = [gr.tag_t() for _ in RETUNES]
        for k, (tag, offset) in enumerate(zip(tags, RETUNES, strict=True)):
            tag.offset, tag.key, tag.value = offset, pmt.intern("rx_freq"), pmt.from_double(1e9 + k)
        source = blocks.vector_source_c(samples[channel], True, 1, tags)
        throttle = blocks.throttle(gr.sizeof_gr_complex, RATE)
        throttle.set_max_noutput_items(4096)
        top.connect(source, throttle, (recorder, channel))
    announcer, annotator = Announcer(), wfm.sigmf_annotator()
    top.msg_connect(recorder, "events", annotator, "recordings")
    top.msg_connect(announcer, "events", annotator, "events")
    top.start()
    for turn in range(10**9):
        progress[:8] = int(recorder.counters()["samples_in"]).to_bytes(8, "little")
        time.sleep(0.005)
        if turn % 10 == 9:
            announcer.say(recorder.counters()["samples_in"])
            recorder.annotate(f"turn {turn}")
        if turn % 100 == 99:
            recorder.set_label(f"label {turn}")


def kill_one(seconds: float, samples: list[list[complex]]) -> dict:
    """Starts a recorder, kills it after so long from its first sample, and looks at its folder."""
    with tempfile.TemporaryDirectory(prefix="wfm-killed-") as name:
        progress = mmap.mmap(-1, 8)
        child = os.fork()
        if child == 0:
            try:
                record(Path(name), progress, samples)
            finally:
                os._exit(1)
        while not int.from_bytes(progress[:8], "little"):
            assert os.waitpid(child, os.WNOHANG) == (0, 0), "the recorder did not start"
            time.sleep(0.001)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = inspect(Path(name), int.from_bytes(progress[:8], "little"))
        return found | {"left": leftovers_after_a_start(Path(name))}


def leftovers_after_a_start(folder: Path) -> list[str]:
    """What another recorder, in a process of its own, has not removed when it started: all that is no recording."""
    child = os.fork()
    if child == 0:
        try:
            with Session(folder, recording=True) as session:
                session.feed(10)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    recordings = {path.name for path in folder.glob("*.sigmf-meta")}
    recordings |= {name.replace(".sigmf-meta", ".sigmf-data") for name in recordings}
    return [path.name for path in folder.iterdir() if path.name not in recordings]


def inspect(folder: Path, seen: int) -> dict:
    """Fails where a recording is not valid, or says something of a sample that is not so."""
    pieces, annotations = [], 0
    metas = sorted(folder.glob("*.sigmf-meta"))
    for path in metas:
        recording = open_recording(path)
        metadata = json.loads(path.read_text())
        captures = metadata["captures"]
        ends = [capture["core:sample_start"] for capture in captures[1:]] + [recording.samples]
        for capture, end in zip(captures, ends, strict=True):
            start, index = capture["core:sample_start"], capture["core:global_index"]
            # The last frame may be there without its capture, or not whole.
            whole = end - start - (end == recording.samples)
            assert np.array_equal(recording.read(start, whole), ramp(index, whole, CHANNELS)), (path, start)
            assert capture.get("core:frequency") == frequency(index), (path, capture)
            inner = range(index + 1, index + whole)
            assert not any(
                (turn * TURN + r) in inner for r in RETUNES for turn in range(index // TURN, index // TURN + 2)
            )
            pieces.append((index, end - start))
        annotations += sum(entry["core:generator"] == "gr-wfm event" for entry in metadata["annotations"])
    pieces.sort()
    end = 0
    for index, count in pieces:
        assert index == end, f"samples {end} to {index} are in no file"
        end = index + count
    return {"lost_ms": 1e3 * (seen - end) / RATE, "files": len(metas), "events": annotations}


def frequency(index: int) -> float | None:
    turn, place = divmod(index, TURN)
    before = [k for k, r in enumerate(RETUNES) if r <= place]
    if not before and turn == 0:
        return None
    return 1e9 + (before[-1] if before else len(RETUNES) - 1)


if __name__ == "__main__":
    kills, seed = int(sys.argv[1]), int(sys.argv[2])
    draw = random.Random(seed)
    ramps = ramp(0, TURN, CHANNELS).tolist()
    for _ in range(kills):
        print(json.dumps(kill_one(draw.uniform(0.0, 2.5), ramps)), flush=True)
