# SPDX-License-Identifier: GPL-3.0-or-later
"""Markdown tables as programs print them, and what they come to over seeds."""

import re
from dataclasses import asdict, dataclass

import numpy as np

_FIGURE = re.compile(r"([+-]?\d+(?:\.\d+)?)( ?%)?(?: (?:\+-|±) ?\d+(?:\.\d+)?(?: ?%)?)?(?: \(([^)]*)\))?")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class PrintedTable:
    """`title`: the heading before it, if there is one; `head` and `rows` are its cells, without bold."""

    title: str
    head: list[str]
    rows: list[list[str]]

    def named(self, row: int) -> str:
        """What stands in the row's first cell, or in the last one above that is not empty."""
        return next((cells[0] for cells in self.rows[row::-1] if cells[0]), "")

    def chosen(self, columns: list[str] | None, without: dict[str, list[str]]) -> "PrintedTable":
        """These columns of it (None: all), without the rows whose cell of a column begins with one of some texts."""
        places = [self.head.index(name) for name in columns or self.head if name in self.head]
        left_out = {self.head.index(name): tuple(texts) for name, texts in without.items() if name in self.head}
        rows = [row for row in self.rows if not any(row[at].startswith(texts) for at, texts in left_out.items())]
        return PrintedTable(self.title, [self.head[at] for at in places], [[row[at] for at in places] for row in rows])

    def markdown(self) -> str:
        lines = [self.head, *self.rows]
        text = ["| " + " | ".join(cells) + " |" for cells in lines]
        return "\n".join([text[0], "|---" * len(self.head) + "|", *text[1:]])

    def raw(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Figure:
    """The number that a cell begins with, what one unit of its last digit is, its unit, and a number in brackets."""

    value: float
    step: float
    unit: str = ""
    beside: float | None = None
    beside_step: float = 1.0


def figure_in(cell: str) -> Figure | None:
    """None where a cell is no number. The spread that a program gives for its own draws is no part of it."""
    found = _FIGURE.fullmatch(cell)
    if found is None:
        return None
    number, unit, beside = found.groups()
    if beside is not None and _NUMBER.fullmatch(beside):
        return Figure(float(number), _step(number), unit or "", float(beside), _step(beside))
    return Figure(float(number), _step(number), unit or "")


def tables_in(text: str) -> list[PrintedTable]:
    """All tables of a program's output, in their order."""
    found, title, lines = [], "", []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            lines.append([cell.strip().strip("*").strip() for cell in line.strip().strip("|").split("|")])
            continue
        if len(lines) > 1 and set("".join(lines[1])) <= set("-: "):
            found.append(PrintedTable(title, lines[0], [row for row in lines[2:] if len(row) == len(lines[0])]))
            title = ""
        lines = []
        title = line.lstrip("# ") if line.startswith("#") else title
    return found


def over_seeds(runs: list[PrintedTable]) -> PrintedTable:
    """One table of the same table of several runs: a cell that they all have is kept, of figures it is the mean and the
    standard deviation (ddof 1); where runs have other rows, or other words, it is the first one's."""
    first = runs[0]
    if not alike(runs):
        return first
    rows = [
        [_cell([run.rows[row][column] for run in runs]) for column in range(len(first.head))]
        for row in range(len(first.rows))
    ]
    return PrintedTable(first.title, first.head, rows)


def alike(runs: list[PrintedTable]) -> bool:
    """Whether the same table of several runs has the same columns and rows."""
    shapes = {(tuple(run.head), tuple(run.named(row) for row in range(len(run.rows)))) for run in runs}
    return len(shapes) == 1


def _cell(cells: list[str]) -> str:
    found = [figure_in(cell) for cell in cells]
    if len(set(cells)) == 1 or None in found:
        return cells[0]
    text = f"{_said([one.value for one in found], found[0].step)}{found[0].unit}"
    if all(one.beside is not None for one in found):
        text += f" ({np.mean([one.beside for one in found]):.{_digits(found[0].beside_step)}f})"
    return text


def _said(values: list[float], step: float) -> str:
    digits = _digits(step)
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def _step(number: str) -> float:
    return 10.0 ** -len(number.partition(".")[2])


def _digits(step: float) -> int:
    return max(0, round(-np.log10(step)))
