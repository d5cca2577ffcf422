# SPDX-License-Identifier: GPL-3.0-or-later
"""examples/live_interference.py as a user starts it, without a display."""

import json
import os
import subprocess
import sys
from pathlib import Path

from flowgraph_helpers import noise, random_model, write_recording

from wfm_core.data.recordings.recording import open_recording

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "examples" / "live_interference.py"
WINDOW = 4096
SUMMARY_KEYS = {
    "intd_accuracy", "intc_accuracy", "sample_rate", "antennas", "policy", "coverage", "windows_in", "windows_inferred",
    "windows_undecided", "windows_dropped", "windows_flushed", "samples_in", "samples_lost", "latency_ms_p50",
    "latency_ms_p95",
}  # fmt: skip


def start(*arguments: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment["SOAPY_SDR_ROOT"] = "/nonexistent"  # UHD may ask SoapySDR, whose modules for sound cards say much
    command = [sys.executable, str(PROGRAM), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


def test_a_recording_runs_to_its_end_and_leaves_a_report(tmp_path):
    model = random_model(tmp_path / "model", samples=WINDOW)
    path = write_recording(tmp_path, noise(2, 20 * WINDOW + 7), "ci16_le")
    out, lines = tmp_path / "out", tmp_path / "decisions.jsonl"
    options = ["--source", f"file:{path}", "--bundle", str(model), "--hop", "4096"]
    done = start(*options, "--json", str(lines), "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert sum("interference" in line and "dBFS" in line for line in done.stdout.splitlines()) == 20
    decisions = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [d["sample_start"] for d in decisions] == list(range(0, 20 * WINDOW, WINDOW))
    assert all(d["sample_count"] == WINDOW and d["rx_freq"] == 1.8e9 for d in decisions)
    assert all(abs(sum(d["tasks"]["interference"]["probabilities"].values()) - 1) < 1e-3 for d in decisions)
    assert (out / "decisions.jsonl").read_text() == lines.read_text()

    summary = json.loads((out / "summary.json").read_text())
    assert set(summary) >= SUMMARY_KEYS
    assert (summary["policy"], summary["windows_inferred"], summary["samples_in"]) == ("lossless", 20, 20 * WINDOW + 7)
    assert summary["intd_accuracy"] is None, "nobody knows the truth of a recording"

    recorded, sent = open_recording(out / "recording.sigmf-meta"), open_recording(path)
    assert (recorded.datatype, recorded.channels, recorded.samples) == ("ci16_le", 2, sent.samples)
    assert abs(recorded.read(0, sent.samples) - sent.read(0, sent.samples)).max() < 1e-4
    assert len(recorded.annotations) == 20
    assert (out / "waterfall.png").read_bytes().startswith(b"\x89PNG")


def test_live_and_wfm_evaluate_decide_alike_on_the_installed_recording(tmp_path):
    """The shipped model: same windows; same labels unless the two best scores are close; scores within 0.01."""
    recording, model = ROOT / "examples" / "data" / "lte_dsss.sigmf-meta", ROOT / "models" / "wfm-interference"
    live, offline = tmp_path / "live.jsonl", tmp_path / "offline.jsonl"
    done = start("--source", f"file:{recording}", "--bundle", str(model), "--json", str(live))
    assert done.returncode == 0, done.stderr
    options = ["--bundle", str(model), "--input", str(recording), "--antennas", "2", "--json", str(offline)]
    command = [sys.executable, "-m", "wfm_core.cli.evaluate", *options]
    evaluated = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert evaluated.returncode == 0, evaluated.stderr

    pairs = [[json.loads(line) for line in path.read_text().splitlines()] for path in (live, offline)]
    assert [d["sample_start"] for d in pairs[0]] == [d["sample_start"] for d in pairs[1]]
    answers = [(a["tasks"]["interference"], b["tasks"]["interference"]) for a, b in zip(*pairs, strict=True)]
    assert {a["label"] for a, _ in answers} == {"none", "dsss-bpsk", "dsss-qpsk"}
    for a, b in answers:
        best, second = sorted(b["probabilities"].values(), reverse=True)[:2]
        assert a["label"] == b["label"] or best - second <= 0.02
        assert all(abs(a["probabilities"][label] - p) <= 0.01 for label, p in b["probabilities"].items())


def test_a_full_disk_costs_the_lines_and_nothing_else(tmp_path):
    model = random_model(tmp_path / "model", samples=WINDOW)
    path = write_recording(tmp_path, noise(2, 20 * WINDOW))
    out = tmp_path / "out"
    done = start("--source", f"file:{path}", "--bundle", str(model), "--json", "/dev/full", "--out", str(out))
    sentence = "decisions after the first 0 lines were not written to /dev/full (No space left on device)"
    assert (done.returncode, done.stderr) == (1, f"live_interference.py: {sentence}\n")
    assert open_recording(out / "recording.sigmf-meta").samples == 20 * WINDOW
    assert len((out / "decisions.jsonl").read_text().splitlines()) == 20


def test_no_usrp_is_one_sentence_and_exit_status_1(tmp_path):
    model = random_model(tmp_path / "model", samples=WINDOW)
    done = start("--source", "uhd:serial=nobody", "--bundle", str(model))
    assert done.returncode == 1
    sentence = "no USRP with 'serial=nobody' found: attach one, or use --source sim or file:PATH"
    assert done.stderr == f"live_interference.py: {sentence}\n"


def test_an_unknown_option_is_wrong_use():
    assert start("--no-such-option").returncode == 2
