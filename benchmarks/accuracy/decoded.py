# SPDX-License-Identifier: GPL-3.0-or-later
"""Which receivers that others wrote read the signals we generate: the table of docs/signals.md.

    python benchmarks/accuracy/decoded.py                    # all of tests/core/synth/decoded: a few minutes
    python benchmarks/accuracy/decoded.py -k dump1090        # some of them, chosen as pytest does
    python benchmarks/accuracy/decoded.py --log decoded.txt  # of a run's output that was kept

It runs the slow tests there, and collects what they print. Those whose receiver is not installed are named on stderr.
"""

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"decoded: ([\w-]+)/(.+) by (.+): (\d+) of (\d+)$", re.MULTILINE)
SKIPPED = re.compile(r"^SKIPPED .*?: (.*)$", re.MULTILINE)
HEAD = "| class | kinds | receiver | sent | decoded |\n|---|---|---|---:|---:|"


@dataclass
class Row:
    kinds: list[str] = field(default_factory=list)
    sent: int = 0
    decoded: int = 0


def table(said: str) -> str:
    """Markdown of the lines `decoded: class/kind by receiver: n of m`, a row for each class and receiver."""
    rows: dict[tuple[str, str], Row] = {}
    for label, kind, receiver, decoded, sent in LINE.findall(said):
        row = rows.setdefault((label, receiver), Row())
        row.kinds.append(kind)
        row.decoded += int(decoded)
        row.sent += int(sent)
    lines = [
        f"| {label} | {', '.join(row.kinds)} | {receiver} | {row.sent} | {row.decoded} |"
        for (label, receiver), row in sorted(rows.items())
    ]
    return "\n".join([HEAD, *lines])


def run(chosen: str | None) -> tuple[int, str]:
    """pytest's exit status (5: nothing was chosen) and what the tests print."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-rs", "-m", "slow", "tests/core/synth/decoded"]
    command += ["-k", chosen] if chosen else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", metavar="EXPRESSION", help="the tests to run, as pytest's option of this name")
    parser.add_argument("--log", type=Path, help="what a run has printed, instead of a run")
    options = parser.parse_args()
    status, said = (0, options.log.read_text()) if options.log else run(options.k)
    print(table(said))
    for reason in sorted(set(SKIPPED.findall(said))):
        print(f"skipped: {reason}", file=sys.stderr)
    if status not in (0, 5):
        print(f"pytest ended with {status}:\n{said[-3000:]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
