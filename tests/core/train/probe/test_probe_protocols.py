# SPDX-License-Identifier: GPL-3.0-or-later
"""Protocols hold out what they say they do, and nothing of it is on the training side."""

import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.train.probe.protocols import CLOSED, FOLDS, OPEN, OPEN_FOLDS, RECORDING, protocols

PERSONS = np.repeat(["ann", "bob", "cid", "dan"], 30)
LABELS = np.tile(np.arange(3).repeat(10), 4)
RECORDINGS = np.arange(120) // 2


def sides(split) -> tuple[set, set, set]:
    return set(split.train.tolist()), set(split.validation.tolist()), set(split.test.tolist())


def test_a_closed_set_has_every_class_everywhere_and_parts_no_recording():
    folds = protocols(LABELS, {RECORDING: RECORDINGS})[CLOSED]
    assert len(folds) == FOLDS
    tested = []
    for split in folds:
        train, validation, test = sides(split)
        assert not train & validation and not (train | validation) & test
        assert train | validation | test == set(range(120))
        whole = [set(RECORDINGS[list(side)]) for side in (train, validation, test)]
        assert not (whole[0] & whole[1] or whole[0] & whole[2] or whole[1] & whole[2])
        assert all(np.bincount(LABELS[list(side)], minlength=3).min() > 0 for side in (train, validation, test))
        tested += sorted(test)
    assert sorted(tested) == list(range(120))


def test_the_rarest_class_says_how_many_folds_there_are():
    labels = np.array([0] * 10 + [1] * 3)
    assert len(protocols(labels, {})[CLOSED]) == 3
    with pytest.raises(WfmError, match="a class of 2 recordings"):
        protocols(np.array([0] * 10 + [1] * 2), {})


def test_leaving_one_out_leaves_out_all_of_it_and_validates_on_another():
    found = protocols(LABELS, {"person": PERSONS, RECORDING: RECORDINGS})
    assert list(found) == [CLOSED, "other person"]
    for split in found["other person"]:
        assert set(PERSONS[split.test]) == {split.description} and len(split.test) == 30
        (validated,) = set(PERSONS[split.validation])
        assert set(PERSONS[split.train]) == {"ann", "bob", "cid", "dan"} - {split.description, validated}


def test_of_two_values_recordings_of_the_other_one_validate():
    device = np.where(np.arange(120) < 60, "a", "b")
    for split in protocols(LABELS, {"device": device, RECORDING: RECORDINGS})["other device"]:
        train, validation, test = sides(split)
        assert set(device[list(test)]) == {split.description} and len(test) == 60
        assert not set(RECORDINGS[list(train)]) & set(RECORDINGS[list(validation)])
        assert set(LABELS[list(train)]) == set(LABELS[list(validation)]) == {0, 1, 2}


def test_nobody_is_asked_for_a_class_that_the_training_side_lacks():
    labels = LABELS.copy()
    labels[:10] = 7  # ann's alone
    split = protocols(labels, {"person": PERSONS})["other person"][0]
    assert split.description == "ann" and set(labels[split.test]) == {1, 2}
    assert not set(range(10)) & set(split.train) | set(split.validation) & set(range(10))


def test_an_open_set_keeps_whole_classes_from_the_training_side():
    folds = protocols(LABELS, {RECORDING: RECORDINGS}, open_set=True)[OPEN]
    unknown = []
    for split in folds:
        known = set(LABELS[split.train])
        assert set(LABELS[split.validation]) == known and len(known) == 2
        (held_out,) = set(LABELS[split.test]) - known
        assert set(np.flatnonzero(held_out == LABELS)) <= set(split.test)
        assert known < set(LABELS[split.test])
        assert not set(RECORDINGS[split.train]) & set(RECORDINGS[split.test])
        unknown.append(held_out)
    assert len(folds) == OPEN_FOLDS and sorted(unknown) == [0, 1, 2]


def test_folds_are_a_function_of_the_data():
    groups = {"person": PERSONS, RECORDING: RECORDINGS}
    first, again = protocols(LABELS, groups, True), protocols(LABELS, groups, True)
    for name, folds in first.items():
        assert all(sides(one) == sides(two) for one, two in zip(folds, again[name], strict=True))
