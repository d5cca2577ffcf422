# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers as processes: killed ones are replaced, what kills each of them is left out, and all end with the first."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from batch_parts.many_recordings import Tricky, descendants, lines_of, write_recordings
from waiting import wait_for

from wfm_core.base.errors import WfmError
from wfm_core.batch import processes
from wfm_core.batch.processes import Processes
from wfm_core.batch.run import run
from wfm_core.batch.work import Unit
from wfm_core.data.recordings.folder import called_in, recordings_in


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    source = write_recordings(tmp_path_factory.mktemp("many"), 6, samples=100)
    return [Unit(recording, called_in(source, recording)) for recording in recordings_in(source)]


def test_each_is_done_and_failures_are_told(units, tmp_path, capsys):
    work = Tricky(kills=(4,), raises=(1, 2))
    ended = run("test", {}, work, units, tmp_path / "out", Processes(2))
    assert ended.before == 0
    assert ended.names == ["site0/r000.sigmf-meta", "site0/r003.sigmf-meta", "site2/r005.sigmf-meta"]
    assert ended.failures == {
        "site1/r001.sigmf-meta": "site1/r001.sigmf-meta is refused",
        "site2/r002.sigmf-meta": "site2/r002.sigmf-meta: ZeroDivisionError: by nothing",
        "site1/r004.sigmf-meta": "site1/r004.sigmf-meta: the process at work on it ended 3 times, as for lack of "
        "memory; see the system's log",
    }
    lines, last = lines_of(ended.results, "site0/r003.sigmf-meta")
    assert lines == [{"recording": "site0/r003.sigmf-meta", "begun": True}] and last["samples"] == 100
    assert sorted(capsys.readouterr().err.splitlines()) == [f"{name} was seen" for name in ended.names]
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.jsonl")}
    again = run("test", {}, work, units[:1] + units[2:3], tmp_path / "out", Processes(1))
    assert again.before == 1 and times == {path: path.stat().st_mtime_ns for path in times}


def test_one_kill_at_each_recording_costs_none(units, tmp_path):
    (tmp_path / "seen").mkdir()
    ended = run("test", {}, Tricky(kills_once=str(tmp_path / "seen")), units[:3], tmp_path / "out", Processes(2))
    assert ended.failures == {} and len(ended.names) == 3 == len(list((tmp_path / "seen").iterdir()))
    assert not [path for path in (tmp_path / "out").rglob("*") if path.suffix == ".part"]


def test_processes_that_cannot_begin_are_one_sentence(units, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "STARTS", 2)
    with pytest.raises(WfmError, match="2 processes ended before they had loaded the model.*--processes"):
        run("test", {}, Tricky(no_start=True), units, tmp_path / "out", Processes(1))


_PROGRAM = """
import sys, time
from pathlib import Path
sys.path[:0] = [{helpers!r}, {here!r}]
import slow_work
if __name__ == "__main__":
    slow_work.main(Path({out!r}), Path({source!r}))
"""
_SLOW_WORK = """
import time
from dataclasses import dataclass
from batch_parts.many_recordings import NoModel
from wfm_core.batch.processes import Processes
from wfm_core.batch.run import run
from wfm_core.batch.work import Unit
from wfm_core.cli import command
from wfm_core.data.recordings.folder import called_in, recordings_in

@dataclass(frozen=True)
class Slow:
    out: str
    model: NoModel = NoModel()
    def settings(self):
        return {}
    def opened(self):
        return self.do
    def do(self, recording, name, say):
        open(f"{self.out}-begun", "w").close()
        time.sleep(1000)
        yield {}

@command
def run_all(argv):
    out, source = argv
    units = [Unit(recording, called_in(source, recording)) for recording in recordings_in(source)]
    run("test", {}, Slow(str(out)), units, out, Processes(2))

def main(out, source):
    raise SystemExit(run_all([out, source]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, *(pytest.param(n, marks=pytest.mark.slow) for n in (9, 15))])
def test_processes_end_with_the_first_one(units, tmp_path, number):
    (tmp_path / "slow_work.py").write_text(_SLOW_WORK)
    places = {
        "helpers": str(Path(__file__).parents[2] / "helpers"),
        "here": str(tmp_path),
        "out": str(tmp_path / "out"),
    }
    source = units[0].recording.meta_path.parents[1]
    (tmp_path / "program.py").write_text(_PROGRAM.format(**places, source=str(source)))
    program = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        wait_for((tmp_path / "out-begun").exists, 120)
        workers = descendants(program.pid, "spawn_main")
        assert len(workers) == 2
        if number == signal.SIGINT:  # as a terminal sends it
            os.killpg(program.pid, number)
        else:
            program.send_signal(number)
        _, complaints = program.communicate(timeout=60)
        assert program.returncode == (130 if number == signal.SIGINT else -number)
        assert complaints == "" if number == signal.SIGINT else "Traceback" not in complaints
        wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), 30)
    finally:
        program.kill()
        program.communicate()
