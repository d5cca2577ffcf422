# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the table of docs/results.md out of the JSON files that run.py left."""

import json
import sys
from pathlib import Path
from statistics import mean, stdev

from plan import ROWS, Row

REGIMES = ("floor", "lp", "lora", "ft2", "scratch")


def table(out: Path) -> str:
    """Markdown, a line per row, a column per regime: mean and spread of the seeds measured, or 'not measured yet'."""
    lines = [f"| row | data | split | expected | {' | '.join(REGIMES)} | minutes |"]
    lines.append("|---" * (len(REGIMES) + 5) + "|")
    return "\n".join(lines + [_line(row, out) for row in ROWS])


def _line(row: Row, out: Path) -> str:
    cells, minutes = [], 0.0
    for regime in REGIMES:
        paths = [out / f"{run.name}.json" for run in row.runs() if run.regime == regime]
        found = [json.loads(path.read_text()) for path in paths if path.exists()]
        minutes += sum(f["minutes"] for f in found)
        cells.append(_cell([f["figure"] for f in found], len(paths)))
    return f"| {row.name} | {row.data} | {row.split} | {row.target} | {' | '.join(cells)} | {minutes:.1f} |"


def _cell(figures: list[float], seeds: int) -> str:
    """Such as "0.883 +- 0.032 (3)", and "1 of 3" in the brackets while seeds are missing; "" for what is no run."""
    if not seeds:
        return ""
    if not figures:
        return "not measured yet"
    return f"{_mean(figures)} ({seeds if len(figures) == seeds else f'{len(figures)} of {seeds}'})"


def _mean(figures: list[float]) -> str:
    spread = f" +- {stdev(figures):.3f}" if len(figures) > 1 else ""
    return f"{mean(figures):.3f}{spread}"


if __name__ == "__main__":
    print(table(Path(sys.argv[1] if len(sys.argv) > 1 else "out/results")))
