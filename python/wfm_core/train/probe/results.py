# SPDX-License-Identifier: GPL-3.0-or-later
"""Results that outlive a killed run: a JSON file, written after each cell, whose cells are not computed again."""

import json
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import write_atomically
from wfm_core.train.probe.tasks import VERSION

KEY = ("task", "budget", "seed", "weights", "pooling")
"""What makes a cell: `weights` says exactly which network, `pooling` how its tokens became one embedding."""


class Results:
    """Cells (mappings with the fields of KEY and figures) in the JSON file `path`; `notes` are written with them."""

    def __init__(self, path: Path):
        self.path = path
        self.cells: dict[tuple, dict] = {}
        self.notes: dict = {}
        if path.exists():
            self._load()

    def get(self, **key) -> dict | None:
        return self.cells.get(_key(key))

    def put(self, cell: dict) -> None:
        self.cells[_key(cell)] = cell
        self.write()

    def write(self) -> None:
        content = {"version": VERSION, **self.notes, "cells": list(self.cells.values())}
        write_atomically(self.path, lambda path: path.write_text(json.dumps(content, indent=1)))

    def _load(self) -> None:
        try:
            content = json.loads(self.path.read_text())
            cells = content["cells"] if content["version"] == VERSION else []
            self.cells = {_key(cell): cell for cell in cells}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WfmError(
                f"{self.path} holds no probe results ({error}): name another file with --json, or delete it"
            ) from error


def _key(cell: dict) -> tuple:
    return tuple(cell[field] for field in KEY)
