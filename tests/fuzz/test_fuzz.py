# SPDX-License-Identifier: GPL-3.0-or-later
"""`make fuzz`: rounds with seeds that are printed; what fails is named, kept, and the end is 1."""

import subprocess
import sys
from pathlib import Path

import fuzz
import pytest

TESTS = Path(__file__).parent


def fuzz_command(*arguments):
    command = [sys.executable, str(TESTS / "fuzz.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_a_round_of_files_and_one_of_messages(tmp_path):
    names = ("learned", "event_tracker-detects")
    done = fuzz_command(0.03, "--only", *names, "--count", 10, "--seed", 3, "--keep", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 3, 10 cases" in done.stdout and done.stdout.splitlines()[-1].endswith("nothing found")


def test_what_fails_is_named_and_kept(tmp_path, monkeypatch, capsys):
    def found(folder, kind, seed, count):
        return ["CASE 4: BAD a traceback"]

    monkeypatch.setattr(fuzz, "run", found)
    monkeypatch.setattr(fuzz, "message_ports", list)
    assert fuzz.main(["1", "--only", "contract", "--seed", "11", "--keep", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "FOUND in contract, seed 11: CASE 4" in said and str(tmp_path / "contract-11") in said
    kept = tmp_path / "contract-11"
    assert (kept / "found.txt").read_text() == "CASE 4: BAD a traceback\n"
    damaged = (kept / "m" / "contract.yaml").read_bytes()
    assert damaged and (kept / "m" / "weights.safetensors").exists(), "the file of the case, with what it needs"


@pytest.mark.parametrize("code", ["raise AssertionError('answers no more')", "import os; os.abort()"])
def test_a_port_that_fails_is_found(tmp_path, monkeypatch, code):
    monkeypatch.setattr(fuzz, "MESSAGES_ROUND", code)
    (found,) = fuzz.fuzz_messages(tmp_path, "x", 1, 1)
    assert found.startswith("ended with ")


def test_a_port_that_hangs_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "MESSAGES_ROUND", "import time; time.sleep(60)")
    monkeypatch.setattr(fuzz, "MESSAGES_SECONDS", 0.5)
    assert fuzz.fuzz_messages(tmp_path, "x", 1, 1) == ["did not end within 0.5 s"]
