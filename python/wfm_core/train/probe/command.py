# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate --probe: what a foundation is worth on small labelled tasks, by labels per class, protocol and regime,
beside random weights, other models, training from scratch and a forest."""

import argparse
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import Foundation, load_foundation
from wfm_core.bundle.load import choose_device
from wfm_core.model import ALL_POOLINGS
from wfm_core.train.probe.contenders import NAMES, USUAL, contenders
from wfm_core.train.probe.learners import FROZEN, REGIMES
from wfm_core.train.probe.markdown import markdown_table
from wfm_core.train.probe.plot import draw
from wfm_core.train.probe.protocols import PROTOCOLS
from wfm_core.train.probe.results import Results
from wfm_core.train.probe.summary import format_table, format_verdict, summarise, verdict
from wfm_core.train.probe.table import ROWS, Plan, fill
from wfm_core.train.probe.tasks import BUDGETS

SEEDS = (0, 1, 2)

PROTOCOL_HELP = """
protocols: `closed set` holds out recordings, every class, person and receiver is on both sides; `other person` (room,
day, receiver, device) holds out one of them after the other; `open set` holds out classes, and its figure is the area
under the ROC curve (AUROC) of known against unknown. Tasks have those that their data allow.

regimes: `frozen` is a linear classifier and `knn` the five nearest neighbours, both on features of the frozen network;
`lp` trains the input side, the final norm and the head, `ft2` the last two blocks as well, `lora` low-rank adapters.

Recipes (penalty, learning rate, noise, steps) are chosen for each fold, contender and regime on a validation part of
the training side; test labels are hidden from everything but the measure. A recipe for 1, 5 and 10 labels per class is
chosen at 5, one for 50% and all at all of them.

Every figure is written to --json when it is there, and is not computed again: a long evaluation can be stopped at any
time and started again with the same options, or with more.
"""


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "wfm-evaluate --probe",
        description=__doc__,
        epilog=PROTOCOL_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--probe", action="store_true", help="this evaluation rather than that of a recording")
    parser.add_argument("--run", required=True, metavar="FOLDER", help="the foundation")
    parser.add_argument(
        "--compare", action="append", default=[], metavar="NAME=FOLDER", help="another one (as many as you like)"
    )
    parser.add_argument("--tasks", nargs="+", choices=list(ROWS), default=list(ROWS), help="rows (default: all)")
    parser.add_argument(
        "--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS, help="see below (default: all of a row's)"
    )
    parser.add_argument(
        "--regimes", nargs="+", choices=REGIMES, default=tuple(FROZEN), help="see below (default: frozen knn)"
    )
    parser.add_argument(
        "--labels",
        nargs="+",
        choices=[str(budget) for budget in BUDGETS],
        default=[str(budget) for budget in BUDGETS],
        help="labels per class (default: 1 5 10 50%% all)",
    )
    parser.add_argument(
        "--scratch",
        nargs="?",
        type=float,
        const=1.0,
        default=0.0,
        metavar="EFFORT",
        help="also train the same network on the labels alone, until its validation loss has stopped falling; EFFORT "
        "multiplies the most steps it may take, 1000",
    )
    parser.add_argument("--forest", action="store_true", help="also a random forest on hand-made features")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), metavar="N", help="how many (default 3)")
    parser.add_argument("--first-seed", type=int, default=0, metavar="N", help="the first of them (default 0)")
    parser.add_argument(
        "--folds", type=int, metavar="N", help="the first N of each protocol (default: all), for a trial"
    )
    parser.add_argument(
        "--pooling",
        choices=(USUAL, *ALL_POOLINGS),
        default=USUAL,
        help="tokens to embedding (default: their mean; of images means and deviations over time)",
    )
    parser.add_argument("--json", metavar="FILE", help="results; those in it already are kept (default: in --out)")
    parser.add_argument("--out", metavar="DIR", help="folder for probe.json, .txt and .png (default: FOLDER/probe)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    return parser.parse_args(argv)


def evaluate(argv: list[str]) -> int:
    """Fill the table, print it, and write it as text and picture."""
    options = parse(argv)
    _check(options)
    plan = Plan(
        seeds=tuple(range(options.first_seed, options.first_seed + options.seeds)),
        pooling=options.pooling,
        device=choose_device(options.device),
        budgets=tuple(budget for budget in BUDGETS if str(budget) in options.labels),
        protocols=tuple(name for name in PROTOCOLS if name in options.protocols),
        folds=options.folds,
    )
    foundation = load_foundation(options.run)
    others = _others(options.compare, foundation)
    regimes = tuple(regime for regime in REGIMES if regime in options.regimes)
    everyone = contenders(foundation, others, regimes, options.scratch, options.forest)
    out = Path(options.out) if options.out else Path(options.run) / "probe"
    results = Results(Path(options.json) if options.json else out / "probe.json")
    for folder in (out, results.path.parent):
        _make(folder)
    absent = fill(results, {name: ROWS[name] for name in options.tasks}, everyone, plan)
    summary = summarise(results, options.tasks, everyone, plan)
    won = verdict(summary, foundation.name)
    results.notes = {"foundation": foundation.name, "absent": absent, "verdict": won, "summary": summary}
    results.write()
    text = f"{format_table(summary, absent)}\n\n{format_verdict(won)}\n"
    (out / "probe.txt").write_text(text)
    (out / "probe.md").write_text(markdown_table(summary))
    draw(out / "probe.png", summary)
    print(text, end="")
    return 0


def _check(options: argparse.Namespace) -> None:
    if not 0 <= options.scratch <= 1000:
        raise WfmError(f"--scratch {options.scratch:g}: an effort of 0 to 1000 is expected, 1 is the usual one")
    if not 0 <= options.first_seed < 1 << 20:
        raise WfmError(f"--first-seed {options.first_seed}: a number of 0 to {(1 << 20) - 1} is expected")
    for name in ("seeds", "folds"):
        value = getattr(options, name)
        if value is not None and not 1 <= value <= 100:
            raise WfmError(f"--{name} {value}: a number of 1 to 100 is expected; leave it out for the usual one")


def _others(given: list[str], foundation: Foundation) -> dict[str, Foundation]:
    """NAME=FOLDER options as foundations by name."""
    others = {}
    for option in given:
        name, separator, folder = option.partition("=")
        if not (name and separator and folder):
            raise WfmError(f"--compare {option}: NAME=FOLDER is expected, such as iq=out/run-iq")
        if name in (*NAMES, foundation.name, *others):
            raise WfmError(f"--compare {option}: the name {name!r} is taken, choose another one")
        others[name] = load_foundation(folder)
    return others


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WfmError(f"cannot make the folder {folder} ({error.strerror}): name another one with --out") from error
