# SPDX-License-Identifier: GPL-3.0-or-later
"""A run over many recordings: what is left of it is done, results are kept, failures counted."""

import sys
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.needs import needed
from wfm_core.batch.processes import Processes
from wfm_core.batch.ray_data import RayWorkers
from wfm_core.batch.results import ResultFolder, kept_settings
from wfm_core.batch.work import Unit, Work, settings_of


@dataclass
class Run:
    """What a run leaves: names of the recordings with a result, in the order of the recordings, and why others have
    none, by name. `before`: how many had theirs from an earlier run."""

    results: ResultFolder
    names: list[str]
    failures: dict[str, str] = field(default_factory=dict)
    before: int = 0


def run(program: str, asked: dict, work: Work, units: list[Unit], out: Path, workers: Processes | RayWorkers) -> Run:
    """Do the `work` on all `units` that have no result in `out` yet. `asked`: what results depend on beside the work.

    Raises `WfmError` for what stops all of them; results that are finished stay, and the next run goes on.
    """
    kept = kept_settings(out) or {}
    with workers:
        work = workers.settled(replace(work, model=work.model.as_before(kept)))
        results = ResultFolder(out, {**asked, **settings_of(work)})
        with results.taken():
            left = [unit for unit in units if not results.finished(unit.name, unit.recording)]
            ended = Run(results, [], before=len(units) - len(left))
            if left:
                _do(program, work, left, workers, ended)
    ended.names = [unit.name for unit in units if unit.name not in ended.failures]
    return ended


def _do(program: str, work: Work, left: list[Unit], workers: Processes | RayWorkers, ended: Run) -> None:
    recordings = {unit.name: unit.recording for unit in left}
    samples = sum(recording.samples for recording in recordings.values())
    bar = needed("tqdm", program).tqdm(
        total=samples, unit="S", unit_scale=True, desc=program, leave=False, disable=not sys.stderr.isatty()
    )
    with bar, closing(workers.outcomes(work, ended.results, left)) as outcomes:
        for outcome in outcomes:
            for note in outcome.notes.splitlines():
                bar.write(note, file=sys.stderr)
            failure = outcome.failure
            if not failure and not ended.results.finished(outcome.name, recordings[outcome.name]):
                failure = (
                    f"{outcome.name} was done, but its result is not in {ended.results.path}: give an --out and "
                    "recordings that all computers see at the same path, and change none meanwhile"
                )
            if outcome.ends_all:
                raise WfmError(failure)
            if failure:
                ended.failures[outcome.name] = failure
            bar.update(recordings[outcome.name].samples)
