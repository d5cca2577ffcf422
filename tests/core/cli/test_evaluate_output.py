# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate where its decisions, or its table, cannot be written: each as a process of its own."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from flowgraph_helpers import noise, random_model, write_recording

WINDOW, WINDOWS = 256, 200
LABELS = ("none", "Störung")


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> list[str]:
    """The command without --json."""
    folder = tmp_path_factory.mktemp("evaluate")
    samples = noise(1, WINDOW * WINDOWS) * np.repeat(np.arange(1, WINDOWS + 1), WINDOW)
    captures = [{"core:sample_start": 0, "core:datetime": "2026-01-01T00:00:00.1Z"}]
    model = random_model(folder / "model", antennas=1, labels=LABELS)
    path = write_recording(folder, samples, captures=captures)
    return [sys.executable, "-m", "wfm_core.cli.evaluate", "--bundle", str(model), "--input", str(path)]


def run(words: list[str], shell: str = '"$@"', **environment) -> subprocess.CompletedProcess:
    command = ["bash", "-o", "pipefail", "-c", shell, "bash", *words]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)


def test_a_full_disk_is_one_sentence_and_the_table_comes_all_the_same(words):
    done = run([*words, "--json", "/dev/full"])
    (said,) = done.stderr.splitlines()
    assert done.returncode == 1 and "were not written to /dev/full (No space left on device)" in said
    assert f"{WINDOWS} windows of {WINDOW} samples inferred" in done.stdout


def test_labels_that_the_terminal_lacks_are_escaped(words, tmp_path):
    path = tmp_path / "d.jsonl"
    done = run([*words, "--json", str(path)], PYTHONIOENCODING="ascii", LANG="C")
    assert (done.returncode, done.stderr) == (0, "") and "St\\xf6rung" in done.stdout
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert set(lines[0]["tasks"]["interference"]["probabilities"]) == set(LABELS)
    for line in lines:
        exact = 0.1 + line["sample_start"] / 1.92e6
        assert line["rx_time"] == [1_767_225_600, pytest.approx(exact, abs=1e-12)]


def test_head_cuts_no_file(words, tmp_path):
    path = tmp_path / "d.jsonl"
    done = run([*words, "--json", str(path)], '"$@" | head -1')
    assert done.returncode in (0, 141) and len(done.stdout.splitlines()) == 1
    assert len(path.read_text().splitlines()) == WINDOWS and done.stderr == ""


@pytest.mark.slow
def test_decisions_for_head_end_quietly(words):
    done = run([*words, "--json", "-", "--batch", "1"], '"$@" | head -2')
    assert done.returncode == 141 and done.stderr == "" and len(done.stdout.splitlines()) == 2


@pytest.mark.slow
def test_a_table_that_cannot_be_printed_is_one_sentence(words):
    done = run(words, '"$@" > /dev/full')
    (said,) = done.stderr.splitlines()
    assert done.returncode == 1 and "No space left on device" in said


@pytest.mark.slow
def test_a_decision_is_in_the_file_when_it_is_made(words, tmp_path):
    path = tmp_path / "d.jsonl"
    os.mkfifo(path)
    with subprocess.Popen([*words, "--json", str(path), "--batch", "1"], stdout=subprocess.PIPE) as program:
        with path.open() as lines:
            assert json.loads(lines.readline())["sample_start"] == 0
            assert program.poll() is None, "it goes on"
            assert len(lines.readlines()) == WINDOWS - 1
        program.communicate()
        assert program.returncode == 0
