# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a shipped model by the commands in its card.yaml, and write the figures into its card.

    WFM_REALDATA=... .venv/bin/python benchmarks/card.py wfm-fingerprint
    .venv/bin/python benchmarks/card.py wfm-fingerprint --only generated --seed 7 --check

The programs that card.yaml names run once for each seed; the tables that they print go into figures.json beside the
card, and from there into the marked parts of README.md: mean and standard deviation over the seeds. A section whose
recordings are not here is skipped, and its figures stay. Runs are kept when a later one fails or is stopped; a section
is written into the card when it has all seeds of card.yaml, and --missing goes on with those that it lacks.

--check measures one seed that is not among those of the card, writes nothing, and compares each figure with the
prediction interval of the stored ones; its exit status is 1 where more are outside than chance explains.
"""

import argparse
import sys
from pathlib import Path

from cards.answers import self_test_of
from cards.measured import Measured, weights_of
from cards.plan import Plan, Section, read_plan
from cards.rendered import CARD, SELF_TEST, rendered, write_card
from cards.runs import ROOT, absent, conditions, named, run
from cards.tables import PrintedTable
from cards.verdict import compare

from wfm_core.base.errors import WfmError


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a name in models/, or a model folder with README.md and card.yaml")
    parser.add_argument("--only", nargs="+", metavar="SECTION", help="sections of card.yaml (default: all)")
    parser.add_argument("--seed", type=int, help="one more run with this seed, beside those that are stored")
    parser.add_argument("--missing", action="store_true", help="only what is not stored of this model's weights yet")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--check", action="store_true", help="write nothing; do a new run's figures lie within the spread?"
    )
    mode.add_argument("--render", action="store_true", help="measure nothing; write the card from figures.json")
    return parser.parse_args()


def main() -> int:
    options = parse()
    try:
        folder = _folder(options.model)
        plan, measured = read_plan(folder), Measured(folder)
        names = _names(plan, options.only)
        if options.check:
            return check(folder, {name: plan.sections[name] for name in names}, measured, options.seed)
        if not options.render:
            measure(folder, plan, names, measured, options)
        write_card(folder, rendered(named(folder), plan, measured))
    except WfmError as error:
        print(f"card.py: {error}", file=sys.stderr)
        return 1
    print(folder / CARD)
    return 0


def measure(folder: Path, plan: Plan, names: list[str], measured: Measured, options: argparse.Namespace) -> None:
    """Run what is asked for, and write figures.json after each run."""
    measured.keep(list(plan.sections))
    now = conditions(folder)
    if not options.only or SELF_TEST in options.only:
        measured.self_test = {**self_test_of(folder), **now}
        measured.write()
    for name in names:
        section = plan.sections[name]
        if reason := absent(section):
            print(f"{name}: skipped, its figures stay as they are: {reason}", file=sys.stderr)
            continue
        for seed in _seeds(section, options.seed):
            if options.missing and measured.has(name, seed, section.shown(named(folder)), now["weights_sha256"]):
                continue
            said = "" if seed is None else f", seed {seed}"
            print(f"{name}: {section.shown(named(folder))}{said}", file=sys.stderr)
            measured.add(name, run(folder, section, seed, pictures=seed in (section.seeds[:1] or [None])))
            measured.write()


def check(folder: Path, sections: dict[str, Section], measured: Measured, seed: int | None) -> int:
    """Run each section with one seed more; the exit status."""
    good, weights = True, weights_of(folder)
    for name, section in sections.items():
        known = measured.seeds(name)
        now = all(measured.has(name, one, section.shown(named(folder)), weights) for one in known)
        if reason := absent(section) or _not_to_be_checked(section, known, now):
            print(f"{name}: not checked: {reason}")
            continue
        asked = None if not section.seeds else 2 * known[-1] - known[-2] if seed is None else seed
        fresh = [PrintedTable(**table) for table in run(folder, section, asked)["tables"]]
        verdict = compare(measured.tables(name), fresh)
        said = f"{len(verdict.outside)} of {verdict.asked} figures are outside the stated spread"
        whose = name if asked is None else f"{name}, seed {asked}"
        print(f"{whose}: {said}; chance explains up to {verdict.allowed}", *verdict.outside, sep="\n  ")
        good &= verdict.good
    return 0 if good else 1


def _not_to_be_checked(section: Section, known: list[int | None], now: bool) -> str:
    """Why the stored figures state no spread; empty where they do."""
    if not known or not now:
        return "no figures of these weights by this command are stored; run it without --check"
    if section.seeds and len(known) == 1:
        return "one seed is stored, which states no spread; add one with --seed"
    return ""


def _folder(name: str) -> Path:
    """A model's folder, whole. Raises `WfmError`."""
    for folder in (ROOT / "models" / name, Path(name)):
        if (folder / CARD).is_file():
            return folder.resolve()
    there = ", ".join(sorted(path.parent.name for path in (ROOT / "models").glob(f"*/{CARD}")))
    raise WfmError(f"{name} is no folder with {CARD}; expected one, or a name in models/: {there}")


def _names(plan: Plan, only: list[str] | None) -> list[str]:
    for name in only or []:
        if name not in plan.sections and name != SELF_TEST:
            raise WfmError(f"--only {name}: expected one of {', '.join([*plan.sections, SELF_TEST])}")
    return [name for name in plan.sections if not only or name in only]


def _seeds(section: Section, seed: int | None) -> list[int | None]:
    """A section without seeds is measured as it is, whichever seed is asked for."""
    if not section.seeds:
        return [None]
    return list(section.seeds) if seed is None else [seed]


if __name__ == "__main__":
    sys.exit(main())
