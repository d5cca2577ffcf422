# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows in a row, sorted into blocks, and the bundle that judges a block as one."""

from collections.abc import Callable

from wfm_core.base.errors import WfmError
from wfm_core.bundle.bundle import Bundle


def judge_of_blocks(bundle: Bundle, load: Callable[[str], Bundle]) -> Bundle:
    """What judges windows in a row as one: the bundle that the contract of `bundle` names, by `load`, or itself.

    Raises `WfmError` where that is not there, or of other tasks.
    """
    name = bundle.contract.blocks
    if not name:
        return bundle
    judge = load(name)
    seen, wanted = (tuple((task.name, task.labels) for task in one.contract.tasks.values()) for one in (judge, bundle))
    if seen != wanted:
        raise WfmError(
            f"bundle {name} judges the blocks of {bundle.contract.name}, but its tasks are {seen}, not {wanted}; "
            "export both from one version"
        )
    return judge


class Blocks:
    """Sorts windows into blocks of at most `samples` samples: each begins with the first window that is in none yet."""

    def __init__(self, samples: int):
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
