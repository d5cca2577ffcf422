# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model's card is measured by: card.yaml in its folder, a command for each section of figures."""

import shlex
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file
from wfm_core.base.tables import Table, Text, checked, no_bool
from wfm_core.base.yaml_text import BYTES_LIMIT, read_yaml

PLAN = "card.yaml"
MODEL, SEED, OUT = "{model}", "{seed}", "{out}"
"""In commands: the model's folder, the seed, and an empty folder."""
Seed = Annotated[int, BeforeValidator(no_bool)]


class Section(Table):
    """`command` is run once for each of `seeds`, which stand for {seed} in it; once where there are none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: Text
    seeds: list[Seed] = []
    recordings: list[Text] = []
    """What it needs below $WFM_REALDATA."""
    tables: list[Seed] | None = None
    """Which of the tables that it prints are kept, counted from 0 (all)."""
    columns: list[Text] | None = None
    """The columns of them that are kept (all)."""
    without: dict[Text, list[Text]] = {}
    """Rows that are left out: those whose cell of a column begins with one of the texts."""
    pictures: list[Text] = []
    """Files in {out} of the first seed that go into the model's folder."""

    def words(self, model: str, seed: int | None, out: str) -> list[str]:
        """The command's words, with everything filled in."""
        filled = {MODEL: model, SEED: str(seed), OUT: out}
        return [_filled(word, filled) for word in shlex.split(self.command)]

    def shown(self, model: str) -> str:
        """The command as a card has it."""
        command = " ".join(_filled(self.command, {MODEL: model, SEED: "SEED", OUT: "out"}).split())
        return f"WFM_REALDATA=... {command}" if self.recordings else command


class Plan(Table):
    """The sections of a card by their names, in their order there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sections: dict[Text, Section]


def read_plan(folder: Path) -> Plan:
    """The plan of the model in `folder`. Raises `WfmError`."""
    path = folder / PLAN
    if not path.is_file():
        raise WfmError(f"{folder} has no {PLAN}; name a folder of models/ that has one")
    values = read_yaml(read_file(path, BYTES_LIMIT), str(path))
    plan = checked(Plan, values, str(path), "{} is missing")
    for name, section in plan.sections.items():
        words = section.command.split()
        ours = words[0].startswith("wfm-") or (words[0] == "python" and words[1:2] and "benchmarks/" in words[1])
        if not ours:
            raise WfmError(
                f"{path}: section {name} runs {section.command[:60]!r}; expected python benchmarks/... or wfm-..."
            )
        if (SEED in section.command) != bool(section.seeds):
            raise WfmError(f"{path}: section {name} has seeds {section.seeds}; expected where {SEED} is in the command")
    return plan


def _filled(text: str, values: dict[str, str]) -> str:
    for place, value in values.items():
        text = text.replace(place, value)
    return text
