# SPDX-License-Identifier: GPL-3.0-or-later
"""Sinks on a disk that is full, a terminal that cannot say a label, a reader that has left: the flowgraph goes on."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pmt
import pytest
from detections import detection as signal_detection
from flowgraph_helpers import Collector, RuleBundle, noise
from gnuradio import blocks, gr, wfm
from gnuradio.wfm import app
from gnuradio.wfm.ports import messages
from gnuradio.wfm.record.report_digest import DecisionFile
from tmpfs import in_small_folder
from waiting import wait_for

from wfm_core.messages.output import JsonLines

ANSWER = {"label": "none", "index": 0, "score": 0.75, "probabilities": {"none": 0.75, "jam": 0.25}}


def detection(start: int, task: str = "interference", answer=ANSWER, **changes) -> pmt.pmt_base:
    facts = messages.WindowFacts(start, 256, (1_767_225_600, 1e-9 * start), 2.4e9, -20.0, 0.0, False)
    fields = messages.task_dict(messages.facts_dict(facts), answer)
    return messages.detects_pdu(task, fields, answer, False, **changes)


class Running:
    """A decision log in a flowgraph of its own; `say` sends it detections."""

    def __init__(self, *arguments, **parameters):
        self.log, self.speaker, self.top = wfm.decision_log(*arguments, **parameters), Collector(), gr.top_block()
        self.top.msg_connect(self.speaker, "out", self.log, "detects")

    def __enter__(self):
        self.top.start()
        return self

    def __exit__(self, *_):
        self.top.stop()
        self.top.wait()

    def say(self, *found) -> None:
        for one in found:
            self.speaker.say(one)


def lines_of(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_window_is_in_the_file_as_soon_as_its_tasks_are_decided(tmp_path):
    path = tmp_path / "d.jsonl"
    with Running(str(path), quiet=True) as running:
        running.say(detection(0, "a", window_tasks=2))
        wait_for(lambda: running.log.counts["a", "none"] == 1)
        assert path.read_text() == "", "one of two tasks is no whole line"
        running.say(detection(0, "b", window_tasks=2))
        wait_for(lambda: running.log.windows == 1)
        (line,) = lines_of(path)
        assert list(line["tasks"]) == ["a", "b"] and line["sample_start"] == 0
        running.say(detection(256, "a"), detection(256, "b"))  # of a sender that does not say how many
        wait_for(lambda: len(lines_of(path)) == 2)
        assert list(lines_of(path)[1]["tasks"]) == ["a", "b"]
        running.say(detection(512, "a"))
    assert [len(line["tasks"]) for line in lines_of(path)] == [2, 2, 1], "what waits at the end is written"


def test_the_time_in_a_line_is_exact(tmp_path):
    path = tmp_path / "d.jsonl"
    with Running(str(path), quiet=True) as running:
        running.say(*(detection(start, window_tasks=1) for start in range(3)))
        wait_for(lambda: running.log.windows == 3)
    assert [line["rx_time"] for line in lines_of(path)] == [[1_767_225_600, 1e-9 * start] for start in range(3)]


def test_signals_at_once_have_a_line_each_with_their_edges(tmp_path, capsys):
    path = tmp_path / "d.jsonl"
    band = {"freq_lower_edge": 99e6, "freq_upper_edge": 101e6, "snr_db": 12.5}
    with Running(str(path)) as running:
        running.say(signal_detection(0, **band), signal_detection(0, **{**band, "freq_lower_edge": 100e6}))
        wait_for(lambda: running.log.windows >= 1)
    lines = lines_of(path)
    assert [line["freq_lower_edge"] for line in lines] == [99e6, 100e6]
    assert {name: lines[0][name] for name in band} == band
    assert "100.0000 MHz, 2000.0 kHz wide" in capsys.readouterr().out


def test_strange_messages_are_counted_and_named_once(tmp_path, capfd):
    path = tmp_path / "d.jsonl"
    nothing = pmt.cons(pmt.make_dict(), pmt.init_f32vector(1, [1.0]))
    nan = detection(0, answer={**ANSWER, "score": float("nan")})
    with Running(str(path)) as running:
        running.say(pmt.from_long(3), pmt.from_long(4), nothing, nan, pmt.PMT_NIL, detection(7))
        wait_for(lambda: running.log.windows == 1)
    assert running.log.refused == 5 and running.log.failure() == ""
    assert [line["sample_start"] for line in lines_of(path)] == [7]
    assert running.log.summary() == "1 windows decided; interference none: 1; 5 messages ignored"
    said = [line for line in capfd.readouterr().out.splitlines() if "ignored" in line]
    assert len(said) == 3, said  # no PDU, no place, a score that is none


def test_a_full_disk_is_told_once_and_the_stream_goes_on(tmp_path, capfd):
    with Running("/dev/full") as running:
        running.say(*(detection(start, window_tasks=1) for start in range(5)))
        wait_for(lambda: running.log.windows == 5)
    assert running.log.failure() == (
        "decisions after the first 0 lines were not written to /dev/full (No space left on device)"
    )
    out = capfd.readouterr().out
    assert out.count("No space left") == 1 and out.count("interference none") == 5


def test_lines_are_whole_on_a_disk_that_fills(tmp_path):
    in_small_folder(tmp_path, __file__, "fill")


def fill(folder) -> None:
    lines = JsonLines(str(folder / "d.jsonl"))
    wrote = [lines.write({"n": n, "padding": "x" * 1000}) for n in range(2000)]
    lines.close()
    kept = wrote.index(False)
    assert kept > 0 and not any(wrote[kept:]) and "No space left" in lines.failure
    assert [line["n"] for line in lines_of(folder / "d.jsonl")] == list(range(kept))


PROGRAM = """
import sys
from types import SimpleNamespace
from gnuradio.wfm import app
from test_sinks import Running, detection
from waiting import wait_for
ANSWER = {"label": "Störung", "index": 0, "score": 1.0, "probabilities": {}}
with Running(sys.argv[1]) as running:
    for start in range(2000):
        running.say(detection(start, answer=ANSWER, window_tasks=1))
    wait_for(lambda: running.log.windows == 2000)
status = dict.fromkeys(("coverage", "latency_ms_p50", "latency_ms_p95"), 0.0)
status |= dict.fromkeys(("samples_in", "windows_dropped", "windows_flushed", "windows_gated", "windows_invalid"), 0)
model = SimpleNamespace(status=lambda: {**status, "samples_lost": 0, "error": ""})
source = SimpleNamespace(samples_lost=lambda: 0, status=lambda: {}, error=lambda: "")
sys.exit(app.finish(source, model, running.log))
"""


def start(path, shell: str = "exec", **environment) -> subprocess.CompletedProcess:
    """PROGRAM, whose status is the shell's."""
    command = f'{shell} "$0" -c "$1" "$2"' if "|" not in shell else shell
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command, sys.executable, PROGRAM, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_a_label_that_the_terminal_lacks_is_escaped(tmp_path):
    path = tmp_path / "d.jsonl"
    done = start(path, PYTHONIOENCODING="ascii", LANG="C")
    assert (done.returncode, done.stderr) == (0, "")
    assert "St\\xf6rung" in done.stdout and len(lines_of(path)) == 2000
    assert next(iter(lines_of(path)[0]["tasks"].values()))["label"] == "Störung"


def test_head_does_not_cut_the_file(tmp_path):
    path = tmp_path / "d.jsonl"
    done = start(path, '"$0" -c "$1" "$2" | head -2')
    assert len(lines_of(path)) == 2000
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 2
    said = done.stderr.splitlines()
    assert len(said) == 2 and "not all was printed on standard output (Broken pipe)" in said[-1], said


@pytest.mark.slow
def test_lines_for_a_reader_that_left_end_in_one_sentence():
    done = start("-", '"$0" -c "$1" "$2" | head -2')
    assert done.returncode == 1 and "not written to standard output (Broken pipe)" in done.stderr.splitlines()[-1]
    assert all(json.loads(line) for line in done.stdout.splitlines())


def test_a_full_disk_is_one_sentence_and_status_1_at_the_end():
    done = start("/dev/full")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "were not written to /dev/full (No space left on device)" in done.stderr and "Störung: 2000" in done.stdout


def report_run(folder, windows: int = 40):
    """Samples through an inference block into a report in `folder`; returns the report and the status."""
    model, report = wfm.inference(RuleBundle(), channels=2, policy="lossless"), wfm.run_report(str(folder), 2, 1.92e6)
    top = gr.top_block()
    for channel, row in enumerate(noise(2, windows * 256)):
        top.connect(blocks.vector_source_c(row.tolist()), (model, channel), (report, channel))
    top.msg_connect(model, "detects", report, "detects")
    top.run()
    return report, model.status()


def test_a_report_on_a_full_disk_keeps_what_was_there_and_says_so(tmp_path):
    in_small_folder(tmp_path, __file__, "fill_report")


def fill_report(folder) -> None:
    report, status = report_run(folder / "out", windows=700)  # 1.4 MB
    report.finish(status)
    assert status["windows_inferred"] == 700, "the flowgraph has gone on"
    assert "recording.sigmf-data has only the first" in report.failure() and "No space left" in report.failure()
    size = (folder / "out" / "recording.sigmf-data").stat().st_size
    assert size > 500_000 and size % 8 == 0
    metadata = json.loads((folder / "out" / "recording.sigmf-meta").read_text())
    assert metadata["global"]["core:num_channels"] == 2, "it can be read"
    lines_of(folder / "out" / "decisions.jsonl")


def test_a_report_of_no_samples_is_no_traceback(tmp_path):
    report, status = report_run(tmp_path, windows=0)
    report.finish(status)
    assert report.failure() == ""
    assert json.loads((tmp_path / "summary.json").read_text())["windows_judged"] == 0
    assert not (tmp_path / "waterfall.png").exists()


def test_a_report_keeps_nothing_in_memory_and_reads_its_decisions_back(tmp_path):
    report, status = report_run(tmp_path)
    report.finish(status)
    assert report.failure() == ""
    metadata = json.loads((tmp_path / "recording.sigmf-meta").read_text())
    assert [a["core:sample_start"] for a in metadata["annotations"]] == list(range(0, 40 * 256, 256))
    kept = [value for value in vars(report.decisions).values() if hasattr(value, "__len__") and len(value) > 10]
    assert kept == []


def test_the_programs_status_names_every_sink(capsys):
    log, report = SimpleNamespace(failure=lambda: "one"), SimpleNamespace(failure=lambda: "two")
    recorder = SimpleNamespace(counters=lambda: {"failures": 2})
    assert app.exit_status("", log, report, recorder) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "one; two; 2 recordings ended early" in said
    fine = SimpleNamespace(failure=lambda: "")
    assert app.exit_status("", fine, fine, SimpleNamespace(counters=lambda: {"failures": 0})) == 0


def test_decisions_are_read_back_in_the_order_of_their_samples(tmp_path):
    """As of a flowgraph that ran twice, and was killed."""
    path = tmp_path / "decisions.jsonl"
    lines = [
        {"sample_start": n, "sample_count": 2, "rx_time": [7, 0.5], "tasks": {"t": ANSWER}} for n in (0, 2, 4, 0, 2)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"sample_start": 4, "sam')
    found = list(DecisionFile(path))
    assert [one.sample_start for one in found] == [0, 0, 2, 2, 4]
    assert found[0].rx_time == (7, 0.5) and found[0].decision == ANSWER


@pytest.mark.parametrize("name", ["", "no/such/folder/d.jsonl"])
def test_a_file_that_cannot_be_made_is_refused_at_once(tmp_path, name):
    from wfm_core.base.errors import WfmError

    with pytest.raises(WfmError, match="decisions cannot be written to"):
        wfm.decision_log(str(tmp_path / name))


if __name__ == "__main__":
    from pathlib import Path

    globals()[sys.argv[1]](Path(sys.argv[2]))
