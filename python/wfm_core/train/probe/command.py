# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate --probe: what a foundation's frozen features are worth, beside random weights and other models."""

import argparse
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import Foundation, load_foundation
from wfm_core.bundle.load import choose_device
from wfm_core.model import POOLINGS
from wfm_core.train.probe.contenders import RANDOM, SCRATCH, contenders
from wfm_core.train.probe.plot import draw
from wfm_core.train.probe.results import Results
from wfm_core.train.probe.summary import format_table, format_verdict, summarise, verdict
from wfm_core.train.probe.table import ROWS, fill

SEEDS = (0, 1, 2)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("wfm-evaluate --probe", description=__doc__)
    parser.add_argument("--probe", action="store_true", help="this evaluation rather than that of a recording")
    parser.add_argument("--run", required=True, metavar="FOLDER", help="the foundation")
    parser.add_argument(
        "--compare", action="append", default=[], metavar="NAME=FOLDER", help="another one (as many as you like)"
    )
    parser.add_argument("--tasks", nargs="+", choices=list(ROWS), default=list(ROWS), help="rows (default: all)")
    parser.add_argument(
        "--scratch",
        nargs="?",
        type=float,
        const=1.0,
        default=0.0,
        metavar="EFFORT",
        help="also train the same network on the labels alone; its steps are multiplied by EFFORT (1: 20 CPU minutes)",
    )
    parser.add_argument("--pooling", choices=POOLINGS, default="mean", help="tokens to embedding (default mean)")
    parser.add_argument("--json", metavar="FILE", help="results; those in it already are kept (default: in --out)")
    parser.add_argument("--out", metavar="DIR", help="folder for probe.json, .txt and .png (default: FOLDER/probe)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    return parser.parse_args(argv)


def evaluate(argv: list[str]) -> int:
    """Fill the table, print it, and write it as text and picture."""
    options = parse(argv)
    if not 0 <= options.scratch <= 1000:
        raise WfmError(f"--scratch {options.scratch:g}: an effort of 0 to 1000 is expected, 1 is the usual one")
    device = choose_device(options.device)
    foundation = load_foundation(options.run)
    everyone = contenders(foundation, _others(options.compare, foundation), options.scratch)
    out = Path(options.out) if options.out else Path(options.run) / "probe"
    results = Results(Path(options.json) if options.json else out / "probe.json")
    for folder in (out, results.path.parent):
        _make(folder)
    rows = {name: ROWS[name] for name in options.tasks}
    absent = fill(results, rows, everyone, SEEDS, options.pooling, device)
    summary = summarise(results, options.tasks, everyone, SEEDS, options.pooling)
    won = verdict(summary, foundation.name)
    results.notes = {"foundation": foundation.name, "absent": absent, "verdict": won, "summary": summary}
    results.write()
    text = f"{format_table(summary, absent)}\n\n{format_verdict(won)}\n"
    (out / "probe.txt").write_text(text)
    draw(out / "probe.png", summary)
    print(text, end="")
    return 0


def _others(given: list[str], foundation: Foundation) -> dict[str, Foundation]:
    """NAME=FOLDER options as foundations by name."""
    others = {}
    for option in given:
        name, separator, folder = option.partition("=")
        if not (name and separator and folder):
            raise WfmError(f"--compare {option}: NAME=FOLDER is expected, such as iq=out/run-iq")
        if name in (RANDOM, SCRATCH, foundation.name, *others):
            raise WfmError(f"--compare {option}: the name {name!r} is taken, choose another one")
        others[name] = load_foundation(folder)
    return others


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WfmError(f"cannot make the folder {folder} ({error.strerror}): name another one with --out") from error
