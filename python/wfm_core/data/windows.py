# SPDX-License-Identifier: GPL-3.0-or-later
"""Where windows are cut in a recording, by the rule of the live path's window_tap, and what is true of them."""

from collections.abc import Iterable, Sequence

import numpy as np

from wfm_core.data.recording import Annotation
from wfm_core.errors import WfmError


def window_starts(samples: int, window: int, hop: int = 0, breaks: Iterable[int] = (), settle: int = 0) -> np.ndarray:
    """First samples of all whole windows, int64, ascending.

    The stream of `samples` samples is split at `breaks` (sample indices where it retunes or jumps in time). In each
    piece windows of `window` samples start at its first sample + k * `hop` (0: one `window`), and none reaches into
    the next piece. After a break, but not at the stream's first sample, `settle` samples are skipped first.
    """
    if window < 1 or hop < 0 or settle < 0:
        raise WfmError(
            f"window {window}, hop {hop}, settle {settle} samples: a window of 1 or more, no negative number is wanted"
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
    truth = np.full(len(starts), -1, np.int64)
    touched = np.zeros(len(starts), np.int64)
    for annotation in annotations:
        if annotation.label not in labels:
            continue
        begin, end = annotation.sample_start, annotation.sample_start + annotation.sample_count
        touched += (starts < end) & (starts + window > begin)
        truth[(starts >= begin) & (starts + window <= end)] = labels.index(annotation.label)
    return np.where(touched == 1, truth, -1)
