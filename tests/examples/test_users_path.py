# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/your-own-recordings.md: its commands as they stand there, from a folder of recordings to printed labels."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from finetune_sets import DESCRIPTION, tiny_foundation
from labelled_recordings import KINDS, RATE, write_folder, write_recording

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "your-own-recordings.md"
WINDOW = 512
STRETCH = 8 * WINDOW  # samples of each kind in the new recording
IQ = {**DESCRIPTION["modalities"]["iq"], "tokens": 128}


def commands() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def run(command: str, folder: Path) -> str:
    """Standard output of a shell command that has to succeed."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        ["bash", "-euc", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def checkout(folder: Path) -> Path:
    """A folder that looks like the root of a checkout, with a user's recordings."""
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "examples").symlink_to(ROOT / "examples")
    write_folder(folder / "recordings")
    write_recording(folder / "new.sigmf-meta", list(KINDS), STRETCH, seed=99)
    return folder


def follow(folder: Path, least_right: float) -> None:
    dataset, finetune, evaluate, export, flowgraph = commands()
    assert all(f"{kind} " in run(dataset, folder) for kind in KINDS)
    run(finetune, folder)
    assert list(folder.rglob("figures.json")), "the run came to its end"
    said = run(evaluate, folder)
    assert "mean class accuracy" in said and re.search(r"^paper +LoRA +99.77", said, re.MULTILINE)
    assert "real: mine" in said, "a user's recordings are real"
    run(export, folder)
    lines = [line.split() for line in run(flowgraph, folder).splitlines() if line.endswith("dBFS")]
    assert len(lines) == len(KINDS) * STRETCH // WINDOW, "a line for every window"
    truth = [list(KINDS)[round(float(line[0]) * RATE) // STRETCH] for line in lines]
    assert {line[2] for line in lines} == {"signal"}
    right = [line[3] == kind for line, kind in zip(lines, truth, strict=True)]
    assert sum(right) / len(right) >= least_right


def test_the_page_with_a_tiny_foundation(tmp_path):
    folder = checkout(tmp_path)
    # found in the working folder before the one of that name in models/
    tiny_foundation(folder / "wfm-base", modalities={"iq": IQ})
    follow(folder, least_right=0.8)


@pytest.mark.slow
def test_the_page_with_the_shipped_foundation(tmp_path):
    follow(checkout(tmp_path), least_right=0.9)
