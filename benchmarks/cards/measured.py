# SPDX-License-Identifier: GPL-3.0-or-later
"""figures.json beside a card: what was measured of a model, when, with what and of which weights."""

import json
import re
from pathlib import Path

from cards.tables import PrintedTable

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file, write_atomically
from wfm_core.base.json_text import read_json
from wfm_core.base.yaml_text import BYTES_LIMIT, read_yaml
from wfm_core.bundle.screening.archive import CONTRACT

FIGURES = "figures.json"
_DESCRIPTIONS = (CONTRACT, "foundation.yaml")
_MOST_BYTES = 4 << 20
_ROW = re.compile(r'\[\n +"[^\[\]{}]*"\n +\]')
"""A list of texts, which stands in one line of the file."""


class Measured:
    """`sections`: by name the runs, each `seed`, `command`, `date`, `versions`, `weights_sha256`, `tables`, in
    the order of their seeds; `self_test`: see `cards.answers`, or None."""

    def __init__(self, folder: Path) -> None:
        """What is in the folder's figures.json; nothing where there is none. Raises `WfmError`."""
        self.folder = folder
        path = folder / FIGURES
        values = read_json(read_file(path, _MOST_BYTES), str(path)) if path.is_file() else {}
        self.sections: dict[str, list[dict]] = values.get("sections", {})
        self.self_test: dict | None = values.get("self_test")

    def tables(self, name: str) -> list[list[PrintedTable]]:
        """Of each run of a section its tables."""
        return [[PrintedTable(**table) for table in run["tables"]] for run in self.sections.get(name, [])]

    def seeds(self, name: str) -> list[int | None]:
        return [run["seed"] for run in self.sections.get(name, [])]

    def add(self, name: str, run: dict) -> None:
        """A run of a section, in place of one with its seed and of all whose command or weights are others."""
        kept = [
            one
            for one in self.sections.get(name, [])
            if one["seed"] != run["seed"] and all(one[key] == run[key] for key in ("command", "weights_sha256"))
        ]
        self.sections[name] = sorted([*kept, run], key=lambda one: (one["seed"] is not None, one["seed"]))

    def has(self, name: str, seed: int | None, command: str, weights: str) -> bool:
        """Whether a section has a run of these."""
        wanted = {"seed": seed, "command": command, "weights_sha256": weights}
        return any(all(one[key] == value for key, value in wanted.items()) for one in self.sections.get(name, []))

    def keep(self, names: list[str]) -> None:
        """Leave out sections of other names, and put the others in this order."""
        self.sections = {name: self.sections[name] for name in names if name in self.sections}

    def write(self) -> None:
        text = json.dumps({"sections": self.sections, "self_test": self.self_test}, indent=1, ensure_ascii=False)
        text = _ROW.sub(lambda row: re.sub(r"\n +", " ", row[0]).replace("[ ", "[").replace(" ]", "]"), text) + "\n"
        write_atomically(self.folder / FIGURES, lambda path: path.write_text(text))


def weights_of(folder: Path) -> str:
    """The hash of the weights, by the model's contract or its description as a foundation. Raises `WfmError`."""
    for name in _DESCRIPTIONS:
        if (folder / name).is_file():
            return read_yaml(read_file(folder / name, BYTES_LIMIT), str(folder / name))["weights_sha256"]
    raise WfmError(f"{folder} has neither {' nor '.join(_DESCRIPTIONS)}; name a folder of models/ that has one")
