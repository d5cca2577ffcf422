# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/tasks.md has all tasks, and says of no number that it is best where another in its row is better."""

import re
from pathlib import Path

import pytest

from wfm_core.data.dataset_checks import TASKS

PAGE = (Path(__file__).parents[2] / "docs/tasks.md").read_text()
ROWS = {line.split("|")[1]: line for line in PAGE.splitlines() if line.startswith(("| [`", "| `"))}
FALLING = ("degrees", "NMSE", "metres")
"""In the names of figures that are better the lower they are."""


@pytest.mark.parametrize("task", [task for task in TASKS if task != "custom"])
def test_each_task_has_a_row(task):
    assert any(f"`{task}`" in name for name in ROWS), f"{task} is not in docs/tasks.md"


@pytest.mark.parametrize("name", [name for name, line in ROWS.items() if "**" in line])
def test_what_is_bold_is_best(name):
    cells = ROWS[name].split("|")[2:-2]  # without the published figure
    best = [float(number) for number in re.findall(r"\*\*(-?[\d.]+)\*\*", ROWS[name])]
    first = [re.match(r" \**(-?\d[\d.]*)", cell) for cell in cells]
    rest = re.findall(r"; \**(-?[\d.]+)\**, ", " ".join(cells))
    numbers = [float(found[1]) for found in first if found] + [float(number) for number in rest]
    assert len(best) == 1 and len(numbers) >= 2
    assert best[0] == (min if any(word in name for word in FALLING) else max)(numbers)
