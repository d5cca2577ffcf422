# SPDX-License-Identifier: GPL-3.0-or-later
"""pyproject.toml declares every package that the code imports; what only some formats take, as an extra."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = {"wfm_core", "wfm"}
OF_THE_SYSTEM = {"gnuradio", "pmt", "osmosdr", "PyQt5", "sip", "gi"}
"""What comes with GNU Radio and the desktop, from the distribution and not from pip."""
OTHERWISE_CALLED = {"grpc": "grpcio", "google": "protobuf"}
"""Packages that pip knows by another name."""


def imports(path: Path, only_needed: bool = False) -> Iterator[str]:
    """The top-level packages that a file imports, wherever in it, also by `needed`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if only_needed and not isinstance(node, ast.Call):
            continue
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "needed":
            yield ast.literal_eval(node.args[0]).partition(".")[0]


def declared(*needs: str) -> set[str]:
    return {normalised(Requirement(need).name) for need in needs}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("folder", ["python/wfm_core", "gr-wfm/python", "gr-wfm/cmake", "scripts"])
def test_every_import_is_declared(folder):
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    beside = {path.stem for path in files} | {path.stem for path in (ROOT / "examples").glob("*.py")}
    known = sys.stdlib_module_names | OURS | OF_THE_SYSTEM | (beside if folder == "scripts" else set())
    extras = PROJECT["optional-dependencies"]
    needs = declared(*PROJECT["dependencies"], *(extras["dev"] if folder == "scripts" else []))
    optional = declared(*(need for name, listed in extras.items() if name != "dev" for need in listed))
    for path in files:
        # by name: they may not be here
        known |= {name for name in imports(path, only_needed=True) if OTHERWISE_CALLED.get(name, name) in optional}
    distributions = packages_distributions()
    missing = {
        name: str(path.relative_to(ROOT))
        for path in files
        for name in set(imports(path)) - known
        if not needs & set(map(normalised, distributions.get(name, [])))
    }
    assert not missing, f"add to pyproject.toml: {missing}"


def test_ray_is_for_the_service_alone():
    """All else works without it: nothing that is imported elsewhere imports Ray, nor what does."""
    folders = (ROOT / "python/wfm_core", ROOT / "gr-wfm/python")
    texts = {path: path.read_text() for folder in folders for path in folder.rglob("*.py")}
    behind = {path.stem for path in texts if "ray" in imports(path) and path.parent.name == "serving"}
    assert behind == {"deploy", "replica"}
    wanting = {path.name for path, text in texts.items() if re.search(r"serving\.(deploy|replica) import", text)}
    assert wanting == {"serve.py", "deploy.py"}
    assert not re.search(r"^from wfm_core.serving.(deploy|replica)", (folders[0] / "cli/serve.py").read_text(), re.M)
