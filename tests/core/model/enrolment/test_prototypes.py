# SPDX-License-Identifier: GPL-3.0-or-later
"""Prototype classes over embeddings, on Gaussian clouds whose answers are known."""

import numpy as np
import pytest
import safetensors.numpy

from wfm_core.base.errors import WfmError
from wfm_core.model.enrolment.fit import fit
from wfm_core.model.prototypes import Prototypes

WIDTH = 32
SCALE = np.linspace(0.1, 5.0, WIDTH)  # the wide directions say nothing about the class


def cloud(number: int, count: int, seed: int = 0) -> np.ndarray:
    """Class `number` is moved along one narrow direction."""
    rng = np.random.default_rng([number, seed])
    windows = rng.standard_normal((count, WIDTH)) * SCALE
    windows[:, number] += 6.0
    return windows.astype(np.float32)


def enrolled(classes: int = 4, count: int = 20, **options) -> Prototypes:
    prototypes = Prototypes(**options)
    for number in range(classes):
        prototypes.enrol(f"class-{number}", cloud(number, count))
    return prototypes


def labels(prototypes: Prototypes, windows: np.ndarray) -> list[str]:
    return [decision["label"] for decision in prototypes.decide(windows)]


def test_fresh_windows_are_named_and_a_stranger_is_unknown():
    prototypes = enrolled()
    for number in range(4):
        assert labels(prototypes, cloud(number, 200, seed=1)).count(f"class-{number}") > 180
    assert labels(prototypes, cloud(7, 200, seed=1)).count("unknown") > 180


def test_decision_has_the_fields_of_a_bundles_decision():
    decision = enrolled().decide(cloud(2, 1, seed=2))[0]
    assert (decision["label"], decision["index"]) == ("class-2", 2)
    assert sum(decision["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert decision["score"] == max(decision["probabilities"].values()) > 0.5
    assert 0 < decision["distance"] <= 1
    stranger = enrolled().decide(np.full((1, WIDTH), 100.0))[0]
    assert stranger["index"] == -1 and stranger["distance"] > 1


def test_left_out_accuracy_foretells_fresh_windows():
    prototypes = enrolled(count=30)
    fresh = np.mean([labels(prototypes, cloud(k, 300, seed=3)).count(f"class-{k}") / 300 for k in range(4)])
    assert prototypes.leave_one_out_accuracy() == pytest.approx(fresh, abs=0.08)


def test_threshold_is_that_of_windows_left_out_one_by_one():
    """A class of three: each window against the other two, whose covariance is diagonal as nothing else can be told."""
    rows = np.array([[0.0, 0.0], [2.0, 1.0], [4.0, 5.0]])
    logs = []
    for i in range(3):
        others = np.delete(rows, i, 0)
        variance = np.square(others - others.mean(0)).sum(0)
        logs.append(0.5 * np.log((np.square(rows[i] - others.mean(0)) / variance).sum()))
    wanted = np.exp(np.mean(logs) + 2 * np.std(logs, ddof=1))
    assert fit([rows], 2.0).thresholds[0] == pytest.approx(wanted, rel=1e-6)


def test_larger_margin_says_unknown_less_often():
    windows = cloud(0, 300, seed=4)
    counts = [labels(enrolled(margin=margin), windows).count("unknown") for margin in (0.5, 2.0, 4.0)]
    assert counts[0] > counts[1] >= counts[2]


def test_save_and_load_answer_alike(tmp_path):
    prototypes = enrolled(margin=1.5)
    prototypes.save(tmp_path / "p.safetensors")
    loaded = Prototypes.load(tmp_path / "p.safetensors")
    windows = cloud(1, 5, seed=5)
    assert loaded.names == prototypes.names and loaded.decide(windows) == prototypes.decide(windows)


def test_forgotten_class_is_never_answered():
    prototypes = enrolled()
    prototypes.forget("class-1")
    assert prototypes.names == ("class-0", "class-2", "class-3")
    assert "class-1" not in labels(prototypes, cloud(1, 50, seed=6))
    with pytest.raises(WfmError, match="no class 'class-1'.*class-0"):
        prototypes.forget("class-1")


def test_no_class_means_unknown():
    assert Prototypes().decide(cloud(0, 2))[1]["label"] == "unknown"


@pytest.mark.parametrize(
    ("name", "windows", "words"),
    [
        ("x", cloud(0, 2), "at least 3"),
        ("x", cloud(0, 5)[:, :8], "width 32"),
        ("x", np.full((5, WIDTH), np.nan), "not finite"),
        ("x", np.ones((5, WIDTH)), "all alike"),
        ("unknown", cloud(0, 5), "class name"),
        ("", cloud(0, 5), "class name"),
    ],
)
def test_bad_enrolment_is_refused_and_changes_nothing(name, windows, words):
    prototypes = enrolled(classes=1)
    with pytest.raises(WfmError, match=words):
        prototypes.enrol(name, windows)
    assert prototypes.names == ("class-0",)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text").write_text("no safetensors")
    safetensors.numpy.save_file({"0": cloud(0, 4)}, tmp_path / "other")
    for name in ("text", "other", "absent"):
        with pytest.raises(WfmError, match="prototypes"):
            Prototypes.load(tmp_path / name)
