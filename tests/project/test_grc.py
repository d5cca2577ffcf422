# SPDX-License-Identifier: GPL-3.0-or-later
"""The GRC files against the code: every block.yml against its constructor, every example through grcc."""

import ast
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from gnuradio import wfm

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = sorted((ROOT / "grc").glob("*.block.yml"))
EXAMPLES = sorted((ROOT / "examples").glob("*.grc"))


def load(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def constructor_parameters(block) -> dict[str, bool]:
    """name -> whether it has a default; of a Python class by its signature, of a C++ one by its pybind11 docstring."""
    try:
        parameters = list(inspect.signature(block.__init__).parameters.values())[1:]
        found = {p.name: p.default is not p.empty for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}
    except ValueError:
        found = {}
    if not found:
        inside = re.search(r"__init__\(self[^,]*, (.*)\) -> None", block.__init__.__doc__)[1]
        found = {name: bool(default) for name, default in re.findall(r"(\w+): [\w.]+( = )?", inside)}
    assert found, f"the parameters of {block.__name__} could not be read"
    return found


@pytest.mark.parametrize("path", BLOCKS, ids=lambda p: p.name)
def test_block_matches_its_constructor(path):
    block = load(path)
    assert path.name == f"{block['id']}.block.yml"
    name = block["id"].removeprefix("wfm_")
    made = re.search(r"wfm\.(\w+)\((.*)\)", block["templates"]["make"], re.DOTALL)
    assert made[1] == name
    passed = dict(re.findall(r"(\w+)=\$\{(\w+)\}", made[2]))
    wanted = constructor_parameters(getattr(wfm, name))
    assert set(passed) == set(wanted), "the make template and the constructor name different parameters"
    declared = {p["id"] for p in block["parameters"] if p["dtype"] != "gui_hint"}  # which is for Companion alone
    assert set(passed.values()) == declared, "a parameter is not used, or not declared"


@pytest.mark.parametrize("path", BLOCKS, ids=lambda p: p.name)
def test_callbacks_are_methods_of_the_block(path):
    block = load(path)
    methods = getattr(wfm, block["id"].removeprefix("wfm_"))
    declared = {p["id"] for p in block["parameters"]}
    for callback in block["templates"].get("callbacks", []):
        name, argument = re.fullmatch(r"(\w+)\(\$\{(\w+)\}\)", callback).groups()
        assert callable(getattr(methods, name)) and argument in declared


@pytest.mark.parametrize("path", BLOCKS, ids=lambda p: p.name)
def test_block_is_documented_and_guarded(path):
    block = load(path)
    assert block["category"] == "[WFM]" and block["asserts"]
    for parameter in block["parameters"]:
        words = re.findall(r"\w[\w-]+", parameter["label"].split("(")[0])
        assert any(word in block["documentation"] for word in words), f"{parameter['id']} is not explained"


def test_every_block_is_in_the_tree():
    listed = load(ROOT / "grc" / "wfm.tree.yml")["[WFM]"]
    assert sorted(listed) == sorted(path.name.removesuffix(".block.yml") for path in BLOCKS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_example_compiles_to_the_committed_program(path, tmp_path):
    environment = {**os.environ, "GRC_BLOCKS_PATH": str(ROOT / "grc")}
    command = [sys.executable, shutil.which("grcc"), "-o", str(tmp_path), str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    generated, committed = ((folder / f"{path.stem}.py").read_text() for folder in (tmp_path, path.parent))
    # GNU Radio's own lines differ from one of its versions to the next, what is ours does not.
    compared = normal if version(generated) == version(committed) else meaning
    assert compared(generated) == compared(committed), f"run grcc -o examples examples/{path.name}"


def version(program: str) -> str:
    return re.search(r"^# GNU Radio version: (.*)$", program, re.MULTILINE)[1]


def normal(program: str) -> list[str]:
    """Its lines, the connections sorted: grcc writes them in another order each time."""
    lines = program.splitlines()
    connections = sorted(line for line in lines if line.strip().startswith(("self.connect(", "self.msg_connect(")))
    return [line for line in lines if line not in connections] + connections


def meaning(program: str) -> dict[str, list[str]]:
    """What a flowgraph makes of its .grc file: our blocks with their arguments, connections, and the functions that
    hold options, snippets and callbacks."""
    nodes = list(ast.walk(ast.parse(program)))
    made = [node for node in nodes if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("wfm.")]
    calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    connected = [node for node in calls if ast.unparse(node.func) in ("self.connect", "self.msg_connect")]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    ours = [node for node in functions if node.name.startswith(("argument_parser", "set_", "get_", "snip"))]
    kinds = {"blocks": made, "connections": connected, "functions": ours}
    return {kind: sorted(map(ast.unparse, found)) for kind, found in kinds.items()}


def test_programs_of_two_versions_of_gnu_radio_are_compared_by_what_is_ours():
    program = (ROOT / "examples" / "live_interference.py").read_text()
    found = meaning(program)
    assert all(found.values()) and any(call.startswith("self.model = wfm.") for call in found["blocks"])
    assert meaning(program.replace("except:", "except BaseException:")) == found
    for before, after in (
        ("self.connect((self.model, 0)", "self.connect((self.model, 1)"),
        ("channels=", "antennas="),
        ("def argument_parser():", "def argument_parser(more=0):"),
    ):
        assert before in program and meaning(program.replace(before, after)) != found


def test_examples_are_there():
    assert EXAMPLES
