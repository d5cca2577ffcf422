# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands that take a folder of recordings have in common: where results go, and who computes them."""

import argparse
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.batch.processes import Processes
from wfm_core.batch.ray_data import RayWorkers
from wfm_core.batch.run import Run, run
from wfm_core.batch.work import Unit, Work
from wfm_core.data.recordings.folder import called_in, recordings_in
from wfm_core.data.recordings.recording import Told
from wfm_core.messages.output import STDOUT, JsonLines


def add_batch(parser: argparse.ArgumentParser) -> None:
    """--out, --processes, --workers and --cluster, in a group of their own."""
    group = parser.add_argument_group("many recordings")
    group.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="one result file a recording; what is there already is not done again",
    )
    group.add_argument("--processes", type=int, metavar="N", help="on this computer (default: one a processor)")
    group.add_argument("--workers", type=int, metavar="N", help="by Ray Data, with so many workers")
    group.add_argument("--cluster", metavar="ADDRESS", help="by Ray Data on this cluster of Ray; auto: this computer's")


def check_batch(options: argparse.Namespace) -> None:
    """Raises `WfmError` for options that do not go together."""
    given = [name for name in ("processes", "workers", "cluster") if getattr(options, name) is not None]
    if given and options.out is None:
        raise WfmError(f"--{given[0]} without a folder for the results; name one with --out")
    if "processes" in given and len(given) > 1:
        raise WfmError(f"--processes and --{given[1]}; give one of them: processes of this computer, or Ray's workers")
    for name in ("processes", "workers"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise WfmError(f"--{name} {getattr(options, name)}: 1 or more is expected")


def units_in(source: Path, told: Told) -> tuple[list[Unit], dict[str, str]]:
    """The recordings of a file, or in and under a folder, and the sentences on its files that cannot be read, by path.

    Raises `WfmError`, where there are no recordings, too.
    """
    unreadable = {}
    recordings = recordings_in(source, told, lambda path, error: unreadable.update({str(path): str(error)}))
    return [Unit(recording, called_in(source, recording)) for recording in recordings], unreadable


def absolute(path: str | Path) -> Path:
    """As other processes find it, which may begin in another folder."""
    return user_path(path).absolute()


def bundle_anywhere(bundle: str) -> str:
    """The name of a bundle, or where it is given as a path, that as `absolute`."""
    path = absolute(bundle)
    return str(path) if path.exists() else bundle


def run_batch(
    program: str,
    work: Work,
    units: list[Unit],
    failures: dict[str, str],
    options: argparse.Namespace,
    tell: Callable[[Run], None] = lambda ended: None,
) -> int:
    """A run into --out, and --json of it; the exit status. `failures` of recordings that cannot be opened; `tell`
    prints what is in the results, before what became of the recordings."""
    if options.workers or options.cluster:
        workers = RayWorkers(program, options.workers, options.cluster or "")
    else:
        workers = Processes(min(options.processes or len(os.sched_getaffinity(0)), max(1, len(units))))
    told = {name: getattr(options, name) for name in ("rate", "freq", "real")}
    asked = {"command": program, "version": version("wfm-core"), "input": str(absolute(options.input)), **told}
    lines = JsonLines(options.json, "name another file with --json") if options.json else None  # before a long run
    try:
        ended = run(program, asked, work, units, absolute(options.out), workers)
        if lines is not None:
            _join(ended, lines)
    finally:
        if lines is not None:
            lines.close()
    ended.failures = {**failures, **ended.failures}
    tell(ended)
    print(
        f"{len(ended.names) + len(ended.failures)} recordings: {len(ended.names)} done, {ended.before} of them before, "
        f"{len(ended.failures)} failed; results in {options.out}",
        file=sys.stderr if options.json == STDOUT else sys.stdout,
    )
    status = told_failures(program, ended.failures)
    if lines is not None and lines.failure:
        raise WfmError(f"{lines.failure}: make room, or name another file with --json")
    return status


def _join(ended: Run, lines: JsonLines) -> None:
    """All results in one file, in the order of the recordings."""
    for name in ended.names:
        for line in ended.results.read(name):
            if not lines.write(line):
                if lines.reader_left:
                    raise BrokenPipeError
                return


def told_failures(program: str, failures: dict[str, str]) -> int:
    """Each failure on stderr; the exit status."""
    for sentence in failures.values():
        print(f"{program}: {sentence}", file=sys.stderr)
    return 1 if failures else 0
