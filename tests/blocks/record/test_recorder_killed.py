# SPDX-License-Identifier: GPL-3.0-or-later
"""A recorder that is killed leaves only valid recordings, and loses at most the last second; the next one tidies up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("recorder_killed.py")


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_sigkill_at_random_moments(kills):
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(kills), str(kills)], capture_output=True, text=True, timeout=60 + 20 * kills
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(found) == kills
    assert max(kill["lost_ms"] for kill in found) < 1000
    assert not any(kill["left"] for kill in found)
    assert sum(kill["files"] for kill in found) > kills and sum(kill["events"] for kill in found) > 0
