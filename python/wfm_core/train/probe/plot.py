# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the probe: figures against labelled examples, a panel per task and protocol."""

from pathlib import Path

from wfm_core.evaluate.figures.canvas import new_figure, save
from wfm_core.train.probe.learners import FOREST, TITLES
from wfm_core.train.probe.networks import SCRATCH
from wfm_core.train.probe.protocols import OPEN
from wfm_core.train.probe.tasks import BUDGETS

_COLUMNS = 3
_LEFT_OUT = "knn"  # it is in the table: with it the panels are too full to read


def draw(path: Path, summary: list[dict]) -> None:
    """Write the PNG `path`: a line per contender and regime, bars of one spread, guessing dotted."""
    shown = [line for line in summary if line["regime"] != _LEFT_OUT]
    panels = list(dict.fromkeys((line["task"], line["protocol"]) for line in shown))
    colors = {who: f"C{place % 10}" for place, who in enumerate(dict.fromkeys(map(_who, shown)))}
    rows = len(panels) // _COLUMNS + 1  # the legend has the panel after the last
    figure = new_figure(4.2 * _COLUMNS, 3.4 * rows)
    handles = {}
    for index, panel in enumerate(panels):
        axes = figure.add_subplot(rows, _COLUMNS, index + 1)
        handles |= _panel(axes, [line for line in shown if (line["task"], line["protocol"]) == panel], colors)
        axes.set_title(", ".join(panel), fontsize=10)
    if handles:
        axes = figure.add_subplot(rows, _COLUMNS, len(panels) + 1)
        axes.axis("off")
        axes.legend(handles.values(), map(_named, handles), loc="center left")
    save(path, figure)


def _who(line: dict) -> tuple[str, str]:
    return line["contender"], line["regime"]


def _named(who: tuple[str, str]) -> str:
    contender, regime = who
    if regime in (SCRATCH, FOREST):
        return {SCRATCH: "trained from scratch", FOREST: "forest on hand-made features"}[regime]
    return f"{contender}: {TITLES[regime]}"


def _panel(axes, lines: list[dict], colors: dict[tuple[str, str], str]) -> dict:
    """Draw the lines of one panel in the `colors` of their contenders and regimes; returns their handles by these."""
    handles = {}
    everyone = list(dict.fromkeys(map(_who, lines)))
    for place, who in enumerate(everyone):
        chosen = [line for line in lines if _who(line) == who]
        # side by side, so that no bar hides another
        x = [BUDGETS.index(line["budget"]) + 0.04 * (place - len(everyone) / 2) for line in chosen]
        mean, spread = ([100 * line[field] for line in chosen] for field in ("mean", "spread"))
        handles[who] = axes.errorbar(x, mean, spread, marker="o", markersize=4, capsize=2, color=colors[who])
    is_open = lines[0]["protocol"] == OPEN
    axes.axhline(50 if is_open else 100 / lines[0]["classes"], color="0.6", linestyle=":", linewidth=1)
    axes.set_xticks(range(len(BUDGETS)), [str(budget) for budget in BUDGETS])
    axes.set_xlabel("labelled examples per class")
    axes.set_ylabel("AUROC (%)" if is_open else "mean per-class accuracy (%)")
    axes.grid(alpha=0.3)
    return handles
