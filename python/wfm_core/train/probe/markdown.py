# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the probe in Markdown, as cards and docs/results.md have it."""

from wfm_core.train.probe.contenders import FROM_SCRATCH, HAND
from wfm_core.train.probe.learners import TITLES
from wfm_core.train.probe.tasks import BUDGETS

TIE = 5e-4
"""Figures (fractions) that are printed alike count as equal."""


def markdown_table(summary: list[dict]) -> str:
    """Rows of tasks and protocols, a column per label budget, in %: mean and spread (where it is not 0) over the seeds.

    `summary` is of `wfm_core.train.probe.summary.summarise`. The best of each task's column is in bold.
    """
    budgets = [budget for budget in BUDGETS if any(line["budget"] == budget for line in summary)]
    text = [_row("", "labels per class", *map(str, budgets)), "|---" * (2 + len(budgets)) + "|"]
    for task, protocol in dict.fromkeys((line["task"], line["protocol"]) for line in summary):
        lines = [line for line in summary if (line["task"], line["protocol"]) == (task, protocol)]
        title = f"{task} ({lines[0]['classes']}, {protocol})"
        for contender, regime in dict.fromkeys((line["contender"], line["regime"]) for line in lines):
            cells = [_cell(lines, contender, regime, budget) for budget in budgets]
            text.append(_row(title, _who(contender, regime), *cells))
            title = ""
    return "\n".join(text) + "\n"


def _who(contender: str, regime: str) -> str:
    return contender if contender in (FROM_SCRATCH, HAND) else f"{contender}: {TITLES[regime]}"


def _cell(lines: list[dict], contender: str, regime: str, budget: int | str) -> str:
    figures = {(line["contender"], line["regime"]): line for line in lines if line["budget"] == budget}
    line = figures.get((contender, regime))
    if line is None:
        return "-"
    spread = f" +- {100 * line['spread']:.1f}" if line["spread"] >= TIE else ""
    best = max(other["mean"] for other in figures.values()) - line["mean"] < TIE
    return f"**{100 * line['mean']:.1f}{spread}**" if best else f"{100 * line['mean']:.1f}{spread}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
