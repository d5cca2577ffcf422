# SPDX-License-Identifier: GPL-3.0-or-later
"""A labelled data set as what a fine-tuning learns from: its sides, its windows prepared once, its batches."""

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from wfm_core.base.errors import WfmError
from wfm_core.base.files import write_atomically
from wfm_core.base.quantities import ESTIMATE, QUANTITIES
from wfm_core.bundle.foundation import load_foundation
from wfm_core.configs.finetuning import Finetuning
from wfm_core.data.dataset import Dataset, open_dataset
from wfm_core.data.splits import SOURCE, SPLIT, Split, make_split
from wfm_core.evaluate.charting import CHART, MOST, dissimilarities, geodesics, some_of
from wfm_core.evaluate.evaluation import about, snr_of, units_of
from wfm_core.signal import build_preprocessor
from wfm_core.train.finetune.material import Material
from wfm_core.train.finetune.starting import Feed, choose_feed, raw_windows, start_model
from wfm_core.train.objectives.labelled import Scene, class_weights, scene_of
from wfm_core.train.regimes import apply_regime

_AXES = {"height": -2, "width": -1}
_LEARNING = ("train", "validation")
CHART_VALUES = QUANTITIES[CHART].values
_READ = 64  # windows prepared, or computed without gradients, at a time


def gather(config: Finetuning, out: Path, resume: bool) -> Material:
    """The data set of a configuration, and the foundation's network for it. Writes split.json into `out`.

    Raises `WfmError`, also where a run that goes on had other windows.
    """
    charts = config.task == CHART
    dataset = open_dataset(config.data, unlabelled=charts)
    if charts:
        dataset = replace(dataset, label=places_of(dataset), labels=())
    if len(dataset.labels) == 1:
        raise WfmError(f"{dataset.path} has one class ({dataset.labels[0]}); two or more are expected: add another")
    foundation = load_foundation(config.init)
    feed = choose_feed(foundation, dataset, config)
    sides = make_sides(dataset, config)
    if resume:
        require_same(out, sides)
    save_sides(out, sides)
    values = CHART_VALUES if charts else dataset.values
    model = start_model(foundation, feed, dataset.labels, config, values, dataset.grid)
    apply_regime(
        model,
        config.regime,
        config.blocks,
        config.lora_rank,
        config.lora_alpha,
        config.lora_scale,
        config.lora_targets,
        config.freeze_inputs,
    )
    windows = prepare(dataset, feed, out)
    label, distances = dataset.label, None
    if charts:
        scene = Scene([-1.0] * CHART_VALUES, [1.0] * CHART_VALUES, QUANTITIES[CHART].unit)
        sides, targets, distances = chart_targets(windows, sides, config.neighbours)
    else:
        label = at_level(dataset, feed) if dataset.dense == ESTIMATE else label
        scene, targets = scene_of(dataset, sides.train), torch.from_numpy(label)
        if scene is not None:
            targets = scene.targets(targets)
    weighted = config.class_weights and scene is None and not dataset.dense
    per_epoch = batches_per_epoch(len(sides.train), config)
    data = about(dataset)

    def fixed(rows: np.ndarray) -> DataLoader:
        parts = torch.from_numpy(rows).split(_READ) if len(rows) else ()
        return DataLoader(TensorDataset(windows, targets), batch_size=None, sampler=parts)

    return Material(
        name=out.resolve().name,
        kind=dataset.kind,
        shape=dataset.shape,
        sample_rate=dataset.sample_rate,
        labels=dataset.labels,
        foundation=foundation,
        feed=feed,
        model=model,
        batches=lambda first: DataLoader(Batches(windows, targets, sides.train, config, first), batch_size=None),
        per_epoch=per_epoch,
        log_every=max(1, per_epoch // 4),
        validation=fixed(sides.validation),
        validation_label=label[sides.validation],
        test=fixed(sides.test),
        label=label[sides.test],
        units=units_of(dataset, sides.test),
        windows={name: len(getattr(sides, name)) for name in ("train", "validation", "test")},
        split=sides.description,
        data=data,
        origin={
            "init": {"name": foundation.name, "weights_sha256": foundation.weights_sha256},
            "regime": config.regime,
            "freeze_inputs": config.freeze_inputs,
            "data": data,
            "split": sides.description,
        },
        quantity=CHART if charts else dataset.quantity,
        dense=dataset.dense,
        scene=scene,
        distances=distances,
        gain_db=None if dataset.gain_db is None else dataset.gain_db[sides.test],
        snr_db=snr_of(dataset, sides.test),
        weights=class_weights(dataset.label[sides.train], len(dataset.labels)) if weighted else None,
    )


def places_of(dataset: Dataset) -> np.ndarray:
    """Positions [N, 3] m that a chart is judged by; float32 [N, 0] where there are none."""
    return dataset.label if dataset.quantity == "position" else np.zeros((dataset.count, 0), np.float32)


def chart_targets(windows: Tensor, sides: Split, neighbours: int) -> tuple[Split, Tensor, Tensor]:
    """The sides with MOST windows to learn from at most, the row int64 of each window [N] (-1: none), and the distances
    float32 [rows, rows] between those that learn or validate."""
    share = MOST / max(len(sides.train) + len(sides.validation), MOST)
    kept = {name: some_of(rows, int(share * len(rows))) for name, rows in vars(sides).items() if name in _LEARNING}
    sides = replace(sides, **kept)
    rows = np.concatenate(list(kept.values()))
    targets = torch.full((len(windows),), -1)
    targets[torch.from_numpy(rows)] = torch.arange(len(rows))
    return sides, targets, torch.from_numpy(geodesics(dissimilarities(windows[rows].numpy()), neighbours))


def make_sides(dataset: Dataset, config: Finetuning) -> Split:
    """The split that is asked for, and a validation part that is cut by the same rule. Raises `WfmError`."""
    method = config.split or _default(dataset)
    names = dataset.labels or None
    split = make_split(dataset.label, dataset.groups, method, config.seed, config.test_share, names)
    if config.validation_share:
        train = split.train
        label, groups = dataset.label[train], {name: texts[train] for name, texts in dataset.groups.items()}
        inner = _inner(label, groups, method, config, names)
        said = f"{split.description}; of the training windows {len(inner.test)} validate"
        split = replace(split, train=train[inner.train], validation=train[inner.test], description=said)
    return split


def save_sides(folder: Path, sides: Split) -> None:
    """Write split.json: `description`, and lists of indices `train`, `validation`, `test`."""
    text = json.dumps(sides.to_json())
    write_atomically(folder / SPLIT, lambda path: path.write_text(text))


def require_same(folder: Path, sides: Split) -> None:
    """Raise `WfmError` where the split.json of `folder`, if it has one, is of other windows: the data have changed."""
    path = folder / SPLIT
    if not path.exists():
        return
    kept = json.loads(path.read_text())
    if any(kept.get(name) != rows for name, rows in sides.to_json().items() if name != "description"):
        raise WfmError(
            f"{path} has other windows than the split of the data set has now, which has changed since the run began; "
            "give the same data or start again with another --out"
        )


def _default(dataset: Dataset) -> str:
    if SOURCE in dataset.groups and len(set(dataset.groups[SOURCE])) > 1:
        return f"group:{SOURCE}"
    return "stratified" if dataset.labels and not dataset.dense else "random"


def _inner(label: np.ndarray, groups: dict, method: str, config: Finetuning, names):
    """The split of the training side: by the same group if that leaves every class on both sides, else by recording,
    else by windows."""
    name, _, argument = method.partition(":")
    by = argument.partition("=")[0] if name in ("group", "leave", "hold") else SOURCE
    candidates = [f"group:{group}" for group in dict.fromkeys((by, SOURCE)) if group in groups]
    if name in ("random", "stratified"):
        candidates = []  # what leaks into the test by design may leak here too: the figures stay comparable
    last = "stratified" if label.ndim == 1 else "random"  # grids and what is measured have no class a window
    for candidate in candidates:
        try:
            return make_split(label, groups, candidate, config.seed, config.validation_share, names)
        except WfmError:
            continue
    try:
        return make_split(label, groups, last, config.seed, config.validation_share, names)
    except WfmError as error:
        raise WfmError(
            f"no validation windows can be cut from the training side: {error}; or validation_share=0"
        ) from error


def prepare(dataset: Dataset, feed: Feed, folder: Path) -> Tensor:
    """All windows as the tokens want them, [N, *feed.shape], complex64 or float32.

    They lie in a nameless file in `folder` that the system keeps in memory while there is room, and that is gone when
    the process ends. Raises `WfmError` on NaN and Inf in the data, and where the disk has no room.
    """
    dtype = np.complex64 if feed.modality == "iq" else np.float32
    shape = (dataset.count, *feed.shape)
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise WfmError(
                f"no room for {size / 1e9:.1f} GB of prepared windows in {folder} ({error.strerror}); make room, or "
                "set a smaller image_size"
            ) from error
        prepared = np.memmap(file, dtype, "r+", shape=shape)
    preprocess = build_preprocessor(feed.signal)
    with torch.inference_mode():
        for start in range(0, dataset.count, _READ):
            rows = np.arange(start, min(start + _READ, dataset.count))
            prepared[rows] = preprocess(raw_windows(dataset, rows)).numpy()
    return torch.from_numpy(prepared)


def at_level(dataset: Dataset, feed: Feed) -> np.ndarray:
    """The labels of a set of estimates, float32 [N, planes, H, W], divided by each window's level as its prepared
    image is (`wfm_core.signal.channels.pilot_grid`)."""
    preprocess, label = build_preprocessor(feed.signal), np.empty_like(dataset.label)
    for rows in np.array_split(np.arange(dataset.count), -(-dataset.count // _READ)):
        label[rows] = dataset.label[rows] / preprocess.level(raw_windows(dataset, rows)).numpy()
    return label


class Batches(IterableDataset):
    """Endless (windows, targets) batches of the windows `rows`, from the batch number `first` on.

    An epoch is a fresh permutation, cut into a multiple of `accumulate` batches of nearly equal size, `batch` at most;
    with `roll` every window is shifted circularly along that axis, with `noise` it gets some. All are functions of seed
    and number, so that a resumed run goes on with the batches that would have come.
    """

    def __init__(self, windows: Tensor, targets: Tensor, rows: np.ndarray, config: Finetuning, first: int = 0):
        self.windows, self.targets, self.rows, self.first = windows, targets, rows, first
        self.per_epoch, self.seed = batches_per_epoch(len(rows), config), config.seed
        self.roll, self.noise = config.roll, config.noise

    def __iter__(self):
        number = self.first
        while True:
            epoch, start = divmod(number, self.per_epoch)
            order = np.random.default_rng([self.seed, epoch]).permutation(self.rows)
            for rows in np.array_split(order, self.per_epoch)[start:]:
                rows = torch.from_numpy(np.sort(rows))
                yield self._varied(self.windows[rows], number), self.targets[rows]
                number += 1

    def _varied(self, windows: Tensor, number: int) -> Tensor:
        random = np.random.default_rng([self.seed, number, 1])
        if self.roll:
            windows = rolled(windows, _AXES[self.roll], random)
        if self.noise:
            generator = torch.Generator().manual_seed(int(random.integers(1 << 62)))
            # complex noise of this deviation has half its power in I, half in Q
            windows = windows + self.noise * torch.randn(windows.shape, dtype=windows.dtype, generator=generator)
        return windows


def rolled(windows: Tensor, axis: int, random: np.random.Generator) -> Tensor:
    """Each window shifted circularly along `axis` by its own random amount."""
    length = windows.size(axis)
    shift = torch.from_numpy(random.integers(length, size=(len(windows), 1)))
    shape = [len(windows)] + [1] * (windows.dim() - 1)
    shape[axis] = length
    return windows.take_along_dim(((torch.arange(length) + shift) % length).view(shape), axis)


def batches_per_epoch(count: int, config: Finetuning) -> int:
    """How many batches `count` training windows make; a multiple of `accumulate`."""
    steps = -(-count // (config.batch * config.accumulate))
    if count < steps * config.accumulate:
        raise WfmError(f"{count} training windows for {config.accumulate} batches in a step; set accumulate=1")
    return steps * config.accumulate
