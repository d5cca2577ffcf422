# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets and logs of CSI from anybody: decoded to finite values, or refused; no crash, in C neither.

`python tests/fuzz/fuzz.py --only csi-FORMAT --seed N --count N` repeats a run.
"""

from pathlib import Path

import pytest
from case_runner import run_cases
from csi_packets import NEEDS_CSIREAD

from wfm_core.data.recordings.csi.formats import FORMATS

QUICK, LONG = 400, 10_000
"""Cases of each format."""


def run(folder: Path, format: str, seed: int, count: int) -> list[str]:
    """What does not pass."""
    return run_cases(folder, count, "strange_csi.py", folder, format, seed, count)


def test_strange_packets_of_csi(tmp_path):
    pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    assert run(tmp_path, ",".join(FORMATS), 1, QUICK) == []


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_many_strange_packets_of_csi(tmp_path, format):
    pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    assert run(tmp_path, format, 2, LONG) == []
