# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches out of a run's files of crops, which other processes make meanwhile."""

import multiprocessing
import os
import threading
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from wfm_core.base.errors import WfmError
from wfm_core.configs.finetuning import Signals
from wfm_core.signal.found import FACTS
from wfm_core.synth.signals.catalogue import LABELS, SIGNALS, UNKNOWN
from wfm_core.train.signals.shards import inputs, make_shard

FIRST_SHARDS = 4
"""So many are there before a training begins."""
_FILES_A_BATCH = 4
_VALIDATION_SEED = 7_654_321


def taught(config: Signals) -> tuple[str, ...]:
    """The classes with generators that training sees."""
    return tuple(label for label in SIGNALS if label not in config.leave_out)


def shard_path(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.npy"


class Makers:
    """Processes that make the missing files of `folder`, in order, until all are there; a context."""

    def __init__(self, config: Signals, folder: Path):
        context = multiprocessing.get_context("spawn")
        workers = range(config.workers)
        self.processes = [context.Process(target=_make, args=(config, folder, one), daemon=True) for one in workers]

    def __enter__(self) -> "Makers":
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *_) -> None:
        for process in self.processes:
            process.terminate()
            process.join()

    def wait_for(self, path: Path) -> None:
        """Return when the file is there. Raises `WfmError` where nobody makes it."""
        while not path.exists():
            if not any(process.is_alive() for process in self.processes):
                raise WfmError(f"{path} is missing and no process makes it; set workers to 1 or more, or look above")
            time.sleep(0.5)


def _make(config: Signals, folder: Path, worker: int) -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    options = {"finder_share": config.finder_share, "labels": taught(config)}
    for number in range(worker, config.shards, config.workers):
        path = shard_path(folder, number)
        if not path.exists():
            make_shard(path, config.seed * 1_000_003 + number, config.crops, **options)


def _end_with_parent() -> None:
    """A run that was killed could not end its makers."""
    multiprocessing.parent_process().join()
    os._exit(1)


def validation_rows(config: Signals, folder: Path) -> np.ndarray:
    """The crops that validate, made once."""
    path = folder / "validation.npy"
    if not path.exists():
        labels = taught(config)
        make_shard(path, _VALIDATION_SEED, config.validation_crops, config.finder_share, labels=labels)
    return np.load(path, mmap_mode="r")


def as_inputs(rows: np.ndarray, labels: tuple[str, ...]) -> tuple[tuple[Tensor, ...], Tensor]:
    """Rows as inputs of the network, and their classes as numbers in `labels`, -1 for one that is not among them."""
    numbers = np.array([labels.index(name) if name in labels else -1 for name in (*LABELS, UNKNOWN)])
    return inputs(rows), torch.from_numpy(numbers[rows["label"]])


class CropBatches(IterableDataset):
    """Endless (inputs, classes) batches of rows drawn from a few of the files that are there; seeded, but for
    which are."""

    def __init__(self, config: Signals, folder: Path, labels: tuple[str, ...], first_batch: int = 0):
        self.config, self.folder, self.labels, self.first_batch = config, folder, labels, first_batch

    def __iter__(self):
        rng = np.random.default_rng((self.config.seed, self.first_batch))
        open_files: dict[Path, np.ndarray] = {}
        while True:
            for path in sorted(self.folder.glob("0*.npy")):
                if path not in open_files and int(path.stem) >= self.config.first_shard:
                    open_files[path] = np.load(path, mmap_mode="r")
            files = list(open_files.values())
            rows = []
            for _ in range(_FILES_A_BATCH):
                file = files[rng.integers(len(files))]
                rows.append(file[np.sort(rng.integers(0, len(file), self.config.batch // _FILES_A_BATCH))])
            batch, target = as_inputs(np.concatenate(rows), self.labels)
            yield _augmented(batch, rng), target


def _augmented(batch, rng: np.random.Generator):
    """Another carrier phase for each crop, and facts a little off."""
    iq, *images, numbers = batch
    count = len(iq)
    phase = torch.from_numpy(rng.random(count).astype(np.float32)) * (2 * torch.pi)
    iq = iq * torch.polar(torch.ones(count), phase)[:, None, None]
    jitter = torch.from_numpy(rng.normal(0, 1, (count, FACTS)).astype(np.float32)) * torch.tensor([0.02, 0.05, 0.05])
    numbers[:, :FACTS] += jitter
    return iq, *images, numbers
