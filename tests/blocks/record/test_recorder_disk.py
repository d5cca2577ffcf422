# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Recorder on a disk that is full, or slow, or gone: what was recorded stays valid, and the stream goes on."""

import fcntl
import os
import resource
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pmt
import pytest
from recorder_harness import Session, captures_of
from tmpfs import in_small_folder
from waiting import wait_for

from wfm_core.base.files import clear_leftovers

LIMIT = 100_000
RING = 1 << 17
"""The least number of samples in a recorder's ring."""


@contextmanager
def files_of_at_most(size: int):
    """The kernel cuts the write that reaches the limit short, and refuses the next: as a disk that fills."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_cannot_grow_ends_the_recording_and_stays_valid(tmp_path):
    with Session(tmp_path, channels=3, label="x") as session:
        with files_of_at_most(LIMIT):
            session.send({"start": True})
            session.feed(10_000)  # 240 kB
            wait_for(lambda: session.recorder.counters()["failures"] == 1)
        wait_for(lambda: not session.recorder.recording())  # the failure is counted first
        wait_for(lambda: session.status.dicts()[-1]["error"])
        session.feed(5_000)
        session.send({"start": True})  # there is room again
        session.feed(1_000)
    (first, kept), second = session.starts()
    assert first == 0 and LIMIT - 4096 - 24 < 24 * kept <= LIMIT, "all but the part of a page that did not fit"
    assert second == (15_000, 1_000)
    counters = session.recorder.counters()
    assert counters["samples_recorded"] == kept + 1_000
    errors = [m["text"] for m in session.events.dicts() if m["event"] == "error"]
    assert len(errors) == 1 and ("too large" in errors[0] or "No space" in errors[0])


@pytest.mark.slow
def test_a_full_disk(tmp_path):
    """A real file system of 1 MiB, in a mount name space of its own; the metadata find no room, either."""
    in_small_folder(tmp_path, __file__)


def fill_the_disk(folder: Path) -> None:
    freqs = [(0, 1000 * k, "rx_freq", pmt.from_double(1e9 + k)) for k in range(200)]
    with Session(folder, channels=3, label="x", tags=freqs, recording=True, rotate_mb=0.3) as session:
        session.feed(100_000)  # 2.4 MB
        wait_for(lambda: session.recorder.counters()["failures"] == 1)
        first = session.recordings()[0]
        first.meta_path.unlink()
        first.data_path.unlink()
        session.send({"start": True})
        session.feed(1_000)
    recordings = session.recordings()
    assert len(recordings) >= 3
    assert recordings[-1].samples == 1_000
    for recording in recordings:
        for start, _, index in captures_of(recording):
            assert recording.center_freq_at(start) == 1e9 + index // 1000


def leftovers(folder: Path) -> set[str]:
    """What recorders leave that are killed while they begin a file, between its two names, or rewrite metadata."""
    (folder / ".a_000.sigmf-data.recorder.part").write_bytes(b"12345678")
    (folder / ".b_000.sigmf-meta.recorder.part").write_text("{}")
    (folder / "b_000.sigmf-data").write_bytes(b"12345678")
    (folder / ".c_000.sigmf-meta.abcdefgh.part").write_text("{}")  # an annotator's
    return {path.name for path in folder.iterdir()}


def test_a_start_removes_what_killed_writers_left(tmp_path):
    removed = leftovers(tmp_path)
    (tmp_path / ".d_000.sigmf-meta.recorder.part").write_text("{}")  # of a recording that is whole, or was
    kept = {"d_000.sigmf-data": 1000, "e_000.sigmf-data": 8, ".e_000.part": 3, ".hidden": 1}
    for name, size in kept.items():
        (tmp_path / name).write_bytes(bytes(size))
    with Session(tmp_path, recording=True) as session:
        session.feed(10)
    names = {path.name for path in tmp_path.iterdir()}
    assert not names & removed and names >= set(kept) and len(names) == len(kept) + 2


def test_what_another_writer_may_still_need_is_not_removed(tmp_path):
    left = leftovers(tmp_path)
    with Session(tmp_path, recording=True, prefix="first") as first:
        first.feed(10)
        wait_for(lambda: any(tmp_path.glob("first*.sigmf-meta")))
        assert {path.name for path in tmp_path.iterdir()} & left == set()
        leftovers(tmp_path)
        with Session(tmp_path, recording=True, prefix="second") as second:
            second.feed(10)
            wait_for(lambda: any(tmp_path.glob("second*.sigmf-meta")))
        assert not clear_leftovers(tmp_path), "the first one still writes"
        assert left <= {path.name for path in tmp_path.iterdir()}
    assert clear_leftovers(tmp_path), "wfm_core's writers know the same names, and the same lock"
    assert not any(path.name.startswith(".") for path in tmp_path.iterdir())


def test_a_folder_that_is_taken_away_is_an_error_and_not_the_end(tmp_path):
    folder = tmp_path / "gone"
    with Session(folder) as session:
        folder.rmdir()
        session.send({"start": True})
        session.feed(100)
        wait_for(lambda: session.recorder.counters()["failures"] == 1)
        session.feed(100)
    assert "No such file" in next(m["text"] for m in session.events.dicts() if m["event"] == "error")


def test_a_slow_disk_never_stops_the_stream_and_the_gap_is_told(tmp_path):
    tags = [(0, 2000, "rx_freq", pmt.from_double(1e9))]
    with Session(tmp_path, channels=2, tags=tags, recording=True, label="x", queue=0.1) as session:
        session.feed(1000)
        wait_for(lambda: session.recorder.counters()["samples_recorded"] == 1000)
        data = next(tmp_path.glob("*.sigmf-data"))
        with data.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # at the retune the writer waits for its lock
            session.feed(500_000)
            assert session.recorder.counters()["samples_dropped"] == 501_000 - 2000 - RING
        wait_for(lambda: session.recorder.counters()["samples_recorded"] == 2000 + RING)
        time.sleep(0.2)  # the room is given back right after
        session.feed(5_000)
    counters = session.recorder.counters()
    assert counters["samples_in"] == counters["samples_recorded"] + counters["samples_dropped"] == 506_000
    (recording,) = session.recordings()
    captures = captures_of(recording)
    assert [c[2] for c in captures[:2]] == [0, 2000] and len(captures) == 3
    assert captures[2][2] + captures[2][1] == 506_000
    assert recording.breaks == [captures[1][0], captures[2][0]]
    assert [a.label for a in recording.annotations] == ["x"] * 3


@pytest.mark.slow
def test_a_start_that_waits_behind_a_failure_is_recorded_and_stopped(tmp_path):
    """The status says what is being written, and stop is obeyed."""
    tags = [(0, 2000, "rx_freq", pmt.from_double(1e9))]
    with Session(tmp_path, tags=tags, recording=True, label="A", queue=20.0) as session:
        session.feed(1000)
        wait_for(lambda: session.recorder.counters()["samples_recorded"] == 1000)
        with next(tmp_path.glob("*.sigmf-data")).open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # at the retune the writer waits for it, until A fails
            session.feed(2000)
            session.send({"stop": True})
            session.feed(10)
            session.send({"start": "B"})
            session.feed(1000)
            wait_for(lambda: session.recorder.counters()["failures"] == 1)
        wait_for(lambda: session.recorder.counters()["samples_recorded"] == 2000 + 1000)
        assert session.recorder.recording()
        session.send({"stop": True})
        session.feed(5000)
        assert not session.recorder.recording()
    assert session.starts() == [(0, 2000), (3010, 1000)]
    told = [(event["event"], event.get("label")) for event in session.events.dicts()]
    assert told == [("begin", "A"), ("end", "A"), ("error", None), ("begin", "B"), ("end", "B")]


def test_a_name_that_was_freed_is_not_used_again_within_its_second(tmp_path):
    with Session(tmp_path) as session:
        for count in (100, 200, 300):
            session.send({"start": True})
            session.feed(count)
            session.send({"stop": True})
            session.feed(10)
            wait_for(lambda: session.events.dicts() and session.events.dicts()[-1]["event"] == "end")
            session.events.messages.clear()
            if count == 100:
                for path in tmp_path.iterdir():
                    path.unlink()
    assert [length for _, length in session.starts()] == [200, 300], "in the order of their names"


@pytest.mark.slow
def test_who_never_gives_the_lock_back_ends_the_recording(tmp_path):
    """Otherwise the flowgraph could not end."""
    tags = [(0, 2000, "rx_freq", pmt.from_double(1e9))]
    with Session(tmp_path, tags=tags, recording=True) as session:
        session.feed(1000)
        wait_for(lambda: session.recorder.counters()["samples_recorded"] == 1000)
        held = os.open(next(tmp_path.glob("*.sigmf-data")), os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        session.feed(2000)
        wait_for(lambda: session.recorder.counters()["failures"] == 1)
        os.close(held)
    assert session.starts() == [(0, 2000)]


if __name__ == "__main__":
    fill_the_disk(Path(sys.argv[1]))
