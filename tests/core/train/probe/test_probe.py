# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe: fair draws, classifiers that learn and measure right, results that survive, rows that say why not."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from probe_foundation import DESCRIPTION, tones
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from wfm_core.bundle.foundation import build_model, load_foundation, save_foundation
from wfm_core.cli import evaluate
from wfm_core.train.probe import classifiers, command, networks, real, table
from wfm_core.train.probe.classifiers import linear, nearest_neighbours
from wfm_core.train.probe.contenders import contenders, pooling
from wfm_core.train.probe.features import features, standardised
from wfm_core.train.probe.learners import REGIMES
from wfm_core.train.probe.measures import open_set_auroc, per_class_accuracy
from wfm_core.train.probe.networks import SCRATCH, Network
from wfm_core.train.probe.protocols import CLOSED
from wfm_core.train.probe.results import Results
from wfm_core.train.probe.summary import verdict
from wfm_core.train.probe.table import Plan
from wfm_core.train.probe.tasks import ALL, BUDGETS, HALF, HEIGHT, WIDTH, Exam, draws

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


@pytest.fixture
def quick(monkeypatch):
    """A tiny network bears a high rate, and is done sooner; a few trees tell three classes apart."""
    monkeypatch.setattr(classifiers, "TREES", 5)
    monkeypatch.setattr(networks, "RATES", dict.fromkeys(networks.RATES, (1e-2,)))
    monkeypatch.setattr(networks, "NOISE", 0.1)
    monkeypatch.setattr(networks, "MOST_STEPS", 60)


def exam(**options) -> Exam:
    task = tones(**options)
    return Exam(task, CLOSED, task.protocols[CLOSED][0])


def network_of(foundation, regime: str, asked: Exam, effort: float = 1.0) -> Network:
    inputs = asked.task.inputs(foundation, asked.side)
    return Network(foundation, regime, "iq", inputs, asked.side, 3, "mean", CPU, effort=effort)


def test_a_budget_is_so_many_examples_per_class_and_the_same_for_everyone():
    labels = np.repeat([0, 1, 2], [10, 10, 4])
    side = np.random.default_rng(0).permutation(24)[:20]
    available = np.bincount(labels[side], minlength=3)
    for budget, sizes in {5: np.minimum(available, 5), HALF: -(-available // 2), ALL: available}.items():
        subsets = draws(labels, side, budget, 1, 4)
        assert len(subsets) == (1 if budget == ALL else 4)
        for subset in subsets:
            assert set(subset) <= set(side) and len(set(subset)) == len(subset)
            assert np.array_equal(np.bincount(labels[subset], minlength=3), sizes)
    first, again, other = (draws(labels, side, 5, seed, 4) for seed in (1, 1, 2))
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert any(not np.array_equal(one, two) for one, two in zip(first, other, strict=True))


def vote(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> list[int]:
    return nearest_neighbours(train, labels, test, {}, 0).argmax(1).tolist()


def test_neighbours_vote_by_cosine():
    train = np.array([[1.0, 0.0], [5.0, 0.5], [0.0, 1.0], [0.1, 9.0]])
    labels = np.array([0, 0, 1, 1])
    # nearest by distance is the first row of class 0, by angle class 1
    assert vote(train, labels, np.array([[0.4, 0.5], [100.0, 1.0]])) == [1, 0]


def test_a_tie_goes_to_the_more_similar_class():
    train = np.array([[1.0, 0.1], [1.0, 3.0], [1.0, 0.0], [1.0, 4.0]])
    # two neighbours, one of each class: those of 0 lie nearer
    labels = np.array([0, 0, 1, 1])
    assert vote(train, labels, np.array([[1.0, 0.2]])) == [0]
    assert vote(train, 1 - labels, np.array([[1.0, 0.2]])) == [1]


def test_neighbours_are_five_or_as_many_as_the_smallest_class():
    near, far = [1.0, 0.0], [0.9, 0.3]
    test = np.array([[1.0, 0.0]])
    # one example of class 0 is the nearest: alone it wins, against four of the next five it loses
    assert vote(np.array([near, far]), np.array([0, 1]), test) == [0]
    train = np.array([near] + 5 * [far] + 4 * [[-1.0, 0.0]])
    assert vote(train, np.array([0] + 5 * [1] + 4 * [0]), test) == [1]


@pytest.mark.parametrize("recipe", [{"C": 1.0}, {"alpha": 1.0}])
def test_the_linear_classifier_separates_what_a_line_can(recipe):
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    train = np.eye(3)[labels] + 0.1 * generator.standard_normal((60, 3))
    found = linear(train[:30], labels[:30], train[30:], recipe, 0)
    assert found.shape == (30, 3) and np.allclose(found.sum(1), 1)
    assert per_class_accuracy(found.argmax(1), labels[30:]) == 1.0
    two = linear(train[labels < 2][:20], labels[labels < 2][:20], train[labels < 2][20:], recipe, 0)
    assert two.shape == (20, 2) and per_class_accuracy(two.argmax(1), labels[labels < 2][20:]) == 1.0


@pytest.mark.parametrize(
    ("recipe", "estimator"), [({"C": 0.1}, LogisticRegression), ({"alpha": 10.0}, RidgeClassifier)]
)
def test_few_examples_of_many_numbers_are_learnt_from_in_their_own_space(recipe, estimator):
    generator = np.random.default_rng(1)
    labels = np.arange(24) % 3
    values = generator.standard_normal((84, 200)).astype(np.float32)
    values[:24, :3] += np.eye(3)[labels]
    found = linear(values[:24], labels, values[24:], recipe, 0)
    plain = estimator(**recipe, **({"max_iter": 2000, "tol": 1e-8} if "C" in recipe else {})).fit(values[:24], labels)
    assert (found.argmax(1) == plain.predict(values[24:])).all()


def test_accuracy_is_the_mean_over_classes_not_examples():
    labels = np.array([0, 0, 0, 0, 1])
    assert per_class_accuracy(np.zeros(5, int), labels) == 0.5


def test_open_set_asks_whether_known_classes_have_the_higher_scores():
    labels = np.array([0, 1, 2, 2])
    sure = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0], [0.5, 0.5, 0.0]])
    assert open_set_auroc(sure, labels, np.array([0, 1])) == 1.0
    assert open_set_auroc(sure[::-1], labels, np.array([0, 1])) == 0.0


def test_standardised_uses_the_pool_alone_and_bears_a_constant_feature():
    values = np.array([[0.0, 3.0], [2.0, 3.0], [100.0, 3.0]])
    scaled = standardised(values, np.array([0, 1]))
    assert scaled[:, 0].tolist() == [-1.0, 1.0, 99.0]
    assert scaled[:, 1].tolist() == [0.0, 0.0, 0.0]


def test_features_are_the_means_of_tokens(folder):
    foundation, asked = load_foundation(folder), exam()
    inputs = asked.task.inputs(foundation, asked.side)
    found = features(foundation, "iq", inputs, "mean", CPU)
    tokens = foundation.model.encode(foundation.model.iq(inputs[20:21]))
    assert found.shape == (len(asked.labels), 16)
    np.testing.assert_allclose(found[20], tokens[0, 1:].mean(0).detach().numpy(), atol=1e-5)


def test_images_of_another_size_and_more_channels_go_through_one_by_one(folder):
    foundation = load_foundation(folder)
    images = torch.randn(3, 2, 48, 16)
    found = features(foundation, "image", images, "mean", CPU)
    assert found.shape == (3, 2 * 16) and (foundation.model.image.height, foundation.model.image.width) == (32, 32)
    np.testing.assert_allclose(found[:, 16:], features(foundation, "image", images[:, 1:], "mean", CPU), atol=1e-6)


@pytest.mark.parametrize("regime", [*(one for one in REGIMES if one not in ("frozen", "knn")), SCRATCH])
def test_every_regime_learns_and_leaves_the_foundation_alone(folder, quick, regime):
    foundation, asked = load_foundation(folder), exam()
    before = foundation.weights_sha256
    network = network_of(foundation, regime, asked)
    recipe = networks.recipes(regime)[0]
    if regime != SCRATCH:
        recipe["head"] = {"C": 1.0}
    found = network.trained(asked.side, asked.labels, asked.split.test, {**recipe, "steps": 60}, 0)
    assert per_class_accuracy(found.argmax(1), asked.task.labels[asked.split.test]) > 0.9
    again = network.trained(asked.side, asked.labels, asked.split.test, {**recipe, "steps": 60}, 0)
    assert np.array_equal(found, again)
    assert foundation.weights_sha256 == before


def test_training_goes_on_until_the_validation_loss_stops_falling(folder, quick, monkeypatch):
    foundation, asked = load_foundation(folder), exam()
    monkeypatch.setattr(networks, "LOOK_EVERY", 5)
    monkeypatch.setattr(networks, "PATIENCE", 3)
    losses = iter([1.0, 0.5, 0.7, 0.4, 0.4, 0.6, 0.5, 0.1])
    looks = []
    monkeypatch.setattr(networks, "log_loss", lambda *_: looks.append(next(losses)) or looks[-1])
    split, recipe = asked.split, networks.recipes(SCRATCH)[0]
    found, _ = network_of(foundation, SCRATCH, asked).until_it_stops(
        split.train, asked.labels, split.validation, recipe, 0
    )
    assert (found, len(looks)) == ({**recipe, "steps": 20}, 7)
    losses = iter(np.linspace(1, 0, 13))
    looks.clear()
    found, _ = network_of(foundation, SCRATCH, asked, 0.5).until_it_stops(
        split.train, asked.labels, split.validation, recipe, 0
    )
    assert (found["steps"], len(looks)) == (30, 6)  # it fell to the end of what half an effort allows


@pytest.mark.parametrize("head", [{"C": 0.1}, {"alpha": 100.0}])
@pytest.mark.parametrize("labelled", [10, 15])  # of two classes, of all three
def test_fine_tuning_begins_with_the_linear_classifier_on_frozen_features(folder, head, labelled):
    foundation, asked = load_foundation(folder), exam()
    network = network_of(foundation, "lora", asked)
    network.bf16 = False
    train = draws(asked.labels, asked.side, 5, 0, 1)[0][:labelled]
    begun = network.trained(train, asked.labels, asked.split.test, {"rate": 1e-3, "head": head, "steps": 0}, 0)
    frozen = features(foundation, "iq", asked.task.inputs(foundation, asked.side), "mean", CPU)
    values = standardised(frozen, asked.side)
    known = np.unique(asked.labels[train])
    expected = linear(values[train], asked.labels[train], values[asked.split.test], head, 0)
    np.testing.assert_allclose(begun[:, known], expected, atol=2e-3)


def test_where_training_only_harms_nothing_is_trained(folder, quick, monkeypatch):
    foundation, asked = load_foundation(folder), exam()
    monkeypatch.setattr(networks, "LOOK_EVERY", 5)
    monkeypatch.setattr(networks, "RATES", dict.fromkeys(networks.RATES, (30.0,)))
    split, recipe = asked.split, networks.recipes("lora")[0]
    found, _ = network_of(foundation, "lora", asked).until_it_stops(
        split.train, asked.labels, split.validation, recipe, 0
    )
    assert found["steps"] == 0 and found["head"] in classifiers.LINEAR_RECIPES


def test_contenders_are_told_apart_by_what_their_figures_depend_on(folder, tmp_path):
    foundation = load_foundation(folder)
    torch.manual_seed(1)
    save_foundation(tmp_path / "other", {**DESCRIPTION, "name": "o"}, build_model(DESCRIPTION).state_dict())
    other = load_foundation(tmp_path / "other")
    everyone = (("frozen", "lora"), 1.0, True)
    ours, theirs = contenders(foundation, {}, *everyone), contenders(other, {}, *everyone)
    assert [one.weights == two.weights for one, two in zip(ours, theirs, strict=True)] == [False, True, True, True]
    assert [one.regimes for one in ours] == [("frozen", "lora"), ("frozen",), ("scratch",), ("forest",)]
    assert contenders(foundation, {}, ("lora",), 2.0)[1].weights != ours[2].weights
    assert ours[1].foundation(0).weights_sha256 != ours[1].foundation(1).weights_sha256
    other.description["modalities"]["iq"]["signal"] = {"kind": "iq_standard", "mean": [0.0, 0.0], "std": [1.0, 1.0]}
    assert contenders(other, {}, ("frozen",))[1].weights != ours[1].weights


@pytest.fixture
def small_table(monkeypatch):
    """One quick row and one that is absent, in place of the real ones; returns how often the quick one was rendered."""
    rendered = []

    def absent(seed):
        raise real.AbsentData("there is no such folder")

    rows = {
        "tones": table.Row("iq", lambda seed: tones(seed, rendered=rendered), True),
        "gone": table.Row("image", absent),
    }
    monkeypatch.setattr(table, "ROWS", rows)
    monkeypatch.setattr(command, "ROWS", rows)
    return rendered


def test_the_command_prints_writes_and_does_not_compute_twice(folder, small_table, quick, capsys):
    arguments = ["--probe", "--run", str(folder), "--scratch", "0.5", "--forest", "--device", "cpu", "--seeds", "2"]
    arguments += ["--regimes", "frozen", "knn", "lora"]
    assert evaluate.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "gone: absent: there is no such folder" in printed
    assert "tones, closed set: mean per-class accuracy (%), 2 seeds, fold half" in printed
    content = json.loads((folder / "probe" / "probe.json").read_text())
    # three regimes of the foundation, two of random weights, from scratch, the forest
    assert len(content["cells"]) == 7 * len(BUDGETS) * 2
    assert len(content["choices"]) == 7 * 2 * 2
    assert all(cell["recipe"]["steps"] <= 38 for cell in content["cells"] if cell["regime"] == "scratch")
    assert (folder / "probe" / "probe.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "probe" / "probe.txt").read_text() == printed
    assert (folder / "probe" / "probe.md").read_text().startswith("|  | labels per class | 1 | 5 |")
    assert small_table == [0, 1]

    # as if killed before its last cell: only that one is computed again, with the recipe that was chosen
    kept = {**content, "cells": content["cells"][:-1]}
    (folder / "probe" / "probe.json").write_text(json.dumps(kept))
    assert evaluate.main(arguments) == 0
    assert small_table == [0, 1, 1]
    again = json.loads((folder / "probe" / "probe.json").read_text())
    assert again == content


def test_only_what_is_asked_for_is_computed(folder, small_table, tmp_path, capsys):
    arguments = ["--probe", "--run", str(folder), "--tasks", "tones", "--out", str(tmp_path), "--seeds", "1"]
    assert evaluate.main([*arguments, "--regimes", "knn", "--labels", "5", "all"]) == 0
    cells = json.loads((tmp_path / "probe.json").read_text())["cells"]
    assert [(cell["contender"], cell["regime"], cell["budget"]) for cell in cells] == [
        (name, "knn", budget) for name in ("tiny", "random weights") for budget in (5, "all")
    ]
    assert evaluate.main([*arguments, "--protocols", "other person"]) == 0
    assert len(json.loads((tmp_path / "probe.json").read_text())["cells"]) == 4
    another = [*arguments, "--regimes", "knn", "--labels", "5", "--first-seed", "4", "--json", str(tmp_path / "4.json")]
    assert evaluate.main(another) == 0
    assert {cell["seed"] for cell in json.loads((tmp_path / "4.json").read_text())["cells"]} == {4}


def test_images_are_pooled_over_time_unless_another_way_is_asked_for():
    images = [replace(tones(), modality="image", time_axis=axis) for axis in (WIDTH, HEIGHT, None)]
    assert [pooling("usual", task) for task in (*images, tones())] == ["rows", "columns", "mean", "mean"]
    assert {pooling("cls", task) for task in (*images, tones())} == {"cls"}


def test_a_row_of_a_modality_that_a_foundation_lacks_is_left_empty(folder, tmp_path):
    foundation = load_foundation(folder)
    foundation.description["modalities"] = {"iq": DESCRIPTION["modalities"]["iq"]}
    results = Results(tmp_path / "r.json")
    rows = {"pictures": table.Row("image", lambda seed: pytest.fail("nobody needs this task"))}
    everyone = contenders(foundation, {}, REGIMES, 1.0, True)
    assert table.fill(results, rows, everyone, Plan((0,), "mean", CPU)) == {}
    assert results.cells == {}


def test_mean_and_spread_are_over_the_seeds(folder, small_table, tmp_path, capsys):
    assert evaluate.main(["--probe", "--run", str(folder), "--tasks", "tones", "--out", str(tmp_path / "out")]) == 0
    content = json.loads((tmp_path / "out" / "probe.json").read_text())
    wanted = {"task": "tones", "budget": 1, "contender": "tiny", "regime": "knn"}
    cells = [cell["figure"] for cell in content["cells"] if wanted.items() <= cell.items()]
    line = next(line for line in content["summary"] if wanted.items() <= line.items())
    assert len(cells) == 3 and line["protocol"] == CLOSED
    assert line["mean"] == pytest.approx(np.mean(cells)) and line["seeds"] == pytest.approx(cells)
    assert line["spread"] == pytest.approx(np.std(cells))
    assert line["folds"] == pytest.approx({"half": np.mean(cells)})


def test_results_of_another_version_are_kept_but_not_taken(tmp_path):
    key = {"task": "t", "protocol": CLOSED, "fold": "1", "budget": 1, "seed": 0, "weights": "w", "regime": "lp"}
    key |= {"pooling": "mean"}
    path = tmp_path / "r.json"
    Results(path).put({**key, "figure": 0.5})
    assert Results(path).get(**key) == {**key, "figure": 0.5}
    old = {**json.loads(path.read_text()), "version": 1}
    path.write_text(json.dumps(old))
    results = Results(path)
    assert results.cells == {} and json.loads(path.read_text()) == old
    results.put({**key, "figure": 0.6})
    assert Results(path).get(**key)["figure"] == 0.6
    assert json.loads((tmp_path / "r.version1.json").read_text()) == old


def test_the_verdict_counts_wins_and_clear_losses():
    def line(task, contender, regime, mean):
        fixed = {"protocol": CLOSED, "budget": 5, "spread": 0.02}
        return {"task": task, "contender": contender, "regime": regime, "mean": mean, **fixed}

    means = {"won": (0.6, 0.5), "level": (0.49, 0.5), "lost": (0.4, 0.5)}
    summary = []
    for task, (ours, other) in means.items():
        summary += [line(task, "f", "frozen", ours), line(task, "f", "lora", 0.3)]
        summary += [line(task, "random weights", "frozen", other), line(task, "forest", "forest", other)]
    found = {(entry["regime"], entry["rival"]): entry for entry in verdict(summary, "f")}
    assert set(found) == {("frozen", "random weights"), ("frozen", "forest"), ("lora", "forest")}
    for rival in ("random weights", "forest"):
        entry = found["frozen", rival]
        assert (entry["wins"], entry["losses"]) == ([f"won, {CLOSED}"], [f"lost, {CLOSED}"])
        assert (entry["of"], entry["budget"]) == (3, 5)
    assert len(found["lora", "forest"]["losses"]) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--compare", "nothing"], "NAME=FOLDER is expected"),
        (["--compare", "tiny={run}"], "'tiny' is taken"),
        (["--compare", "forest={run}"], "'forest' is taken"),
        (["--scratch", "-1"], "effort of 0 to 1000"),
        (["--seeds", "0"], "--seeds 0: a number of 1 to 100"),
        (["--first-seed", "-1"], "--first-seed -1: a number of 0 to 1048575"),
        (["--json", "{run}/foundation.yaml"], "holds no probe results"),
    ],
)
def test_bad_options_are_named(folder, small_table, capsys, arguments, said):
    arguments = [argument.replace("{run}", str(folder)) for argument in arguments]
    assert evaluate.main(["--probe", "--run", str(folder), *arguments]) == 1
    assert said in capsys.readouterr().err
