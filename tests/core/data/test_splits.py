# SPDX-License-Identifier: GPL-3.0-or-later
"""Splits keep recordings and persons on one side, say what leaks, and name every fault."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.data.splits import METHODS, Split, make_split, require_apart, shared_values

NAMES = ("box", "fall", "run", "walk")


def windows(classes=4, sources=5, each=4, persons=3):
    """Every class in `sources` recordings of `each` windows; person and run go round with the recordings."""
    label = np.repeat(np.arange(classes), sources * each)
    number = np.repeat(np.arange(classes * sources), each)
    groups = {
        "source": np.array([f"r{n}" for n in number]),
        "person": np.array([f"p{n % persons}" for n in number]),
        "run": np.array([str(n % sources) for n in number]),
    }
    return label, groups


def refused(reason, *arguments, **options):
    with pytest.raises(WfmError, match=reason) as caught:
        make_split(*arguments, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "method", ["random", "stratified", "group:source", "group:run", "leave:person=p1", "hold:run=3,4", "every:3"]
)
def test_every_window_is_on_exactly_one_side(method):
    label, groups = windows()
    split = make_split(label, groups, method, seed=1)
    assert split.train.dtype == split.test.dtype == np.int64
    assert np.array_equal(np.sort(np.concatenate([split.train, split.test])), np.arange(len(label)))
    assert set(label[split.train]) == set(label[split.test]) == {0, 1, 2, 3}
    assert method in split.description and f"{len(split.train)} windows train" in split.description


def test_random_and_stratified_take_the_share():
    label = np.array([0] * 90 + [1] * 10)
    split = make_split(label, {}, "random", 0, test=0.3)
    assert len(split.test) == 30
    split = make_split(label, {}, "stratified", 0, test=0.3)
    assert np.bincount(label[split.test]).tolist() == [27, 3]
    rare = make_split(np.array([0] * 90 + [1] * 2), {}, "stratified", 0, test=0.1)
    assert (np.array([0] * 90 + [1] * 2)[rare.test] == 1).sum() == 1, "a class of two has one on either side"


def test_the_seed_decides():
    label, groups = windows()
    for method in ("random", "stratified", "group:source"):
        one, same, other = (make_split(label, groups, method, seed) for seed in (1, 1, 2))
        assert np.array_equal(one.test, same.test)
        assert not np.array_equal(one.test, other.test), method


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_whole_and_classes_balanced(seed):
    generator = np.random.default_rng(seed)
    label, source = [], []
    for k in range(4):
        for n in range(20 + 10 * k):
            size = int(generator.integers(1, 6))
            label += [k] * size
            source += [f"{k}/{n}"] * size
    label, source = np.array(label), np.array(source)
    split = make_split(label, {"source": source}, "group:source", seed, test=0.25)
    assert shared_values(split, source) == []
    assert "no source is on both sides" in split.description and "leak" not in split.description
    share = np.bincount(label[split.test]) / np.bincount(label)
    assert np.abs(share - 0.25).max() < 0.07, "off by about half a group at most"


def test_a_class_of_few_large_groups_still_has_both_sides():
    # a fifth of `fall` is less than half of its smallest recording, which balance alone would leave in training
    label = np.array([0] * 40 + [1] * 25)
    source = np.array([f"a{n // 2}" for n in range(40)] + ["b0"] * 10 + ["b1"] * 15)
    for seed in range(10):
        split = make_split(label, {"source": source}, "group:source", seed)
        assert set(source[split.test]) & {"b0", "b1"} == {"b0"}


def test_persons_who_do_everything_are_parted_whole():
    label, groups = windows(persons=2)
    groups["person"] = np.where(np.arange(len(label)) % 2, "p0", "p1")
    split = make_split(label, groups, "group:person", 0)
    assert len(set(groups["person"][split.test])) == len(set(groups["person"][split.train])) == 1


def test_random_splits_say_that_recordings_leak():
    label, groups = windows()
    for method in ("random", "stratified"):
        split = make_split(label, groups, method, 0)
        assert f"leaks: {len(shared_values(split, groups['source']))} of 20 recordings" in split.description
        with pytest.raises(WfmError, match="values of the group 'source' are on both sides"):
            require_apart(split, groups, "source")
    single = {"source": np.arange(len(label)).astype(str)}
    assert "leak" not in make_split(label, single, "random", 0).description, "a window each: nothing leaks"
    assert "may leak" in make_split(label, {}, "random", 0).description, "recordings are not known"


def test_held_out_values_are_the_test():
    label, groups = windows()
    for method, name, values in (("leave:person=p2", "person", {"p2"}), ("hold:run=1, 4", "run", {"1", "4"})):
        split = make_split(label, groups, method, 0)
        assert set(groups[name][split.test]) == values
        assert not set(groups[name][split.train]) & values
    numbers = groups | {"run": groups["run"].astype(np.int64)}
    split = make_split(label, numbers, "hold:run=1,4", 0)
    assert set(numbers["run"][split.test]) == {1, 4}


def test_official_is_what_the_owners_say():
    label, groups = windows()
    groups["official"] = np.where(np.arange(len(label)) % 4 == 0, "test", "train")
    split = make_split(label, groups, "official", 0)
    assert split.test.tolist() == list(range(0, 80, 4))
    refused("holds val; expected train and test", label, {"official": np.full(80, "val")}, "official", 0)
    refused("unknown group 'official'.*nearest", label, windows()[1], "official", 0)


def test_every_third_recording_of_a_class_in_the_order_of_the_set():
    label = np.array([0] * 8 + [1] * 6)
    source = np.array(["z", "z", "b", "b", "a", "a", "c", "c", "q", "r", "s", "t", "u", "v"])
    split = make_split(label, {"source": source}, "every:3", 0)
    assert split.test.tolist() == [4, 5, 10, 13]
    assert "leak" not in split.description
    split = make_split(label, {}, "every:3", 0)
    assert split.test.tolist() == [2, 5, 10, 13], "without sources a window is a recording"


def test_positions_are_split_too():
    position = np.random.default_rng(0).random((40, 3)).astype(np.float32)
    groups = {"run": np.repeat(["1", "2", "3", "4"], 10)}
    assert len(make_split(position, groups, "random", 0).test) == 8
    assert set(groups["run"][make_split(position, groups, "hold:run=3,4", 0).test]) == {"3", "4"}
    assert len(make_split(position, groups, "group:run", 0, test=0.25).test) == 10
    assert make_split(position, groups, "every:4", 0).test.tolist() == list(range(3, 40, 4))
    refused("positions, which have no classes", position, groups, "stratified", 0)


def test_a_split_survives_json():
    label, groups = windows()
    split = make_split(label, groups, "group:source", 3)
    read = Split.from_json(json.loads(json.dumps(split.to_json())))
    assert read.train.dtype == np.int64 and read.description == split.description
    assert np.array_equal(read.train, split.train) and np.array_equal(read.test, split.test)


def test_labels_on_one_side_are_named():
    label = np.array([0] * 10 + [1] * 10)
    source = {"source": np.array([f"a{n}" for n in range(10)] + ["b"] * 10)}
    refused("in training only: fall.*both sides", label, source, "group:source", 0, names=NAMES)
    room = {"room": np.array(["lab"] * 10 + ["hall"] * 10)}
    refused("in the test only: fall.*both sides", label, room, "hold:room=hall", 0, names=NAMES)
    refused("only: 1;", label, room, "hold:room=hall", 0)
    refused("in training only: fall", label[:13], {}, "every:10", 0, names=NAMES)
    official = {"official": np.array(["train"] * 5 + ["test"] * 5 + ["train"] * 10)}
    refused("in training only: fall", label, official, "official", 0, names=NAMES)


def test_a_class_that_a_held_out_person_never_did_is_said():
    label = np.array([0, 0, 0, 1, 1, 1])
    person = {"person": np.array(["p0", "p0", "p1", "p0", "p0", "p0"])}
    split = make_split(label, person, "leave:person=p1", 0, names=NAMES)
    assert split.test.tolist() == [2]
    assert "no windows to test of: fall" in split.description


def test_a_class_of_one_window_is_named():
    refused("classes of one window: run;", np.array([0, 0, 1, 1, 2]), {}, "random", 0, names=NAMES)
    refused("1 windows to split", np.zeros((1, 3), np.float32), {}, "random", 0)


def test_wrong_requests_are_named():
    label, groups = windows()
    refused("unknown split 'stratifed'.*nearest.*'stratified'", label, groups, "stratifed", 0)
    refused("unknown group 'sorce'.*nearest.*'source'", label, groups, "group:sorce", 0)
    refused("no window has person 'p9'.*nearest.*'p", label, groups, "leave:person=p9", 0)
    refused("no groups of this set", label, {}, "group:source", 0)
    refused("has 1 value .lab.; two or more", label, {"room": np.full(80, "lab")}, "group:room", 0)
    refused("no windows to train", label, groups, "hold:person=p0,p1,p2", 0)
    refused("expected the form leave:NAME=VALUE", label, groups, "leave:person", 0)
    refused("expected the form random", label, groups, "random:3", 0)
    refused("expected the form group:NAME", label, groups, "group", 0)
    refused("2 or more, such as every:3", label, groups, "every:1", 0)
    refused("test share 20; expected", label, groups, "random", 0, test=20)
    assert len(METHODS) == 7


def realdata(name):
    folder = os.environ.get("WFM_REALDATA", Path(__file__).parents[4] / "shared" / "realdata")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"no {path}: set WFM_REALDATA to the folder of real recordings")
    return path


def test_the_recordings_of_ism_split_as_its_readme_counts():
    devices = [json.loads(path.read_text())["annotations"][0]["core:label"] for path in _metadata(realdata("ism"))]
    names, label, count = np.unique(devices, return_inverse=True, return_counts=True)
    kept = np.flatnonzero(count[label] >= 5)
    split = make_split(label[kept], {"source": kept.astype(str)}, "every:3", 0, names=names)
    assert (len(split.train), len(split.test)) == (79, 33)


def _metadata(folder):
    return sorted(folder.glob("*.sigmf-meta"))


def test_the_persons_of_csi_har_are_left_out_one_by_one():
    with np.load(realdata("csi_har/har11.npz")) as archive:
        names, label = np.unique(archive["activity"], return_inverse=True)
        groups = {"person": archive["person"], "source": archive["source"]}
    for person in np.unique(groups["person"]):
        split = make_split(label, groups, f"leave:person={person}", 0, names=names)
        assert shared_values(split, groups["person"]) == []
        assert len(split.test) >= 100
    split = make_split(label, groups, "group:source", 0, test=0.25, names=names)
    assert shared_values(split, groups["source"]) == []
