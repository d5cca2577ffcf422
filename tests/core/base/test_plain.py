# SPDX-License-Identifier: GPL-3.0-or-later
"""Values from numpy print alike under numpy 1 and 2, in sentences and in files."""

import h5py
import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import plain
from wfm_core.data.dataset_checks import check_rate, check_scene, check_task
from wfm_core.data.splits import _nearest
from wfm_core.model.prototypes import Prototypes


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(2.5), "2.5"),
        (np.str_("x"), "'x'"),
        (np.bool_(True), "True"),
        ([np.int64(3), (np.float32(0.5),)], "[3, (0.5,)]"),
        ({np.str_("low"): [np.float64(1)]}, "{'low': [1.0]}"),
        ("as it is", "'as it is'"),
        (None, "None"),
    ],
)
def test_numpy_scalars_are_written_as_pythons_own(value, text):
    assert plain(value) == text


@pytest.mark.parametrize(
    "raises",
    [
        lambda: check_rate("here", np.float64(-2.5)),
        lambda: check_task("here", "custom", (np.str_("a"), np.str_("a"))),
        lambda: check_scene("here", {"low": [np.float64(1)] * 2, "high": [np.float64(2)] * 3}, "position"),
        lambda: Prototypes().forget(np.str_("a")),
    ],
)
def test_sentences_do_not_name_numpy(raises):
    with pytest.raises(WfmError) as error:
        raises()
    assert "np." not in str(error.value)


def test_the_nearest_of_texts_from_a_file(tmp_path):
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file["texts"] = ["first", "second"]
        known = sorted(set(file["texts"].asstr()[:].astype(str)))
    assert "is 'second'" in _nearest("secnod", known, "values")


def test_a_margin_that_came_from_numpy_is_read_back(tmp_path):
    prototypes = Prototypes(np.float64(2.5))
    prototypes.enrol("a", np.random.default_rng(1).normal(size=(5, 3)))
    prototypes.save(tmp_path / "classes")
    assert Prototypes.load(tmp_path / "classes").margin == 2.5
