# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the programs that measure, as they are, and keeps the tables that they print."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cards.measured import weights_of
from cards.plan import Section
from cards.tables import tables_in

from wfm_core.base.errors import WfmError

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = "WFM_REALDATA"
_PACKAGES = {"wfm_core": "wfm-core", "torch": "torch", "numpy": "numpy"}


def absent(section: Section) -> str:
    """Why a section cannot be measured here; empty where it can."""
    folder = os.environ.get(RECORDINGS)
    if section.recordings and not folder:
        return f"{RECORDINGS} is not set; set it to the folder of real recordings"
    lacking = [name for name in section.recordings if not (Path(folder) / name).exists()]
    return f"{folder} has no {', '.join(lacking)}; set {RECORDINGS} to a folder that has" if lacking else ""


def run(folder: Path, section: Section, seed: int | None, pictures: bool = False) -> dict:
    """One run of the section's command on the model in `folder`, as figures.json has it. Its pictures go into the
    folder if they are wanted. Raises `WfmError` where the command fails or prints no table."""
    with tempfile.TemporaryDirectory() as out:
        words = section.words(str(folder), seed, out)
        command = section.shown(named(folder))
        done = subprocess.run(_program(words), cwd=ROOT, stdout=subprocess.PIPE, text=True, env=_environment())
        if done.returncode:
            raise WfmError(f"{' '.join(words)} ended with {done.returncode}; see what it said above")
        texts = [done.stdout, *(path.read_text(encoding="utf-8") for path in sorted(Path(out).glob("*.md")))]
        tables = [table for text in texts for table in tables_in(text)]
        if not tables:
            raise WfmError(f"{' '.join(words)} printed no table; a card's command prints tables in Markdown")
        for picture in section.pictures if pictures else ():
            shutil.copyfile(Path(out) / picture, folder / picture)
    return {"seed": seed, "command": command, **conditions(folder), "tables": [table.raw() for table in tables]}


def conditions(folder: Path) -> dict:
    """When, with what, and of which weights."""
    versions = {"python": platform.python_version()} | {name: version(package) for name, package in _PACKAGES.items()}
    day = datetime.now(UTC).date().isoformat()
    return {"date": day, "versions": versions, "weights_sha256": weights_of(folder)}


def named(folder: Path) -> str:
    """The model's folder as commands in its card name it."""
    return f"models/{folder.name}"


def _program(words: list[str]) -> list[str]:
    """By this interpreter, and commands from beside it."""
    if words[0] == "python":
        return [sys.executable, *words[1:]]
    return [str(Path(sys.executable).parent / words[0]), *words[1:]]


def _environment() -> dict[str, str]:
    """Figures of float32 on the CPU wherever they are measured, in as many threads as are usual."""
    return {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
