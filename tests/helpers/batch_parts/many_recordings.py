# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of small recordings, works to do on them, and workers that are killed."""

import json
import os
import random
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from image_bundles import signal_bundle

from wfm_core.base.errors import WfmError
from wfm_core.batch.results import ResultFolder
from wfm_core.bundle.export import export_bundle
from wfm_core.data.recordings.recording import Recording

RATE = 250e3


def write_recordings(folder: Path, count: int, samples: int = 10_000) -> Path:
    """r000 and so on, in three folders: noise with a carrier that is swept, elsewhere in each."""
    for number in range(count):
        rng = np.random.default_rng(number)
        x = 0.01 * (rng.standard_normal(samples) + 1j * rng.standard_normal(samples))
        t = np.arange(samples) / RATE
        x += 0.05 * np.exp(2j * np.pi * (rng.uniform(-9e4, 9e4) * t + np.cumsum(2500 * np.sin(4400 * t)) / RATE))
        meta = folder / f"site{number % 3}" / f"r{number:03d}.sigmf-meta"
        meta.parent.mkdir(parents=True, exist_ok=True)
        x.astype(np.complex64).tofile(meta.with_suffix(".sigmf-data"))
        head = {"core:datatype": "cf32_le", "core:sample_rate": RATE, "core:version": "1.0.0"}
        captures = [{"core:sample_start": 0, "core:frequency": 433.92e6}]
        meta.write_text(json.dumps({"global": head, "captures": captures, "annotations": []}))
    return folder


def signals_file(folder: Path, labels=("ook", "nbfm", "noise")) -> str:
    """A tiny bundle of found signals, as a file: a model folder is made into one each time it is loaded."""
    return str(export_bundle(Path(signal_bundle(folder / "tiny", labels)), folder))


def results_in(folder: Path) -> dict[str, bytes]:
    """All files of a folder of results but that of the settings, by name."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "run.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@dataclass(frozen=True)
class NoModel:
    """In the place of a `Model`."""

    device: str = "cpu"

    def settled(self):
        return self

    def as_before(self, kept: dict):
        return self


@dataclass(frozen=True)
class Tricky:
    """A `Work` whose recordings, by their numbers, do what is asked of them."""

    kills: tuple[int, ...] = ()
    """Each time the process that does them."""
    kills_once: str = ""
    """A folder that remembers: every recording ends its process at first."""
    raises: tuple[int, ...] = ()
    no_start: bool = False
    model: NoModel = NoModel()

    def settings(self) -> dict:
        return {name: value for name, value in asdict(self).items() if name != "model"}

    def opened(self):
        if self.no_start:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._do

    def _do(self, recording: Recording, name: str, say):
        number = int(Path(name).stem[1:])
        yield {"recording": name, "begun": True}
        seen = Path(self.kills_once, str(number))
        if number in self.kills or (self.kills_once and not seen.exists()):
            if self.kills_once:
                seen.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if number in self.raises:
            raise (WfmError(f"{name} is refused") if number % 2 else ZeroDivisionError("by nothing"))
        say(f"{name} was seen")
        return {"samples": recording.samples}


def lines_of(results: ResultFolder, name: str) -> tuple[list[dict], dict]:
    """Of a result, and its last one."""
    read, lines = results.read(name), []
    while True:
        try:
            lines.append(next(read))
        except StopIteration as end:
            return lines, end.value


def descendants(root: int, word: str) -> list[int]:
    """Processes under `root` with this word in their command line."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True).stdout.splitlines()[
        1:
    ]
    rows = [line.split(None, 2) for line in listed]
    family, size = {root}, 0
    while size != len(family):
        size = len(family)
        family |= {int(row[0]) for row in rows if int(row[1]) in family}
    return [int(row[0]) for row in rows if int(row[0]) in family and word in row[2]]


def written(results: Path) -> int:
    """How many results are there by now."""
    return sum(1 for _ in results.rglob("*.jsonl"))


def kill_at_random(program: subprocess.Popen, word: str, results: Path, most: int, seed: int) -> int:
    """SIGKILL to one of the `program`'s processes with this `word`, now and then as its results grow in number, which
    they do on a busy computer too; until it ends, or `most` are hit. Returns how many were."""
    chance, hit, next_at = random.Random(seed), 0, 0
    while program.poll() is None and hit < most:
        time.sleep(chance.uniform(0.0, 0.2))
        if written(results) < next_at:
            continue
        found = descendants(program.pid, word)
        if found and program.poll() is None:
            try:
                os.kill(chance.choice(found), signal.SIGKILL)
            except ProcessLookupError:  # it has ended by itself
                continue
            hit += 1
            next_at = written(results) + chance.randint(1, 20)
    return hit
