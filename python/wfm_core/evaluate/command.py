# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate --data: a task's figures on a labelled data set; wfm-evaluate --table: results beside the published."""

import argparse
import json
import sys
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import write_atomically
from wfm_core.bundle import load_bundle
from wfm_core.data.dataset import open_dataset
from wfm_core.evaluate.evaluation import SPLIT, choose_task, evaluate, part_of_run, whole
from wfm_core.evaluate.table import find_runs, read_row, render

SIDES = ("test", "validation", "train", "all")


def evaluate_data(argv: list[str]) -> int:
    """`wfm-evaluate --data`; returns the exit status."""
    parser = argparse.ArgumentParser("wfm-evaluate", description="Evaluate a bundle or run on a labelled data set.")
    parser.add_argument("--data", required=True, metavar="FILE.h5", help="data set (wfm-dataset build makes one)")
    parser.add_argument("--bundle", help="name or path of the bundle")
    parser.add_argument("--run", type=Path, help="folder of a run: its model, unless --bundle is given, and its split")
    parser.add_argument("--split", choices=SIDES, help="which windows (with --run: test; without: all)")
    parser.add_argument("--task", help="of a bundle with several tasks (default: the data set's)")
    parser.add_argument("--json", metavar="FILE", help="write the figures (- is stdout)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write the pictures into it")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--dtype", default="auto", help="auto, fp32, bf16 or int8")
    parser.add_argument("--engine", default="auto", help="auto, torchscript or openvino")
    options = parser.parse_args(argv)
    if options.bundle is None and options.run is None:
        parser.error("--bundle or --run is needed")
    if options.run is None and options.split not in (None, "all"):
        raise WfmError(f"--split {options.split} without a run; give the folder that has {SPLIT} with --run")
    run = None if options.run is None else _folder(options.run)
    dataset = open_dataset(options.data)
    side = options.split or ("all" if run is None else "test")
    part = whole(dataset) if side == "all" else part_of_run(dataset, run, side)
    bundle = load_bundle(options.bundle or run, device=options.device, dtype=options.dtype, engine=options.engine)
    figures = evaluate(bundle, dataset, part, choose_task(bundle, dataset, options.task), options.out)
    if options.json:  # first: the text's reader may have enough of it
        _write(options.json, json.dumps(figures, indent=1))
    # With the figures on stdout the text would spoil them.
    print(_text(figures), file=sys.stderr if options.json == "-" else sys.stdout)
    return 0


def print_table(argv: list[str]) -> int:
    """`wfm-evaluate --table`; returns the exit status."""
    parser = argparse.ArgumentParser("wfm-evaluate", description="Our results beside the published ones.")
    parser.add_argument("--table", nargs="*", type=Path, metavar="RUN", help="run folders (default: those under runs/)")
    options = parser.parse_args(argv)
    rows = [read_row(folder) for folder in options.table or find_runs(Path("runs"))]
    print(render(rows))
    if not rows:
        print("wfm-evaluate: no finished run under runs/; name run folders: --table RUN", file=sys.stderr)
    return 0


def _folder(run: Path) -> Path:
    """The run, as a path that is not taken for a bundle's name."""
    if not run.is_dir():
        raise WfmError(f"{run} is not a folder; give the folder of a run of wfm-finetune")
    return run.resolve()


def _write(name: str, text: str) -> None:
    if name == "-":
        print(text)
        return
    try:
        write_atomically(Path(name), lambda path: path.write_text(text))
    except OSError as error:
        raise WfmError(f"cannot write {name} ({error.strerror}): name another file with --json") from error


def _text(figures: dict) -> str:
    count, file = figures["windows"]["test"], figures["data"]["file"]
    lines = [
        f"{figures['task']} of {figures['bundle']} on {count} windows of {file}",
        f"split: {figures['split']}",
    ]
    for name, value in figures.items():
        if not isinstance(value, float):
            continue
        interval = figures.get(f"{name}_interval")
        said = "" if interval is None else f"  (95 %: {interval[0]:.3f} to {interval[1]:.3f})"
        lines.append(f"  {name.replace('_', ' ')}: {value:.3f}{said}")
    for label, share in (figures.get("per_class") or figures.get("per_class_iou", {})).items():
        lines.append(f"    {label}: {share:.3f}")
    for snr_db, share in figures.get("accuracy_by_snr_db", {}).items():
        lines.append(f"    {snr_db} dB: {share:.3f}")
    return "\n".join(lines)
