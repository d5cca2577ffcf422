# SPDX-License-Identifier: GPL-3.0-or-later
"""Where windows are cut in a recording, by the rule of the live path's window_tap, and what is true of them."""

from collections.abc import Iterable, Sequence

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.recording import Annotation


def window_starts(samples: int, window: int, hop: int = 0, breaks: Iterable[int] = (), settle: int = 0) -> np.ndarray:
    """First samples of all whole windows, int64, ascending.

    The stream of `samples` samples is split at `breaks` (sample indices where it retunes or jumps in time). In each
    piece windows of `window` samples start at its first sample + k * `hop` (0: one `window`), and none reaches into
    the next piece. After a break, but not at the stream's first sample, `settle` samples are skipped first.
    """
    if window < 1 or hop < 0 or settle < 0:
        raise WfmError(
            f"window {window}, hop {hop}, settle {settle} samples: 1 or more, and no negative number, is expected"
        )
    cuts = sorted({b for b in breaks if 0 < b < samples})
    pieces = []
    for begin, end in zip([0, *cuts], [*cuts, samples], strict=True):
        first = begin + settle if begin else 0
        pieces.append(np.arange(first, end - window + 1, hop or window, dtype=np.int64))
    return np.concatenate(pieces)


def window_labels(
    starts: np.ndarray, window: int, annotations: Iterable[Annotation], labels: Sequence[str]
) -> np.ndarray:
    """The true class of each window, int64 [len(starts)]: an index into `labels`, or -1 where there is no one truth.

    A window counts when it lies wholly inside an annotation with one of `labels` and no other one of them touches it.
    """
    index = {label: number for number, label in reversed(list(enumerate(labels)))}
    rows = [(a.sample_start, a.sample_count, index[a.label]) for a in annotations if a.label in index]
    begin, count, number = np.array(rows, np.int64).reshape(-1, 3).T
    order = np.argsort(starts, kind="stable")
    ascending = np.asarray(starts, np.int64)[order]

    def per_window(first: np.ndarray, beyond: np.ndarray, amount: np.ndarray) -> np.ndarray:
        """The sum of the amounts of all runs [first, beyond) of windows that each is in."""
        steps = np.zeros(len(ascending) + 1, np.int64)
        some = beyond > first
        for places, sign in ((first, 1), (beyond, -1)):
            np.add.at(steps, places[some], sign * amount[some])
        return np.cumsum(steps[:-1])

    # All windows are of one length: those that an annotation touches, or holds, are a run of them.
    end = begin + count
    touched = per_window(
        np.searchsorted(ascending, begin - window, "right"), np.searchsorted(ascending, end), np.ones_like(begin)
    )
    held = per_window(np.searchsorted(ascending, begin), np.searchsorted(ascending, end - window, "right"), number + 1)
    truth = np.full(len(ascending), -1, np.int64)
    truth[order] = np.where(touched == 1, held - 1, -1)
    return truth
