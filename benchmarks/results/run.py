# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure docs/results.md: every run of the plan that has no JSON in --out yet. Stop and start it as you like."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from data import build
from floor import floor
from plan import EPOCHS, RUNS, Run

from wfm_core.base.files import write_atomically
from wfm_core.data.dataset import open_dataset
from wfm_core.data.splits import make_split

TEST_SHARE = 0.25
REALDATA = Path(os.environ.get("WFM_REALDATA", "../shared/realdata"))


def measure(run: Run, realdata: Path, out: Path, epochs: int = EPOCHS, init: str = "wfm-small") -> dict:
    """The figures of `run`, from `out`/NAME.json where it was measured before."""
    cached = out / f"{run.name}.json"
    if cached.exists():
        return json.loads(cached.read_text())
    out.mkdir(parents=True, exist_ok=True)
    data = build(run.row.data, realdata, out / f"{run.row.data}.h5")
    started = time.monotonic()
    figures = _floor(run, data) if run.regime == "floor" else _finetuned(run, data, out / run.name, epochs, init)
    figures |= {"run": run.name, "minutes": round((time.monotonic() - started) / 60, 2)}
    write_atomically(cached, lambda path: path.write_text(json.dumps(figures, indent=1)))
    return figures


def _floor(run: Run, data: Path) -> dict:
    dataset = open_dataset(data)
    split = make_split(dataset.label, dataset.groups, run.row.split, run.seed, TEST_SHARE, dataset.labels)
    return {"figure": floor(dataset, split, run.seed), "split": split.description}


def _finetuned(run: Run, data: Path, folder: Path, epochs: int, init: str) -> dict:
    command = [sys.executable, "-m", "wfm_core.cli.finetune", "--out", str(folder)]
    if (folder / "checkpoints" / "last.ckpt").exists():
        command.append("--resume")
    else:
        command += ["--data", str(data), "--init", init, "--regime", run.regime, "--split", run.row.split]
        command += ["--seed", str(run.seed), f"epochs={epochs}", f"test_share={TEST_SHARE}", *run.overrides]
    subprocess.run(command, check=True)
    figures = json.loads((folder / "figures.json").read_text())
    key = "mean_m" if figures["kind"] == "position" else "mean_class_accuracy"
    return {"figure": figures[key], "split": figures["split"], "epochs": epochs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/results"))
    parser.add_argument("--only", default="", help="runs whose name holds this, such as floor or har-lp")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--init", default="wfm-small", help="the foundation to start from")
    arguments = parser.parse_args()
    for run in (run for run in RUNS if arguments.only in run.name):
        figures = measure(run, REALDATA, arguments.out, arguments.epochs, arguments.init)
        print(f"{run.name} {figures['figure']:.4f} ({figures['minutes']} min)", flush=True)


if __name__ == "__main__":
    main()
