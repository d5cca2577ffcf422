# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged files of every kind that is loaded: read, or refused in one sentence; no crash, no hang, no traceback.

The long version is slow; `python tests/file_mutator.py FOLDER KIND SEED COUNT` repeats any of its runs.
"""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
KINDS = (
    "bundle", "forged", "contract", "weights", "foundation", "learned", "checkpoint", "tensors", "arrays", "table",
    "dataset", "cache", "metadata", "archive", "wav", "matlab",
    "played", "playedarchive", "playedraw", "collection", "run", "runconfig", "runstatistics",
)  # fmt: skip
QUICK, LONG = 20, 2000
START_SECONDS, CASE_SECONDS = 120, 5


def run(folder: Path, kind: str, seed: int, count: int) -> list[str]:
    """What does not pass."""
    command = [sys.executable, str(TESTS / "file_mutator.py"), str(folder), kind, str(seed), str(count)]
    with open(folder / "said.txt", "w+") as said:
        try:
            done = subprocess.run(
                command, stdout=said, stderr=subprocess.STDOUT, timeout=START_SECONDS + CASE_SECONDS * count
            )
            ending = f"ended with {done.returncode}"
        except subprocess.TimeoutExpired:
            ending = "did not end"
        said.seek(0)
        lines = said.read().splitlines()
    case, bad = "", []
    for line in lines:
        if line.startswith("CASE "):
            case = line
        elif line.startswith("BAD "):
            bad.append(f"{case}: {line}")
    if not lines or not lines[-1].startswith("DONE"):
        bad.append(f"{case}: the process {ending}: {' | '.join(lines[-8:])}")
    return bad


@pytest.mark.parametrize("kind", KINDS)
def test_damaged(tmp_path, kind):
    assert run(tmp_path, kind, 1, QUICK) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged(tmp_path, kind):
    assert run(tmp_path, kind, 2, LONG) == []
