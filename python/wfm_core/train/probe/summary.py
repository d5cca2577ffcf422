# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the probe: mean and spread over the seeds, as text, and whether pretraining won."""

import numpy as np

from wfm_core.train.probe.contenders import FROM_SCRATCH, HAND, RANDOM, Contender
from wfm_core.train.probe.learners import FOREST, FROZEN, TITLES
from wfm_core.train.probe.measures import ACCURACY, AUROC
from wfm_core.train.probe.networks import SCRATCH
from wfm_core.train.probe.protocols import OPEN
from wfm_core.train.probe.results import Results
from wfm_core.train.probe.table import Plan
from wfm_core.train.probe.tasks import BUDGETS

CELL = ("task", "protocol", "budget", "contender", "regime")
"""What makes a line of the summary."""


def summarise(results: Results, tasks: list[str], everyone: list[Contender], plan: Plan) -> list[dict]:
    """A line per task, protocol, budget, contender and regime, from the cells of the plan's seeds.

    `folds`: the mean over the seeds of each; `seeds`: the mean over the folds of each; `mean` and `spread` (standard
    deviation) are over the latter. A line that lacks cells is left out; `recipes` are those chosen in its folds.
    """
    lines = []
    for task in tasks:
        for protocol in plan.protocols:
            for contender in everyone:
                for regime in contender.regimes:
                    for budget in plan.budgets:
                        given = dict(zip(CELL, (task, protocol, budget, contender.name, regime), strict=True))
                        lines += _line(results, given, contender, plan)
    return lines


def _line(results: Results, given: dict, contender: Contender, plan: Plan) -> list[dict]:
    key = {name: given[name] for name in ("task", "protocol", "budget", "regime")}
    key |= {"weights": contender.weights, "pooling": plan.pooling}
    cells = [cell for cell in results.cells.values() if key.items() <= cell.items() and cell["seed"] in plan.seeds]
    folds = list(dict.fromkeys(cell["fold"] for cell in cells))[: plan.folds]
    figures = {(cell["fold"], cell["seed"]): cell["figure"] for cell in cells}
    wanted = [[(fold, seed) for seed in plan.seeds] for fold in folds]
    if not cells or any(one not in figures for fold in wanted for one in fold):
        return []
    values = np.array([[figures[one] for one in fold] for fold in wanted])
    by_seed = values.mean(0)
    recipes = {cell["fold"]: cell["recipe"] for cell in cells}
    return [
        given
        | {"mean": float(by_seed.mean()), "spread": float(by_seed.std()), "seeds": by_seed.tolist()}
        | {"folds": dict(zip(folds, values.mean(1).tolist(), strict=True)), "subsets": cells[0]["subsets"]}
        | {"classes": cells[0]["classes"], "measure": measure(given["protocol"]), "recipes": recipes}
    ]


def measure(protocol: str) -> str:
    return AUROC if protocol == OPEN else ACCURACY


def format_table(summary: list[dict], absent: dict[str, str]) -> str:
    """Figures in % per task and protocol, a column per label budget."""
    names = sorted({line["contender"] for line in summary}, key=len)
    width = max([len(name) for name in names] + [len("absent")])
    deep = max(map(len, TITLES.values()))
    text = []
    for task, protocol in dict.fromkeys((line["task"], line["protocol"]) for line in summary):
        lines = [line for line in summary if (line["task"], line["protocol"]) == (task, protocol)]
        budgets = [budget for budget in BUDGETS if any(line["budget"] == budget for line in lines)]
        text.append(f"{task}, {protocol}: {measure(protocol)} (%), {len(lines[0]['seeds'])} seeds, {_folds(lines[0])}")
        text.append(f"  {'labels per class':{width + deep + 2}}" + "".join(f"{budget!s:>14}" for budget in budgets))
        for contender, regime in dict.fromkeys((line["contender"], line["regime"]) for line in lines):
            row = [_find(lines, task, protocol, budget, contender, regime) for budget in budgets]
            figures = "".join(f"{_figure(cell):>14}" for cell in row)
            text.append(f"  {contender:{width}}  {TITLES[regime]:{deep}}{figures}")
    text += [f"{task}: absent: {reason}" for task, reason in absent.items()]
    return "\n".join(text)


def _folds(line: dict) -> str:
    names = ", ".join(line["folds"])
    return f"folds {names}" if len(line["folds"]) > 1 else f"fold {names}"


def verdict(summary: list[dict], foundation: str) -> list[dict]:
    """Per regime, rival and budget: in which tasks (with their protocol) `foundation` is better, and clearly worse.

    The rival of frozen features are those of random weights; that of every regime but k-NN is whoever learns from the
    labels alone. `wins`: the mean is higher; `losses`: it is lower by more than the larger of the two spreads.
    """
    lines = []
    for regime in dict.fromkeys(line["regime"] for line in summary if line["contender"] == foundation):
        rivals = [(RANDOM, regime)] if regime in FROZEN else []
        rivals += [(FROM_SCRATCH, SCRATCH), (HAND, FOREST)] if regime != "knn" else []
        for rival, its in rivals:
            for budget in BUDGETS:
                entry = _compared(summary, (foundation, regime), (rival, its), budget)
                lines += [entry] if entry["of"] else []
    return lines


def _compared(summary: list[dict], ours: tuple[str, str], theirs: tuple[str, str], budget: int | str) -> dict:
    wins, losses, of = [], [], 0
    for task, protocol in dict.fromkeys((line["task"], line["protocol"]) for line in summary):
        one, other = (_find(summary, task, protocol, budget, *whose) for whose in (ours, theirs))
        if one is None or other is None:
            continue
        of += 1
        gain = one["mean"] - other["mean"]
        if gain > 0:
            wins.append(f"{task}, {protocol}")
        elif -gain > max(one["spread"], other["spread"]):
            losses.append(f"{task}, {protocol}")
    return {"regime": ours[1], "rival": theirs[0], "budget": budget, "wins": wins, "losses": losses, "of": of}


def format_verdict(lines: list[dict]) -> str:
    text = []
    for line in lines:
        lost = "; ".join(line["losses"]) or "none"
        text.append(
            f"{TITLES[line['regime']]}, {line['budget']} per class: better than {line['rival']} in "
            f"{len(line['wins'])} of {line['of']}; worse by more than the spread in: {lost}"
        )
    return "\n".join(text)


def _find(summary: list[dict], task: str, protocol: str, budget: int | str, contender: str, regime: str) -> dict | None:
    wanted = dict(zip(CELL, (task, protocol, budget, contender, regime), strict=True))
    return next((line for line in summary if wanted.items() <= line.items()), None)


def _figure(line: dict | None) -> str:
    return f"{100 * line['mean']:.1f} +- {100 * line['spread']:.1f}" if line else "-"
