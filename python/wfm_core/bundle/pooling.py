# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of one task on windows in a row, pooled to one decision of the block that they are in."""

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.bundle.bundle import classify
from wfm_core.bundle.contract import TaskContract

EVIDENCE = 0.3
"""n windows of a block count as n**EVIDENCE independent ones: they share the channel, the signals and the receiver, and
with them what a model gets wrong. Chosen on synthetic blocks of 1 to 32 windows, of one channel each."""
_LEAST = 1e-12


class Blocks:
    """Sorts windows into blocks of at most `samples` samples: each begins with the first window that is in none yet.

    Raises `WfmError` for blocks that cannot hold a window of `window` samples.
    """

    def __init__(self, samples: int, window: int):
        if samples < window:
            raise WfmError(
                f"pool {samples} samples; windows of {window} are pooled: give {window} or more, such as {32 * window}"
            )
        self._samples = samples
        self._begin = 0
        self._windows: list = []

    def add(self, start: int, count: int, window, apart: bool = False) -> list:
        """Put in the `window` at samples [start, start + count); returns those of the block that it is not in any more.

        Where it is `apart` from the one before, as behind a break, it begins a block in any case.
        """
        full = start + count > self._begin + self._samples or start < self._begin
        ended = self.finish() if self._windows and (apart or full) else []
        if not self._windows:
            self._begin = start
        self._windows.append(window)
        return ended

    def finish(self) -> list:
        """The windows of the block under way, which is over."""
        ended, self._windows = self._windows, []
        return ended


def pool_probabilities(task: TaskContract, probabilities: np.ndarray) -> np.ndarray:
    """Calibrated probabilities [n, K] of n windows -> those of the block [K], float64.

    The windows' logits without the contract's bias are added up, weighted so that n of them count as n**EVIDENCE
    independent ones; the bias, which stands for how rare a class is or shall be, counts once.
    """
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), _LEAST)) - np.array(task.bias)
    pooled = np.array(task.bias) + logits.mean(0) * len(logits) ** EVIDENCE
    shares = np.exp(pooled - pooled.max())
    return shares / shares.sum()


def pool_decisions(task: TaskContract, decisions: list[dict], threshold: float | None = None) -> dict:
    """The decision of a block, as `Bundle.decide` gives one, of the decisions on its windows."""
    rows = [[decision["probabilities"][label] for label in task.labels] for decision in decisions]
    return classify(task, pool_probabilities(task, np.array(rows)), threshold)
