# SPDX-License-Identifier: GPL-3.0-or-later
"""Where windows are cut in a recording, by the rule of the live path's window_tap, and what is true of them."""

from collections.abc import Iterable, Sequence

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.recording import Annotation, Recording


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
    end = begin + count
    by_begin, by_end = np.argsort(begin), np.argsort(end)
    reached = np.searchsorted(begin[by_begin], starts + window)
    passed = np.searchsorted(end[by_end], starts, "right")

    def touching(amount: np.ndarray) -> np.ndarray:
        """The sum of the amounts of all annotations that touch each window: begun before its end, and not over."""
        return np.r_[0, amount[by_begin].cumsum()][reached] - np.r_[0, amount[by_end].cumsum()][passed]

    # Where one annotation alone touches a window, each sum is that one's own.
    held = (touching(begin) <= starts) & (touching(end) >= starts + window)
    return np.where(held & (touching(np.ones_like(begin)) == 1), touching(number), -1)


def check_samples(recording: Recording, iq: np.ndarray, begin: int) -> None:
    """Raise `WfmError` for a NaN or Inf in `iq` [channels, n], read of `recording` from sample `begin` on."""
    if not np.isfinite(iq).all():
        raise WfmError(
            f"{recording.data_path} has values that are not finite (NaN or Inf) in samples {begin} to "
            f"{begin + iq.shape[1]}: one would spoil the model, fix or take out that recording"
        )
