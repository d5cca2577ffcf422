# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that try generated cases, each run in a process of its own: what they say of the cases that do not pass."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HELPERS = str(HERE.parent / "helpers")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [HELPERS, os.environ.get("PYTHONPATH")]))}
START_SECONDS, CASE_SECONDS = 120, 5


def run_cases(folder: Path, count: int, program: str, *arguments) -> list[str]:
    """What does not pass of `count` cases of `program ARGUMENTS`, which prints CASE, BAD, and DONE at its end."""
    command = [sys.executable, str(HERE / program), *map(str, arguments)]
    with open(folder / "said.txt", "w+", errors="replace") as said:
        limit = START_SECONDS + CASE_SECONDS * count
        try:
            done = subprocess.run(
                command, stdout=said, stderr=subprocess.STDOUT, timeout=limit, cwd=HERE, env=ENVIRONMENT
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
