# SPDX-License-Identifier: GPL-3.0-or-later
"""A task head's file: all of it comes back, older files too, and what is damaged is refused."""

import json

import numpy as np
import pytest
import safetensors.numpy

from wfm_core.base.errors import WfmError
from wfm_core.model.enrolment.cohort import Cohort, read_cohort
from wfm_core.model.prototypes import Prototypes

WIDTH = 8


def cloud(number: int, count: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng([number, seed]).standard_normal((count, WIDTH)) + 6 * number).astype(np.float32)


def full() -> Prototypes:
    prototypes = Prototypes(1.5, 3, Cohort(cloud(3, 120)), 0.1)
    prototypes.enrol("one", np.concatenate([cloud(0, 20), cloud(9, 20)]))
    prototypes.enrol("zwei/ünî\n", cloud(1, 20))
    for row in np.concatenate([cloud(5, 7), cloud(7, 4)]):
        prototypes.hear(row)
    return prototypes


def state(prototypes: Prototypes) -> dict:
    return {
        "names": prototypes.names,
        "options": (prototypes.margin, prototypes.modes, prototypes.strangers),
        "cohort": None if prototypes.cohort is None else prototypes.cohort.embeddings.tobytes(),
        "clusters": [(one.name, one.heard, one.windows.tobytes()) for one in prototypes.clusters],
        "made": prototypes.clusters.made,
    }


def test_everything_comes_back(tmp_path):
    before, path = full(), tmp_path / "head.safetensors"
    before.save(path)
    after = Prototypes.load(path)
    assert state(after) == state(before) and len(after.clusters) >= 2
    rows = np.concatenate([cloud(number, 10, 5) for number in range(10)])
    assert after.decide(rows) == before.decide(rows)
    assert [after.hear(row).name for row in rows] == [before.hear(row).name for row in rows]
    after.save(tmp_path / "again")
    assert Prototypes.load(tmp_path / "again").modes_of() == before.modes_of() == {"one": 2, "zwei/ünî\n": 1}


def test_the_file_serves_as_a_cohort(tmp_path):
    full().save(tmp_path / "head.safetensors")
    assert np.array_equal(read_cohort(tmp_path / "head.safetensors").embeddings, cloud(3, 120))


def test_a_file_of_the_first_format_is_one_mean_a_class(tmp_path):
    notes = {"wfm_prototypes": "1", "names": json.dumps(["a", "b"]), "margin": "2.5"}
    both = np.concatenate([cloud(0, 20), cloud(9, 20)])
    safetensors.numpy.save_file({"0": both, "1": cloud(4, 20)}, tmp_path / "old", metadata=notes)
    loaded = Prototypes.load(tmp_path / "old")
    assert state(loaded) == {
        "names": ("a", "b"), "options": (2.5, 1, 0.05), "cohort": None, "clusters": [], "made": 0
    }  # fmt: skip
    assert loaded.modes_of() == {"a": 1, "b": 1}


def test_a_file_without_a_cohort_takes_the_given_one(tmp_path):
    prototypes = Prototypes()
    prototypes.enrol("a", cloud(0, 20))
    prototypes.save(tmp_path / "a")
    given = Cohort(cloud(3, 50))
    assert Prototypes.load(tmp_path / "a", given, 0.2).strangers == 0.2
    assert Prototypes.load(tmp_path / "a", given, 0.2).cohort is given
    full().save(tmp_path / "b")
    assert Prototypes.load(tmp_path / "b", given, 0.2).strangers == 0.1  # it has its own


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("modes", "0"),
        ("modes", "-1"),
        ("modes", "many"),
        ("strangers", "0.9"),
        ("strangers", "nan"),
        ("strangers", "0.001"),
        ("margin", "nan"),
        ("clusters", '[["unknown-1", 3]]'),
        ("clusters", '[["unknown-1", true]]'),
        ("clusters", '[["unknown-9", 7]]'),
        ("clusters", '[["garage", 7]]'),
        ("clusters", '[["unknown-1", 7], ["unknown-1", 7]]'),
        ("clusters", '[["unknown-1", 7, 7]]'),
        ("clusters", "7"),
        ("clusters_made", "1" * 400),
        ("names", '["one"'),
        ("names", '["one", "unknown"]'),
        ("wfm_prototypes", "3"),
    ],
)
def test_damaged_files_are_refused(tmp_path, key, value):
    full().save(tmp_path / "good")
    with safetensors.safe_open(tmp_path / "good", "numpy") as file:
        notes, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    safetensors.numpy.save_file(tensors, tmp_path / "bad", metadata={**notes, key: value})
    with pytest.raises(WfmError):
        Prototypes.load(tmp_path / "bad")


@pytest.mark.parametrize("name", ["cohort", "cluster-0", "0"])
@pytest.mark.parametrize("values", [np.full((7, WIDTH), np.nan, np.float32), np.ones((7, 5), np.float32)])
def test_damaged_arrays_are_refused(tmp_path, name, values):
    full().save(tmp_path / "good")
    with safetensors.safe_open(tmp_path / "good", "numpy") as file:
        notes, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    safetensors.numpy.save_file({**tensors, name: values}, tmp_path / "bad", metadata=notes)
    with pytest.raises(WfmError):
        Prototypes.load(tmp_path / "bad")
