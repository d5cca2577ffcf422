# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the probe: accuracy against labelled examples, a panel per task."""

from pathlib import Path

from wfm_core.evaluate.figures.canvas import new_figure, save
from wfm_core.train.probe.contenders import SCRATCH
from wfm_core.train.probe.tasks import BUDGETS

_COLUMNS = 3
_CLASSIFIERS = ("probe", "scratch")  # k-NN is in the table: with it the panels are too full to read


def draw(path: Path, summary: list[dict]) -> None:
    """Write the PNG `path`: a line per contender, bars of one spread, guessing dotted."""
    tasks = list(dict.fromkeys(line["task"] for line in summary))
    colors = {name: f"C{place}" for place, name in enumerate(dict.fromkeys(line["contender"] for line in summary))}
    rows = len(tasks) // _COLUMNS + 1  # the legend has the panel after the last
    figure = new_figure(4.2 * _COLUMNS, 3.4 * rows)
    handles = {}
    for index, task in enumerate(tasks):
        axes = figure.add_subplot(rows, _COLUMNS, index + 1)
        handles |= _panel(axes, [line for line in summary if line["task"] == task], colors)
        axes.set_title(task)
    if handles:
        axes = figure.add_subplot(rows, _COLUMNS, len(tasks) + 1)
        axes.axis("off")
        axes.legend(handles.values(), map(_named, handles), loc="center left")
    save(path, figure)


def _named(contender: str) -> str:
    return "trained from scratch" if contender == SCRATCH else f"linear probe on {contender}"


def _panel(axes, lines: list[dict], colors: dict[str, str]) -> dict:
    """Draw one task's lines in the `colors` of their contenders; returns their handles by name."""
    handles = {}
    contenders = list(dict.fromkeys(line["contender"] for line in lines))
    for place, contender in enumerate(contenders):
        chosen = [line for line in lines if line["contender"] == contender and line["classifier"] in _CLASSIFIERS]
        # side by side, so that no bar hides another
        x = [BUDGETS.index(line["budget"]) + 0.04 * (place - len(contenders) / 2) for line in chosen]
        mean, spread = ([100 * line[field] for line in chosen] for field in ("mean", "spread"))
        handles[contender] = axes.errorbar(
            x, mean, spread, marker="o", markersize=4, capsize=2, color=colors[contender]
        )
    axes.axhline(100 / lines[0]["classes"], color="0.6", linestyle=":", linewidth=1)
    axes.set_xticks(range(len(BUDGETS)), [str(budget) for budget in BUDGETS])
    axes.set_xlabel("labelled examples per class")
    axes.set_ylabel("mean per-class accuracy (%)")
    axes.grid(alpha=0.3)
    return handles
