# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/architecture.md against the tree: its rooms, who imports whom, and that no room overflows."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES = {
    "wfm_core": ROOT / "python" / "wfm_core",
    "gnuradio.wfm": ROOT / "gr-wfm" / "python" / "wfm",
    "gr-wfm/lib": ROOT / "gr-wfm" / "lib",
}
MOST_FILES = 20
SOURCES = {".py", ".cc", ".h"}


def sources(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix in SOURCES]


def folders(package: Path) -> list[Path]:
    return [path for path in package.rglob("*") if path.is_dir() and sources(path)]


def rooms(section: str) -> list[str]:
    """The first column of the section's table."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


@pytest.mark.parametrize("name", PACKAGES)
def test_the_page_names_every_room(name):
    there = {path.name for path in folders(PACKAGES[name]) if path.parent == PACKAGES[name]}
    assert set(rooms(name)) == there | ({"configs"} if name == "wfm_core" else set())


def test_every_room_below_is_named_too():
    for folder in folders(PACKAGES["wfm_core"]):
        assert f"`{folder.name}`" in PAGE, folder


def test_no_room_overflows_and_none_is_bypassed():
    for folder in [*(f for package in PACKAGES.values() for f in folders(package)), *folders(ROOT / "tests")]:
        assert len(sources(folder)) <= MOST_FILES, folder
    for package in ("wfm_core", "gnuradio.wfm"):
        assert [path.name for path in sources(PACKAGES[package])] == ["__init__.py"]


def test_every_place_that_is_named_exists():
    named = [text for text in re.findall(r"`([\w./]+\.(?:py|cc|h))`", PAGE) if "NAME" not in text]
    assert len(named) > 15
    bases = [*PACKAGES.values(), ROOT, ROOT / "python", ROOT / "gr-wfm"]
    assert [text for text in named if not any((base / text).exists() for base in bases)] == []


def test_imports_point_one_way():
    command = shutil.which("lint-imports", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if command is None:
        pytest.skip("import-linter is not installed (pip install -e '.[dev]')")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'python'}{os.pathsep}{ROOT / 'gr-wfm' / 'python'}"}
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
