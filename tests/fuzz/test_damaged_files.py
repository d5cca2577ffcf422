# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged files of every kind that is loaded: read, or refused in one sentence; no crash, no hang, no traceback.

The long version is slow; `python tests/fuzz/fuzz.py --only KIND --seed N --count N` repeats any of its runs.
"""

from pathlib import Path

import pytest
from case_runner import run_cases

KINDS = (
    "bundle", "forged", "contract", "weights", "foundation", "learned", "surveyed", "checkpoint", "tensors", "arrays",
    "table", "pickled", "dataset", "unlabelled", "metadata", "archive", "wav", "matlab",
    "played", "playedarchive", "playedraw", "collection", "run", "runconfig", "runstatistics",
)  # fmt: skip
QUICK, LONG = 20, 2000


def run(folder: Path, kind: str, seed: int, count: int) -> list[str]:
    """What does not pass."""
    return run_cases(folder, count, "file_mutator.py", folder, kind, seed, count)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged(tmp_path, kind):
    assert run(tmp_path, kind, 1, QUICK) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged(tmp_path, kind):
    assert run(tmp_path, kind, 2, LONG) == []
