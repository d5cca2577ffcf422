# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe: fair draws, classifiers that learn and measure right, results that survive, rows that say why not."""

import json

import numpy as np
import pytest
import torch
from probe_foundation import DESCRIPTION

from wfm_core.bundle.foundation import build_model, load_foundation, save_foundation
from wfm_core.cli import evaluate
from wfm_core.data.splits import Split
from wfm_core.train.probe import command, real, scratch, table
from wfm_core.train.probe.classifiers import linear_probe, nearest_neighbours, per_class_accuracy
from wfm_core.train.probe.contenders import contenders
from wfm_core.train.probe.features import features, standardised
from wfm_core.train.probe.results import Results
from wfm_core.train.probe.scratch import Budget, train_from_scratch
from wfm_core.train.probe.summary import verdict
from wfm_core.train.probe.tasks import ALL, BUDGETS, SUBSETS, Task, draws

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    save_foundation(tmp_path / "tiny", DESCRIPTION, build_model(DESCRIPTION).state_dict())
    return tmp_path / "tiny"


def tones(seed: int = 0, per_class: int = 12) -> Task:
    """Three classes that only the frequency tells apart; half of the windows held out."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(3).repeat(2 * per_class)
    phase = 6.28 * torch.rand(len(labels), 1, generator=generator)
    iq = torch.polar(torch.ones(len(labels), 64), phase + 0.5 * labels[:, None] * torch.arange(64))[:, None]
    split = Split(np.arange(3 * per_class), np.arange(3 * per_class, 6 * per_class))
    return Task("tones", "iq", ("a", "b", "c"), labels.numpy(), (split,), lambda found: found.preprocess["iq"](iq))


def test_a_budget_is_so_many_examples_per_class_and_the_same_for_everyone():
    labels = np.repeat([0, 1, 2], [10, 10, 4])
    order = np.random.default_rng(0).permutation(24)
    splits = (Split(order[:18], order[18:]), Split(order[6:], order[:6]))
    task = Task("t", "iq", ("a", "b", "c"), labels, splits, lambda found: torch.zeros(24))
    subsets = draws(task, 2, seed=1)
    assert len(subsets) == SUBSETS
    for index, subset in enumerate(subsets):
        split = splits[index % 2]
        assert set(subset.train) <= set(split.train) and np.array_equal(subset.test, split.test)
        available = np.bincount(labels[split.train], minlength=3)
        assert np.array_equal(np.bincount(labels[subset.train], minlength=3), np.minimum(available, 2))
    again = draws(task, 2, seed=1)
    assert all(np.array_equal(one.train, other.train) for one, other in zip(subsets, again, strict=True))
    assert any(
        not np.array_equal(one.train, other.train) for one, other in zip(subsets, draws(task, 2, 2), strict=True)
    )
    assert draws(task, ALL, seed=1) == list(splits)


def test_neighbours_vote_by_cosine():
    train = np.array([[1.0, 0.0], [5.0, 0.5], [0.0, 1.0], [0.1, 9.0]])
    labels = np.array([0, 0, 1, 1])
    # nearest by distance is the first row of class 0, by angle class 1
    assert nearest_neighbours(train, labels, np.array([[0.4, 0.5], [100.0, 1.0]])).tolist() == [1, 0]


def test_a_tie_goes_to_the_more_similar_class():
    train = np.array([[1.0, 0.1], [1.0, 3.0], [1.0, 0.0], [1.0, 4.0]])
    # two neighbours, one of each class: those of 0 lie nearer
    labels = np.array([0, 0, 1, 1])
    assert nearest_neighbours(train, labels, np.array([[1.0, 0.2]])).tolist() == [0]
    assert nearest_neighbours(train, 1 - labels, np.array([[1.0, 0.2]])).tolist() == [1]


def test_neighbours_are_five_or_as_many_as_the_smallest_class():
    near, far = [1.0, 0.0], [0.9, 0.3]
    test = np.array([[1.0, 0.0]])
    # one example of class 0 is the nearest: alone it wins, against four of the next five it loses
    assert nearest_neighbours(np.array([near, far]), np.array([0, 1]), test).tolist() == [0]
    train = np.array([near] + 5 * [far] + 4 * [[-1.0, 0.0]])
    assert nearest_neighbours(train, np.array([0] + 5 * [1] + 4 * [0]), test).tolist() == [1]


def test_the_linear_probe_separates_what_a_line_can():
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    train = np.eye(3)[labels] + 0.1 * generator.standard_normal((60, 3))
    assert per_class_accuracy(linear_probe(train[:30], labels[:30], train[30:]), labels[30:]) == 1.0


def test_accuracy_is_the_mean_over_classes_not_examples():
    labels = np.array([0, 0, 0, 0, 1])
    assert per_class_accuracy(np.zeros(5, int), labels) == 0.5


def test_standardised_uses_the_pool_alone_and_bears_a_constant_feature():
    values = np.array([[0.0, 3.0], [2.0, 3.0], [100.0, 3.0]])
    scaled = standardised(values, np.array([0, 1]))
    assert scaled[:, 0].tolist() == [-1.0, 1.0, 99.0]
    assert scaled[:, 1].tolist() == [0.0, 0.0, 0.0]


def test_features_are_the_means_of_tokens(folder):
    foundation, task = load_foundation(folder), tones()
    inputs = task.inputs(foundation)
    found = features(foundation, "iq", inputs, "mean", CPU)
    tokens = foundation.model.encode(foundation.model.iq(inputs[20:21]))
    assert found.shape == (len(task.labels), 16)
    np.testing.assert_allclose(found[20], tokens[0, 1:].mean(0).detach().numpy(), atol=1e-5)


def test_training_from_scratch_learns_and_leaves_the_foundation_alone(folder, monkeypatch):
    monkeypatch.setattr(scratch, "LEARNING_RATE", 5e-3)  # a tiny network bears it, and is done sooner
    foundation, task = load_foundation(folder), tones()
    before = foundation.weights_sha256
    arguments = (foundation, task, task.inputs(foundation), task.splits[0])
    predicted = train_from_scratch(*arguments, Budget(60, 12), 0, "mean", CPU)
    assert per_class_accuracy(predicted, task.labels[task.splits[0].test]) > 0.9
    assert foundation.weights_sha256 == before


def test_contenders_are_told_apart_by_what_their_figures_depend_on(folder, tmp_path):
    foundation = load_foundation(folder)
    torch.manual_seed(1)
    save_foundation(tmp_path / "other", {**DESCRIPTION, "name": "o"}, build_model(DESCRIPTION).state_dict())
    other = load_foundation(tmp_path / "other")
    ours, theirs = contenders(foundation, {}, 1.0), contenders(other, {}, 1.0)
    assert [one.weights == two.weights for one, two in zip(ours, theirs, strict=True)] == [False, True, True]
    assert contenders(foundation, {}, 2.0)[2].weights != ours[2].weights
    assert ours[1].foundation(0).weights_sha256 != ours[1].foundation(1).weights_sha256
    other.description["modalities"]["iq"]["signal"] = {"kind": "iq_standard", "mean": [0.0, 0.0], "std": [1.0, 1.0]}
    assert contenders(other, {}, 0.0)[1].weights != ours[1].weights


@pytest.fixture
def small_table(monkeypatch):
    """One quick row and one that is absent, in place of the five; returns how often the quick one was rendered."""
    built = []

    def build(seed):
        built.append(seed)
        return tones(seed)

    def absent(seed):
        raise real.AbsentData("there is no such folder")

    monkeypatch.setattr(table, "ROWS", {"tones": table.Row("iq", build), "gone": table.Row("image", absent)})
    monkeypatch.setattr(command, "ROWS", table.ROWS)
    return built


def test_the_command_prints_writes_and_does_not_compute_twice(folder, small_table, capsys):
    arguments = ["--probe", "--run", str(folder), "--scratch", "0.1", "--device", "cpu"]
    assert evaluate.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "gone: absent: there is no such folder" in printed
    assert "1: 3 of 16, 5: 4 of 16, all: 5 of 32" in printed
    content = json.loads((folder / "probe" / "probe.json").read_text())
    assert len(content["cells"]) == 3 * len(BUDGETS) * len(command.SEEDS)
    assert (folder / "probe" / "probe.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "probe" / "probe.txt").read_text() == printed
    assert small_table == [0, 1, 2]

    # as if killed before its last cell: only that one is computed again, and to the same figures
    kept = {**content, "cells": content["cells"][:-1]}
    (folder / "probe" / "probe.json").write_text(json.dumps(kept))
    assert evaluate.main(arguments) == 0
    assert small_table == [0, 1, 2, 2]
    assert json.loads((folder / "probe" / "probe.json").read_text())["cells"] == content["cells"]


def test_a_row_of_a_modality_that_a_foundation_lacks_is_left_empty(folder, tmp_path):
    foundation = load_foundation(folder)
    foundation.description["modalities"] = {"iq": DESCRIPTION["modalities"]["iq"]}
    results = Results(tmp_path / "r.json")
    rows = {"pictures": table.Row("image", lambda seed: pytest.fail("nobody needs this task"))}
    assert table.fill(results, rows, contenders(foundation, {}, 1.0), (0,), "mean", CPU) == {}
    assert results.cells == {}


def test_mean_and_spread_are_over_the_seeds(folder, small_table, tmp_path, capsys):
    assert evaluate.main(["--probe", "--run", str(folder), "--tasks", "tones", "--out", str(tmp_path / "out")]) == 0
    content = json.loads((tmp_path / "out" / "probe.json").read_text())
    cells = [cell["knn"] for cell in content["cells"] if cell["contender"] == "tiny" and cell["budget"] == 1]
    wanted = {"task": "tones", "budget": 1, "contender": "tiny", "classifier": "knn"}
    line = next(line for line in content["summary"] if wanted.items() <= line.items())
    assert line["mean"] == pytest.approx(np.mean(cells))
    assert line["spread"] == pytest.approx(np.std(cells))


def test_results_of_another_version_are_not_taken(tmp_path):
    cell = {"task": "t", "budget": 1, "seed": 0, "weights": "w", "pooling": "mean", "probe": 0.5}
    Results(tmp_path / "r.json").put(cell)
    assert Results(tmp_path / "r.json").get(task="t", budget=1, seed=0, weights="w", pooling="mean") == cell
    content = json.loads((tmp_path / "r.json").read_text())
    (tmp_path / "r.json").write_text(json.dumps({**content, "version": -1}))
    assert Results(tmp_path / "r.json").cells == {}


def test_the_verdict_counts_wins_and_clear_losses():
    def line(task, contender, mean):
        budget = {"budget": 5, "classifier": "probe", "spread": 0.02}
        return {"task": task, "contender": contender, "mean": mean, **budget}

    means = {"won": (0.6, 0.5), "level": (0.49, 0.5), "lost": (0.4, 0.5)}
    pairs = [(line(task, "f", ours), line(task, "random weights", other)) for task, (ours, other) in means.items()]
    found = verdict([one for pair in pairs for one in pair], "f")
    entry = next(entry for entry in found if entry["classifier"] == "probe" and entry["budget"] == 5)
    assert (entry["wins"], entry["losses"], entry["of"]) == (["won"], ["lost"], 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--compare", "nothing"], "NAME=FOLDER is expected"),
        (["--compare", "tiny={run}"], "'tiny' is taken"),
        (["--scratch", "-1"], "effort of 0 to 1000"),
        (["--json", "{run}/foundation.yaml"], "holds no probe results"),
    ],
)
def test_bad_options_are_named(folder, small_table, capsys, arguments, said):
    arguments = [argument.replace("{run}", str(folder)) for argument in arguments]
    assert evaluate.main(["--probe", "--run", str(folder), *arguments]) == 1
    assert said in capsys.readouterr().err
