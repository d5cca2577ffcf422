# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes are chosen where they may be: what is known of the test changes no recipe and no prediction."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from probe_foundation import DESCRIPTION, tones

from wfm_core.bundle.foundation import build_model, load_foundation, save_foundation
from wfm_core.data.splits import Split
from wfm_core.train.probe import choice, classifiers, networks, table
from wfm_core.train.probe.choice import CHOSEN_AT, choose, judge
from wfm_core.train.probe.contenders import contenders
from wfm_core.train.probe.learners import REGIMES, OnVectors
from wfm_core.train.probe.measures import per_class_accuracy
from wfm_core.train.probe.protocols import CLOSED, OPEN
from wfm_core.train.probe.results import Results
from wfm_core.train.probe.table import Plan
from wfm_core.train.probe.tasks import ALL, BUDGETS, HALF, HIDDEN, Exam, Task

CPU = torch.device("cpu")


@pytest.fixture
def foundation(tmp_path):
    torch.manual_seed(0)
    save_foundation(tmp_path / "tiny", DESCRIPTION, build_model(DESCRIPTION).state_dict())
    return load_foundation(tmp_path / "tiny")


def noisy(labels: np.ndarray) -> Task:
    """Two classes of which half of the hand-made features can be told apart; every seventh example of the other one."""
    generator = np.random.default_rng(3)
    values = generator.standard_normal((len(labels), 4)).astype(np.float32)
    values[:, :2] += np.where(np.arange(len(labels)) % 7 == 0, 1 - labels, labels)[:, None]
    rows = generator.permutation(len(labels))
    split = Split(rows[:40], rows[60:], "half", rows[40:60])
    return Task("noisy", "iq", ("a", "b"), labels, {CLOSED: (split,)}, lambda *_: None, lambda: values)


def labelled(labels: np.ndarray, split: Split, seed: int) -> np.ndarray:
    """`labels` with those of the test in another order."""
    other = labels.copy()
    other[split.test] = np.random.default_rng(seed).permutation(labels[split.test])
    return other


def test_labels_of_the_test_are_hidden_from_whoever_learns():
    task = tones()
    exam = Exam(task, CLOSED, task.protocols[CLOSED][0])
    assert set(exam.labels[exam.split.test]) == {HIDDEN}
    assert np.array_equal(exam.labels[exam.side], task.labels[exam.side])
    assert sorted([*exam.side, *exam.split.test]) == list(range(len(task.labels)))


def test_permuted_test_labels_change_no_recipe_and_no_prediction(foundation, monkeypatch, tmp_path):
    monkeypatch.setattr(classifiers, "TREES", 5)
    monkeypatch.setattr(networks, "MOST_STEPS", 20)
    monkeypatch.setattr(networks, "LOOK_EVERY", 10)
    true = tones(per_class=12)
    split = true.protocols[CLOSED][0]
    everyone = contenders(foundation, {}, REGIMES, 1.0, True)
    found = []
    for number, labels in enumerate((true.labels, labelled(true.labels, split, 1))):
        predicted, scored = [], []
        monkeypatch.setattr(choice, "per_class_accuracy", recording(predicted, scored, len(split.test)))
        results = Results(tmp_path / f"{number}.json")
        task = replace(true, labels=labels)
        row = table.Row("iq", lambda seed, task=task: task)
        assert table.fill(results, {"tones": row}, everyone, Plan((0,), "mean", CPU, (5, ALL))) == {}
        found.append((list(results.choices.values()), predicted, scored))
    (chosen, predicted, scored), (other, same, differently) = found
    assert len(chosen) == 9 * 2 and len(predicted) == len(scored) >= 9 * 2
    assert other == chosen
    assert all(np.array_equal(one, two) for one, two in zip(predicted, same, strict=True))
    assert differently != scored  # the labels do count where they should


def recording(predicted: list, scored: list, size: int):
    """`per_class_accuracy` that keeps what it is given of the test, which has `size` examples."""

    def measured(found: np.ndarray, labels: np.ndarray) -> float:
        if len(labels) == size:
            predicted.append(found)
            scored.append(per_class_accuracy(found, labels))
        return per_class_accuracy(found, labels)

    return measured


def test_the_recipe_that_does_best_on_the_validation_part_is_chosen():
    task = noisy(np.arange(100) % 2)
    exam = Exam(task, CLOSED, task.protocols[CLOSED][0])

    def classifier(train, labels, test, recipe, seed):
        """Right in as many of the examples as the recipe says, whatever the test is."""
        right = np.where(test[:, 0] == -1, 0, 1)
        sure = np.linspace(0, 1, len(test)) < recipe["share"]
        return np.eye(2)[np.where(sure, right, 1 - right)]

    values = np.where(task.labels == 0, -1, 1)[:, None]
    recipes = tuple({"share": share} for share in (0.5, 0.9, 0.7))
    learner = OnVectors(values, 2, classifier, recipes)
    chosen = choose(learner, exam, 5, 0)
    assert chosen["recipe"] == {"share": 0.9} and chosen["validation"] == pytest.approx(0.9, abs=0.06)


def test_a_network_that_learns_from_all_labels_gets_as_many_passes():
    task = tones()
    exam = Exam(task, CLOSED, task.protocols[CLOSED][0])

    class Stub:
        recipes, tries, subsets = ({"rate": 1.0},), 1, 1

        def try_out(self, train, labels, validation, recipe, seed):
            return {**recipe, "steps": 100}, np.eye(3)[labels[validation]]

    assert choose(Stub(), exam, 5, 0)["recipe"]["steps"] == 100
    assert choose(Stub(), exam, ALL, 0)["recipe"]["steps"] == 150  # 36 examples, of which 12 validate


def test_every_budget_has_one_that_its_recipe_is_chosen_at():
    assert set(CHOSEN_AT) == set(BUDGETS)
    assert {CHOSEN_AT[budget] for budget in (1, 5, 10)} == {5} and CHOSEN_AT[HALF] == CHOSEN_AT[ALL] == ALL


def test_an_open_set_is_judged_by_who_is_known():
    labels = np.arange(90) % 3
    generator = np.random.default_rng(0)
    values = np.eye(3)[labels] + 0.05 * generator.standard_normal((90, 3))
    rows = np.flatnonzero(labels < 2)
    split = Split(rows[:20], np.concatenate([rows[40:], np.flatnonzero(labels == 2)]), "1", rows[20:40])
    task = Task("t", "iq", ("a", "b", "c"), labels, {OPEN: (split,)}, lambda *_: None, lambda: values)
    exam = Exam(task, OPEN, split)
    assert exam.known.tolist() == [0, 1]

    def distance(train, labels, test, recipe, seed):
        """The nearer to a class's mean, the higher."""
        return np.stack([-np.linalg.norm(test - train[labels == k].mean(0), axis=1) for k in np.unique(labels)], 1)

    told = judge(OnVectors(values, 3, lambda *a: np.exp(distance(*a)), ({},)), exam, 5, {}, 0)
    assert told["figure"] == 1.0
    told = judge(OnVectors(values, 3, lambda *a: np.exp(-distance(*a)), ({},)), exam, 5, {}, 0)
    assert told["figure"] < 0.5
