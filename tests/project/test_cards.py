# SPDX-License-Identifier: GPL-3.0-or-later
"""Cards of models: one form, parts that are what figures.json renders to, and the command that measures."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from benchmark_programs import BENCHMARKS

from wfm_core.base.errors import WfmError
from wfm_core.bundle.precision.dtype import AGREEMENT

import card  # isort: skip
from cards import answers, measured, plan, rendered, tables, verdict  # isort: skip

ROOT = BENCHMARKS.parent
MODELS = sorted(path for path in (ROOT / "models").iterdir() if path.is_dir())
WITHOUT_FIGURES = ("Measured earlier, by this command as it was at ", "Not measured yet.")
"""What a part says whose command has not been run by card.py."""

needs_names = pytest.mark.parametrize("folder", MODELS, ids=[path.name for path in MODELS])


@needs_names
def test_every_card_has_the_form(folder):
    card = (folder / rendered.CARD).read_text()
    assert card.startswith(f"# {folder.name}\n")
    assert tuple(re.findall(r"^## (.*)$", card, re.MULTILINE)) == rendered.HEADINGS
    bodies = re.split(r"^## .*$", card, flags=re.MULTILINE)[1:]
    assert all(body.strip() for body in bodies)
    names = [*plan.read_plan(folder).sections, rendered.SELF_TEST]
    assert list(rendered.marked_parts(card)) == names, "a place for each section of card.yaml, in its order"


@needs_names
def test_every_card_shows_what_was_measured(folder):
    wanted, own = plan.read_plan(folder), measured.Measured(folder)
    parts = rendered.rendered(f"models/{folder.name}", wanted, own)
    shown = rendered.marked_parts((folder / rendered.CARD).read_text())
    assert {name: shown[name] for name in parts} == parts, f"benchmarks/card.py {folder.name} --render"
    assert rendered.SELF_TEST in parts
    for name in shown.keys() - parts.keys():
        assert shown[name].startswith("    ") and any(words in shown[name] for words in WITHOUT_FIGURES), name
        assert shown[name].splitlines()[0].strip() == wanted.sections[name].shown(f"models/{folder.name}")


@needs_names
def test_figures_are_of_the_weights_and_the_commands_that_are_here(folder):
    sections, own = plan.read_plan(folder).sections, measured.Measured(folder)
    assert own.sections.keys() <= sections.keys()
    weights = measured.weights_of(folder)
    for name, runs in own.sections.items():
        assert {run["command"] for run in runs} == {sections[name].shown(f"models/{folder.name}")}, name
        assert {run["weights_sha256"] for run in runs} == {weights}, name
    assert own.self_test["weights_sha256"] == weights and own.self_test["difference"] <= AGREEMENT


@pytest.mark.slow
@needs_names
def test_stored_answers_are_those_of_the_bundle(folder):
    """Made of the folder as it is; the last digit of an embedding may be another one."""
    stored, made = measured.Measured(folder).self_test, answers.self_test_of(folder)
    assert made["window"] == stored["window"] and made["answers"].keys() == stored["answers"].keys()
    for name, said in made["answers"].items():
        seen, known = (
            [float(number) for number in re.findall(r"-?\d+\.\d+", text)] for text in (said, stored["answers"][name])
        )
        assert seen == pytest.approx(known, abs=2e-2)


def small_model(folder: Path, sections: dict) -> Path:
    """wfm-two-tasks with a plan of its own, whose card has empty places."""
    made = folder / "wfm-two-tasks"
    shutil.copytree(ROOT / "models" / "wfm-two-tasks", made)
    (made / measured.FIGURES).unlink()
    (made / plan.PLAN).write_text(json.dumps({"sections": sections}))
    places = "\n".join(f"<!-- figures: {name} -->\nold\n<!-- end of figures -->\n" for name in [*sections, "self-test"])
    (made / rendered.CARD).write_text(f"# wfm-two-tasks\n\n{places}")
    return made


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs benchmarks/card.py in this process: its exit status, and what it said."""

    def run(*arguments) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["card.py", *map(str, arguments)])
        status, said = card.main(), capsys.readouterr()
        return status, said.out + said.err

    return run


def test_a_card_is_measured(tmp_path, command, monkeypatch):
    """Small, and without the recordings that one of its sections needs."""
    turns = {"command": "python benchmarks/accuracy/two_tasks.py --bundle {model} --windows 24 --seed {seed}"}
    absent = {"command": "python benchmarks/accuracy/fingerprint_real.py", "recordings": ["lte"]}
    model = small_model(tmp_path, {"turns": {**turns, "seeds": [7, 8]}, "real": absent})
    monkeypatch.setenv("WFM_REALDATA", str(tmp_path))
    status, said = command(model)
    assert status == 0 and f"real: skipped, its figures stay as they are: {tmp_path} has no lte" in said
    shown = rendered.marked_parts((model / rendered.CARD).read_text())
    own = measured.Measured(model)
    assert own.seeds("turns") == [7, 8] and shown["real"] == "old"
    assert "over the seeds 7 and 8. Measured 20" in shown["turns"] and "| fingerprint | 5 | 24 | " in shown["turns"]
    assert "| `fingerprint` | device-" in shown["self-test"]
    monkeypatch.setattr(card, "run", lambda folder, section, seed: {**own.sections["turns"][0], "seed": seed})
    assert command(model, "--render")[0] == 0
    assert rendered.marked_parts((model / rendered.CARD).read_text()) == shown
    status, said = command(model, "--only", "turns", "--check")
    assert status == 0 and "turns, seed 9: 0 of 8 figures are outside" in said
    assert measured.Measured(model).sections == own.sections, "nothing is written"
    own.sections["turns"].pop()
    assert rendered.rendered("models/wfm-two-tasks", plan.read_plan(model), own).keys() == {"self-test"}, "a seed lacks"
    own.sections["turns"][0]["weights_sha256"] = "of others"
    own.write()
    status, said = command(model, "--only", "turns", "--check")
    assert status == 0 and "turns: not checked: no figures of these weights by this command" in said


def test_what_cannot_be_measured_is_said(tmp_path, command):
    model = small_model(tmp_path, {"turns": {"command": "rm {seed}", "seeds": [1]}})
    with pytest.raises(WfmError, match="section turns runs 'rm {seed}'; expected python benchmarks/"):
        plan.read_plan(model)
    (model / plan.PLAN).write_text('{"sections": {"turns": {"command": "wfm-doctor", "seeds": [1]}}}')
    with pytest.raises(WfmError, match=r"seeds \[1\]; expected where {seed} is in the command"):
        plan.read_plan(model)
    status, said = command("wfm-three-tasks")
    assert status == 1 and len(said.splitlines()) == 1 and "wfm-two-tasks" in said
    with pytest.raises(WfmError, match="has no place for nowhere; write the lines <!-- figures: nowhere -->"):
        rendered.write_card(model, {"nowhere": "text"})


PRINTED = """### Means

| task | right | of |
|---|---|---|
| a | **0.90{}** | 10 |
|  | 50.{} % (0.{}) | 10 |

not a table: | x |

| of | named | words |
|---|---|---|
| x | 3 | {} cats |
"""


def printed(*digits) -> list[tables.PrintedTable]:
    return tables.tables_in(PRINTED.format(*digits))


def test_tables_over_seeds():
    runs = [printed(1, 1, 10, "red"), printed(3, 5, 30, "blue"), printed(2, 3, 20, "red")]
    assert [table.title for table in runs[0]] == ["Means", ""] and runs[0][0].rows[0] == ["a", "0.901", "10"]
    means, words = (tables.over_seeds([run[number] for run in runs]) for number in (0, 1))
    assert means.rows == [["a", "0.902 ± 0.001", "10"], ["", "50.3 ± 0.2 % (0.20)", "10"]]
    assert words.rows == [["x", "3", "red cats"]], "words are those of the first"
    assert means.chosen(["right"], {"task": ["a"]}).markdown() == "| right |\n|---|\n| 50.3 ± 0.2 % (0.20) |"
    longer = tables.PrintedTable("", runs[0][1].head, [*runs[0][1].rows, ["y", "1", "-"]])
    assert tables.over_seeds([longer, runs[1][1]]).rows == longer.rows, "other rows: those of the first"


@pytest.mark.parametrize(
    ("cell", "value", "unit"),
    [("+0", 0, ""), ("88.2% (80%-93%)", 88.2, "%"), ("0.3 +- 0.1", 0.3, ""), ("69.1 ± 3.7 %", 69.1, "")],
)
def test_cells_that_are_figures(cell, value, unit):
    found = tables.figure_in(cell)
    assert (found.value, found.unit, found.beside) == (value, unit, None)


@pytest.mark.parametrize("cell", ["", "-", "run 0.022, circle 0.007", "0 to 5", ">= 0.95", "1.92e6"])
def test_cells_that_are_none(cell):
    assert tables.figure_in(cell) is None


def test_a_figure_outside_the_spread_is_found():
    stored = [printed(1, 1, 10, ""), printed(3, 5, 30, ""), printed(2, 3, 20, "")]
    assert verdict.compare(stored, printed(2, 4, 10, "")).outside == []
    moved = tables.tables_in(PRINTED.format(1, 3, 20, "").replace("0.901", "0.801"))
    found = verdict.compare(stored, moved)
    assert (
        found.asked == 5
        and len(found.outside) == 1
        and found.outside[0].startswith("a, right: 0.801, expected 0.902 ± ")
    )
    assert not verdict.compare(stored[:1], [moved[0]]).good, "of one run nothing may differ"
