# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the probe: mean and spread over the seeds, as text, and whether pretraining won."""

import numpy as np

from wfm_core.train.probe.contenders import RANDOM, SCRATCH, Contender
from wfm_core.train.probe.results import Results
from wfm_core.train.probe.tasks import BUDGETS

CLASSIFIERS = {"probe": "linear probe", "knn": "k-NN", "scratch": "trained"}


def summarise(
    results: Results, tasks: list[str], everyone: list[Contender], seeds: tuple[int, ...], pooling: str
) -> list[dict]:
    """A line per task, budget, contender and classifier: accuracies by seed, their mean and spread (std over seeds)."""
    lines = []
    for task in tasks:
        for contender in everyone:
            for budget in BUDGETS:
                keys = ({"task": task, "budget": budget, "seed": seed, "pooling": pooling} for seed in seeds)
                cells = [results.get(**key, weights=contender.weights) for key in keys]
                if None not in cells:
                    lines += _lines(task, budget, contender.name, cells)
    return lines


def _lines(task: str, budget: int | str, contender: str, cells: list[dict]) -> list[dict]:
    lines = []
    for classifier in CLASSIFIERS:
        if classifier in cells[0]:
            accuracies = [cell[classifier] for cell in cells]
            line = {"task": task, "budget": budget, "contender": contender, "classifier": classifier}
            figures = {"mean": float(np.mean(accuracies)), "spread": float(np.std(accuracies)), "seeds": accuracies}
            extra = {field: cells[0][field] for field in ("classes", "subsets", "steps", "batch") if field in cells[0]}
            lines.append(line | figures | extra)
    return lines


def format_table(summary: list[dict], absent: dict[str, str]) -> str:
    """Accuracies in % per task; a column per label budget."""
    names = sorted({line["contender"] for line in summary}, key=len)
    width = max([len(name) for name in names] + [len("absent")])
    text = []
    for task in dict.fromkeys(line["task"] for line in summary):
        text.append(f"{task}: mean per-class accuracy (%), labelled examples per class")
        text.append(f"  {'':{width}}  {'':12}" + "".join(f"{budget!s:>14}" for budget in BUDGETS))
        rows = dict.fromkeys((line["contender"], line["classifier"]) for line in summary if line["task"] == task)
        for contender, classifier in rows:
            cells = [_find(summary, task, budget, contender, classifier) for budget in BUDGETS]
            figures = "".join(f"{_figure(cell):>14}" for cell in cells)
            text.append(f"  {contender:{width}}  {CLASSIFIERS[classifier]:12}{figures}")
    text += _training(summary)
    text += [f"{task}: absent: {reason}" for task, reason in absent.items()]
    return "\n".join(text)


def _training(summary: list[dict]) -> list[str]:
    """What training from scratch was allowed: the budgets are the same for all tasks."""
    spent = {line["budget"]: (line["steps"], line["batch"]) for line in summary if line["classifier"] == "scratch"}
    each = ", ".join(f"{budget}: {steps} of {batch}" for budget, (steps, batch) in spent.items())
    return [f"{SCRATCH}: one label subset a seed; steps of at most so many examples: {each}"] if spent else []


def verdict(summary: list[dict], foundation: str) -> list[dict]:
    """Per budget and classifier: in which tasks `foundation` beats random weights, and in which it clearly loses.

    `wins`: its mean is higher; `losses`: its mean is lower by more than the larger of the two spreads.
    """
    lines = []
    for classifier in ("probe", "knn"):
        for budget in BUDGETS:
            wins, losses, of = [], [], 0
            for task in dict.fromkeys(line["task"] for line in summary):
                ours = _find(summary, task, budget, foundation, classifier)
                theirs = _find(summary, task, budget, RANDOM, classifier)
                if ours is None or theirs is None:
                    continue
                of += 1
                gain = ours["mean"] - theirs["mean"]
                if gain > 0:
                    wins.append(task)
                elif -gain > max(ours["spread"], theirs["spread"]):
                    losses.append(task)
            lines.append({"classifier": classifier, "budget": budget, "wins": wins, "losses": losses, "of": of})
    return lines


def format_verdict(lines: list[dict]) -> str:
    text = []
    for line in lines:
        lost = ", ".join(line["losses"]) or "none"
        text.append(
            f"{CLASSIFIERS[line['classifier']]}, {line['budget']} per class: better than {RANDOM} in "
            f"{len(line['wins'])} of {line['of']} tasks; worse by more than the spread in: {lost}"
        )
    return "\n".join(text)


def _find(summary: list[dict], task: str, budget: int | str, contender: str, classifier: str) -> dict | None:
    wanted = {"task": task, "budget": budget, "contender": contender, "classifier": classifier}
    return next((line for line in summary if wanted.items() <= line.items()), None)


def _figure(line: dict | None) -> str:
    return f"{100 * line['mean']:.1f} +- {100 * line['spread']:.1f}" if line else "-"
