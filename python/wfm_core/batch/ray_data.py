# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers of Ray Data, on this computer or a cluster, which see the recordings and the results at the same paths."""

import logging
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import asdict

from wfm_core.base.errors import WfmError
from wfm_core.base.needs import needed
from wfm_core.base.ray_session import prepare_ray, ray_session
from wfm_core.batch.processes import STARTS, TRIES, ended_too_often
from wfm_core.batch.results import ResultFolder
from wfm_core.batch.work import Outcome, Unit, Work
from wfm_core.batch.worker import Worker, settled


class RayWorkers:
    """`count` workers (None: one a processor) while its context lasts; `cluster` as of `ray_session`."""

    def __init__(self, program: str, count: int | None, cluster: str):
        self._program, self._count, self._cluster = program, count, cluster

    def __enter__(self) -> "RayWorkers":
        prepare_ray(self._cluster)
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # else it remarks on Ray Data's own doings on stderr
        self._data = needed("ray.data", f"{self._program} --workers or --cluster", "ray[data]")
        self._ray = needed("ray", self._program)
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        cpus = max(os.cpu_count() or 1, self._count or 1)
        # Ray remarks on workers that end on stdout, where --json - has its lines; what comes of it is told at the end.
        with ExitStack() as session:
            session.enter_context(redirect_stdout(session.enter_context(open(os.devnull, "w"))))
            with _silent():
                session.enter_context(ray_session(self._program, self._cluster, cpus))
            self._session = session.pop_all()
        there = self._ray.cluster_resources()
        self._workers = self._count or max(1, int(there.get("CPU", 1)))
        self._gpus = there.get("GPU", 0)
        return self

    def __exit__(self, *_) -> None:
        self._session.close()

    def settled(self, work: Work) -> Work:
        """See `Model.settled`, by one of Ray's workers. Raises `WfmError`."""
        ask = self._ray.remote(settled).options(num_cpus=1, num_gpus=self._share(work))
        try:
            work, failure = self._ray.get(ask.remote(work))
        except self._ray.exceptions.RayError as error:
            raise _broken(error) from error
        if failure:
            raise WfmError(failure)
        return work

    def outcomes(self, work: Work, results: ResultFolder, units: list[Unit]) -> Iterator[Outcome]:
        """Of each unit, in the order in which they are done. Raises `WfmError` where Ray gives up."""
        context = self._data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        if hasattr(context, "max_consecutive_actor_init_deaths"):  # not in all versions
            context.max_consecutive_actor_init_deaths = STARTS
        context.max_errored_blocks = -1  # what is lost of one recording costs no other
        tries = self._ray.remote(_Tries).options(num_cpus=0, max_restarts=-1, max_task_retries=-1).remote()
        rows = self._data.from_items([{"unit": unit} for unit in units], override_num_blocks=len(units))
        done = rows.map(
            _Row,
            fn_constructor_args=(work, results, tries),
            # one at a time: those that wait for a worker are not tried when it ends
            compute=self._data.ActorPoolStrategy(size=min(self._workers, len(units)), max_tasks_in_flight_per_actor=1),
            num_cpus=1,
            num_gpus=self._share(work),
        )
        left = {unit.name for unit in units}
        try:
            for row in done.iter_rows():
                left.discard(row["name"])
                yield Outcome(**row)
        except self._ray.exceptions.RayError as error:
            raise _broken(error) from error
        yield from (Outcome(name, f"{name}: Ray has lost it; start again") for name in sorted(left))

    def _share(self, work: Work) -> float:
        """Of a GPU for each worker; Ray hides GPUs from those that have none."""
        if work.model.device == "cpu" or not self._gpus:
            return 0
        return 1 / math.ceil(self._workers / self._gpus)


@contextmanager
def _silent() -> Iterator[None]:
    """While Ray starts, which says so on stderr; what fails is raised."""
    sys.stderr.flush()
    stderr, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(null)


class _Tries:
    """How often each recording was begun; Ray itself would begin one for ever on which no worker lasts."""

    def __init__(self):
        self._begun: Counter[str] = Counter()

    def next(self, name: str) -> int:
        self._begun[name] += 1
        return self._begun[name]


class _Row:
    """A worker between Ray Data's rows."""

    def __init__(self, work: Work, results: ResultFolder, tries):
        self._worker, self._tries = Worker(work, results), tries
        self._get = needed("ray", "--workers").get

    def __call__(self, row: dict) -> dict:
        unit = row["unit"]
        if self._get(self._tries.next.remote(unit.name)) > TRIES:
            return asdict(Outcome(unit.name, ended_too_often(unit.name)))
        return asdict(self._worker(unit))


def _broken(error: Exception) -> WfmError:
    return WfmError(f"Ray gave up ({' '.join(str(error).split())[-300:]}): see to it and start again")
