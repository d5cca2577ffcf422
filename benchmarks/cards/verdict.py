# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the figures of another run lie within the spread that a card states."""

from dataclasses import dataclass

import numpy as np
from cards.tables import PrintedTable, alike, figure_in
from scipy import stats

_LEVEL = 0.99
"""Share of runs with other seeds whose figure lies within, if runs are normally distributed about their mean."""
_SURE = 0.999


@dataclass(frozen=True)
class Verdict:
    """`outside`: figures that do not lie within, in words; `asked`: how many were compared; `allowed`: the most that
    are outside in 999 of 1000 checks where all is as it was, figures taken for independent; 0 of one run."""

    outside: list[str]
    asked: int
    allowed: int

    @property
    def good(self) -> bool:
        return len(self.outside) <= self.allowed


def compare(stored: list[list[PrintedTable]], fresh: list[PrintedTable]) -> Verdict:
    """`stored`: of each run the tables, of one section; `fresh`: those of the run that is judged.

    A figure is within where the prediction interval of the stored ones has it, widened by a unit of its last digit: of
    one run it must be the same. Tables whose rows change from seed to seed are left out.
    """
    outside, asked = [], 0
    for number, table in enumerate(fresh):
        runs = [tables[number] for tables in stored if number < len(tables)]
        if not runs or not alike([*runs, table]):
            continue
        for row, cells in enumerate(table.rows):
            for column, cell in enumerate(cells[1:], 1):
                known = [figure_in(run.rows[row][column]) for run in runs]
                seen = figure_in(cell)
                if seen is None or None in known:
                    continue
                asked += 1
                middle, most = _interval([one.value for one in known])
                if abs(seen.value - middle) > most + seen.step * 1.001:
                    where = f"{table.named(row)}, {table.head[column]}"
                    outside.append(f"{where}: {seen.value:g}, expected {middle:.4g} ± {most:.2g}")
    return Verdict(outside, asked, int(stats.binom.ppf(_SURE, asked, 1 - _LEVEL)) if asked and len(stored) > 1 else 0)


def _interval(values: list[float]) -> tuple[float, float]:
    """Middle and half the width of where another draw lies."""
    count = len(values)
    if count == 1:
        return values[0], 0.0
    factor = stats.t.ppf((1 + _LEVEL) / 2, count - 1) * np.sqrt(1 + 1 / count)
    return float(np.mean(values)), float(factor * np.std(values, ddof=1))
