# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a card that are made of figures.json, between marks in README.md."""

import re
from pathlib import Path

from cards.measured import Measured
from cards.plan import Plan, Section
from cards.tables import alike, over_seeds

from wfm_core.base.errors import WfmError
from wfm_core.base.files import write_atomically

CARD = "README.md"
SELF_TEST = "self-test"
HEADINGS = ("Recipe", "Data", "Figures", "Floor", "The field's figures", "Limits", "Self-test")
"""The parts of every card, in this order."""
_END = "<!-- end of figures -->"
_MARKED = re.compile(rf"<!-- figures: ([\w-]+) -->\n(.*?){re.escape(_END)}", re.DOTALL)
_VERSIONS = {"wfm_core": "wfm_core", "torch": "PyTorch"}


def marked_parts(card: str) -> dict[str, str]:
    """What stands between the marks, by name, without empty lines around it."""
    return {name: text.strip("\n") for name, text in _MARKED.findall(card)}


def rendered(model: str, plan: Plan, measured: Measured) -> dict[str, str]:
    """The parts whose figures are in figures.json, of all seeds of the plan, by name."""
    parts = {
        name: _section(model, section, measured, name)
        for name, section in plan.sections.items()
        if set(measured.seeds(name)) >= set(section.seeds or [None])
    }
    return parts | ({SELF_TEST: _self_test(measured.self_test)} if measured.self_test else {})


def write_card(folder: Path, parts: dict[str, str]) -> None:
    """Put the parts into the folder's card; others stay as they are. Raises `WfmError` where a mark is missing."""
    path = folder / CARD
    card = path.read_text(encoding="utf-8")
    for name, text in parts.items():
        begin = f"<!-- figures: {name} -->"
        if not re.search(rf"{re.escape(begin)}\n.*?{re.escape(_END)}", card, re.DOTALL):
            raise WfmError(f"{path} has no place for {name}; write the lines {begin} and {_END} where it belongs")
        card = _MARKED.sub(
            lambda found, name=name, begin=begin, text=text: (
                f"{begin}\n\n{text}\n\n{_END}" if found[1] == name else found[0]
            ),
            card,
        )
    write_atomically(path, lambda file: file.write_text(card, encoding="utf-8"))


def _section(model: str, section: Section, measured: Measured, name: str) -> str:
    """Command, seeds, date and versions, and the tables."""
    runs, tables = measured.sections[name], measured.tables(name)
    chosen = range(len(tables[0])) if section.tables is None else section.tables
    parts, others = [], False
    for number in chosen:
        own = [run[number].chosen(section.columns, section.without) for run in tables if number < len(run)]
        others |= not alike(own)
        heading = f"**{own[0].title}**\n\n" if own[0].title else ""
        parts.append(heading + over_seeds(own).markdown())
    said = [_of_seeds(measured.seeds(name)), _measured(runs)]
    if others:
        said.append("Tables with other rows for each seed are those of the first.")
    return "\n\n".join([f"    {section.shown(model)}", " ".join(filter(None, said)), *parts])


def _of_seeds(seeds: list[int | None]) -> str:
    if seeds == [None]:
        return "It takes no seed: what it draws is alike each time."
    names = [str(seed) for seed in seeds]
    if len(names) == 1:
        return f"One seed, {names[0]}: no spread over seeds is known."
    return f"Mean ± standard deviation over the seeds {', '.join(names[:-1])} and {names[-1]}."


def _measured(runs: list[dict]) -> str:
    days = sorted({run["date"] for run in runs})
    versions = sorted(
        {", ".join(f"{said} {run['versions'][name]}" for name, said in _VERSIONS.items()) for run in runs}
    )
    return f"Measured {' to '.join(dict.fromkeys((days[0], days[-1])))} with {'; '.join(versions)}."


def _self_test(test: dict) -> str:
    rows = "\n".join(f"| `{name}` | {answer} |" for name, answer in test["answers"].items())
    return (
        f"{test['window']} What was loaded and asked again, in float32, differed by {test['difference']:.1g}; at most\n"
        f"{test['limit']:g} is let through. {_measured([test])}\n\n| output | answer |\n|---|---|\n{rows}"
    )
