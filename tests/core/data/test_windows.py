# SPDX-License-Identifier: GPL-3.0-or-later
"""Where windows are cut in a recording, and which have one truth."""

import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.recording import Annotation
from wfm_core.data.recordings.windows import window_labels, window_starts


@pytest.mark.parametrize(
    ("arguments", "starts"),
    [
        ((40, 10), [0, 10, 20, 30]),
        ((39, 10), [0, 10, 20]),
        ((9, 10), []),
        ((10, 10), [0]),
        ((30, 10, 5), [0, 5, 10, 15, 20]),  # overlap
        ((50, 10, 20), [0, 20, 40]),  # gaps
        ((40, 10, 10, [25]), [0, 10, 25]),  # never across a break
        ((40, 10, 10, [20]), [0, 10, 20, 30]),
        ((40, 10, 10, [20], 3), [0, 10, 23]),  # settle after a break, not at the beginning
        ((40, 10, 10, [20, 25], 3), [0, 10, 28]),
        ((40, 10, 10, [0, 40, 60], 3), [0, 10, 20, 30]),  # no breaks inside
    ],
)
def test_starts(arguments, starts):
    found = window_starts(*arguments)
    assert found.dtype == np.int64
    assert found.tolist() == starts


def test_no_window_crosses_a_break():
    breaks = [137, 400, 401, 900]
    for start in window_starts(1000, 64, 7, breaks, settle=5):
        assert not any(start < b < start + 64 or b <= start < b + 5 for b in breaks)


@pytest.mark.parametrize("arguments", [(100, 0), (100, 10, -1), (100, 10, 10, (), -1)])
def test_absurd_numbers_are_refused(arguments):
    with pytest.raises(WfmError, match="expected"):
        window_starts(*arguments)


def test_only_windows_with_one_truth_have_a_label():
    annotations = [
        Annotation(0, 25, "none"),
        Annotation(30, 40, "bpsk"),
        Annotation(50, 5, "none"),
        Annotation(0, 100, "not one of ours"),
    ]
    starts = np.arange(0, 90, 10)
    labels = window_labels(starts, 10, annotations, ("none", "bpsk"))
    #                          0  10  20  30 40  50  60  70  80
    assert labels.tolist() == [0, 0, -1, 1, 1, -1, 1, -1, -1]
