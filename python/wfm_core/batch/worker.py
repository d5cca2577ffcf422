# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs in each process."""

from dataclasses import replace

import torch
from threadpoolctl import threadpool_limits

from wfm_core.base import compute
from wfm_core.base.errors import WfmError
from wfm_core.batch.results import ResultFolder, UnwritableError
from wfm_core.batch.work import Lines, Outcome, Say, Unit, Work


class Worker:
    """Does the `work` and writes `results`. It raises nothing: what fails is told with each unit."""

    def __init__(self, work: Work, results: ResultFolder):
        one_thread()
        self._results, self._failure = results, ""
        try:
            self._do = work.opened()
        except WfmError as error:
            self._failure = str(error)

    def __call__(self, unit: Unit) -> Outcome:
        if self._failure:
            return Outcome(unit.name, self._failure, ends_all=True)
        notes: list[str] = []
        failure, ends_all = "", False
        try:
            self._results.write(unit.name, unit.recording, self._lines(unit, notes.append))
        except WfmError as error:
            failure, ends_all = str(error), isinstance(error, UnwritableError)
        except Exception as error:  # noqa: BLE001 - whatever one recording brings about, the others are done
            failure = f"{unit.name}: {type(error).__name__}: {error}"
        return Outcome(unit.name, failure, "\n".join(notes), ends_all)

    def _lines(self, unit: Unit, say: Say) -> Lines:
        try:
            return (yield from self._do(unit.recording, unit.name, say))
        except OSError as error:  # of a picture or the recording's metadata, not of the result
            raise WfmError(f"{error.filename or unit.name}: {error.strerror or error}; see to it") from error


def settled(work: Work) -> tuple[Work, str]:
    """The work with its model settled, in the way of a worker; and "", or why that cannot be."""
    one_thread()
    try:
        return replace(work, model=work.model.settled()), ""
    except WfmError as error:
        return work, str(error)


def one_thread() -> None:
    """There are as many workers as processors, and the last digits of a score depend on the number of threads."""
    threadpool_limits(1)
    torch.set_num_threads(1)
    compute.run(torch.set_num_threads, 1)
