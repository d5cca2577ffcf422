# SPDX-License-Identifier: GPL-3.0-or-later
"""Results that outlive a killed run: a JSON file, written after each cell, whose cells are not computed again."""

import json
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import write_atomically
from wfm_core.train.probe.tasks import VERSION

FIGURE = ("task", "protocol", "fold", "budget", "seed", "weights", "regime", "pooling")
"""What makes a cell: `weights` says exactly which network, `pooling` how its tokens became one embedding."""


class Results:
    """Cells in the JSON file `path`, mappings with the fields of FIGURE and figures; `notes` are written with them.

    `choices` are the same of recipes: a cell's `budget` is the one that its recipe was chosen at.
    A file of another version is kept beside the new one, as NAME.version1.json.
    """

    def __init__(self, path: Path):
        self.path = path
        self.cells: dict[tuple, dict] = {}
        self.choices: dict[tuple, dict] = {}
        self.notes: dict = {}
        self._other_version = None
        if path.exists():
            self._load()

    def get(self, **key) -> dict | None:
        return self.cells.get(_key(key))

    def put(self, cell: dict) -> None:
        self.cells[_key(cell)] = cell
        self.write()

    def choice(self, **key) -> dict | None:
        return self.choices.get(_key(key))

    def put_choice(self, choice: dict) -> None:
        self.choices[_key(choice)] = choice
        self.write()

    def write(self) -> None:
        if self._other_version is not None:
            self.path.replace(self.path.with_suffix(f".version{self._other_version}.json"))
            self._other_version = None
        lists = {"cells": list(self.cells.values()), "choices": list(self.choices.values())}
        content = {"version": VERSION, **self.notes, **lists}
        write_atomically(self.path, lambda path: path.write_text(_text(content)))

    def _load(self) -> None:
        try:
            content = json.loads(self.path.read_text())
            version, cells = int(content["version"]), content["cells"]
            if version != VERSION:
                self._other_version = version
                return
            self.cells = {_key(cell): cell for cell in cells}
            self.choices = {_key(choice): choice for choice in content["choices"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WfmError(
                f"{self.path} holds no probe results ({error}): name another file with --json, or delete it"
            ) from error


def _text(content: dict) -> str:
    """JSON, a cell a line: what is indented takes the slow encoder, which is felt at thousands of cells."""
    parts = []
    for name, value in content.items():
        lines = "[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if isinstance(value, list) else json.dumps(value)
        parts.append(f"{json.dumps(name)}: {lines}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _key(cell: dict) -> tuple:
    return tuple(cell[field] for field in FIGURE)
