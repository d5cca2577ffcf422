# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the table of docs/results.md out of the JSON files that run.py left."""

import json
import sys
from pathlib import Path
from statistics import mean, stdev

from plan import ROWS, Row

REGIMES = ("floor", "lp", "lora", "ft2", "scratch")


def table(out: Path) -> str:
    """Markdown, a line per row and regime: mean and spread of the seeds measured, or 'not measured yet'."""
    lines = ["| data, split | target | regime | figure | seeds | epochs | minutes | command |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    return "\n".join(lines + [_line(row, regime, out) for row in ROWS for regime in REGIMES if _wanted(row, regime)])


def _wanted(row: Row, regime: str) -> bool:
    return any(run.regime == regime for run in row.runs())


def _line(row: Row, regime: str, out: Path) -> str:
    paths = [out / f"{run.name}.json" for run in row.runs() if run.regime == regime]
    found = [json.loads(path.read_text()) for path in paths if path.exists()]
    shown = _mean([f["figure"] for f in found]) if found else "not measured yet"
    epochs = ", ".join(sorted({str(f["epochs"]) for f in found if "epochs" in f}))
    minutes = f"{sum(f['minutes'] for f in found):.1f}"
    command = f"`python benchmarks/results/run.py --only {row.name}-{regime}`"
    head = f"| {row.data}, {row.split} | {row.target} | {regime} | {shown}"
    return f"{head} | {len(found)} of {len(paths)} | {epochs} | {minutes} | {command} |"


def _mean(figures: list[float]) -> str:
    spread = f" +- {stdev(figures):.3f}" if len(figures) > 1 else ""
    return f"{mean(figures):.3f}{spread}"


if __name__ == "__main__":
    print(table(Path(sys.argv[1] if len(sys.argv) > 1 else "out/results")))
