# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that trains a network to tell from where a wave comes, on generated waves over a row of antennas.

Antennas have other errors in every window, or all those of one array, which is fitted to a labelled data set. A few
dozen labels of it are enough for that, where a network that learns from labels alone needs thousands: it is told what
the array does to waves, and learns from generated ones what reflections do.
"""

import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.base.files import write_atomically
from wfm_core.bundle import build_network, draft_contract, save_model_folder
from wfm_core.bundle.foundation import save_foundation
from wfm_core.configs.finetuning import Bearings
from wfm_core.data.dataset import open_dataset
from wfm_core.evaluate.classical.music import fitted_array
from wfm_core.evaluate.labelled import quantity_figures
from wfm_core.model import PATCH, WirelessModel, pool
from wfm_core.signal import build_preprocessor
from wfm_core.synth.arrays import Arrivals, draw_bearings, draw_signals
from wfm_core.train.finetune.results import FIGURES
from wfm_core.train.fitting import fit
from wfm_core.train.optimizers import weight_groups

FOUNDATION = "foundation"
"""Folder in a run's with the network without its head, which fine-tuning can start from."""
_RATES = {"min": 1e3, "max": 1e9}  # nothing in a window says what its rate is
_TEST_WINDOWS = 2048
_TEST_SEED = 1 << 20  # added: other signals and other arrivals than those of any training
_FEWER = 8  # one window in so many has fewer antennas
_MOST_FITTED = 4096  # windows of a data set that an array is fitted to
_WEIGHT_DECAY, _CLIP, _FLOOR = 0.05, 1.0, 0.01


def train_bearings(config: Bearings, out: Path, command: str) -> dict:
    """Train in the existing folder `out`; returns the figures. Raises `WfmError` where the array's data do not fit."""
    started = time.monotonic()
    array = None if config.array is None else read_array(config.array, config.antennas)
    images, angle = draw(config, config.windows, config.seed, array)
    contract = draft(config, command)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = build_network(draft_contract(contract, config.name))
        target = angle / config.widest

        def loss(rows: Tensor) -> Tensor:
            # how far off, not its square: a wave from the very side may seem to come from the other one
            return (answers(model, images[rows].float()) - target[rows]).abs().mean()

        orders = [torch.randperm(len(images)).split(config.batch) for _ in range(config.epochs)]
        batches = [rows for order in orders for rows in order]
        groups = weight_groups(model, _WEIGHT_DECAY)
        fit(groups, loss, batches, config.learning_rate, max(1, len(batches) // 20), _FLOOR, _CLIP)
        model.eval()
    images, angle = draw(config, _TEST_WINDOWS, config.seed + _TEST_SEED, array)
    with torch.inference_mode():
        told = config.widest * torch.cat([answers(model, part.float()) for part in images.split(config.batch)])
    affine = save_model_folder(out, contract, model.state_dict()).affine
    encoder = {name: weight for name, weight in model.state_dict().items() if not name.startswith("heads.")}
    image = {**contract["image"], "signal": contract["signal"]}
    description = {key: contract[key] for key in ("name", "encoder", "origin")}
    save_foundation(out / FOUNDATION, {**description, "affine": affine, "modalities": {"image": image}}, encoder)
    figures = {
        "task": config.task,
        "kind": config.task,
        "regime": config.regime,
        "modality": "image",
        "seed": config.seed,
        "data": {"file": "generated waves" + (f", array of {config.array}" if config.array else ""), "real": False},
        "split": "other signals and arrivals",
        "windows": {"train": config.windows, "test": _TEST_WINDOWS},
        **quantity_figures(config.task, told.numpy(), angle.numpy(), torch.arange(len(angle)).numpy()),
        "minutes": round((time.monotonic() - started) / 60, 2),
    }
    text = json.dumps(figures, indent=1)
    write_atomically(out / FIGURES, lambda path: path.write_text(text))
    return figures


def read_array(path: str, antennas: int) -> Tensor:
    """complex64 [antennas, antennas], of antennas with mean power 1, fitted to a data set. Raises `WfmError`."""
    dataset = open_dataset(path)
    if dataset.quantity != Bearings.task or dataset.kind != "sample" or dataset.shape[1] != antennas:
        raise WfmError(
            f"{path} holds {dataset.kind} {list(dataset.shape)} of task {dataset.task}; IQ windows (sample) of "
            f"{antennas} antennas with labels of task {Bearings.task} are expected: give such a set, or set antennas"
        )
    rows = np.unique(np.linspace(0, dataset.count - 1, min(dataset.count, _MOST_FITTED)).astype(np.int64))
    array = fitted_array(torch.from_numpy(dataset.read_iq(rows)), torch.from_numpy(dataset.label[rows, 0]))
    return (array * antennas**0.5).to(torch.complex64)


def draw(config: Bearings, count: int, seed: int, array: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Prepared windows float16 [count, 1, bands, columns], and their angles [count, 1] in degrees; `array` as of
    `draw_bearings`."""
    generator = torch.Generator().manual_seed(seed)
    signals = draw_signals(min(config.signals, count), config.samples, generator)
    prepare, images, angles = build_preprocessor(_signal(config)), [], []
    for rows in torch.arange(count).split(config.batch):
        drawn = draw_bearings(signals, len(rows), Arrivals(config.antennas, widest=config.widest), generator, array)
        iq = drawn.iq
        if array is None and config.antennas > 2 and len(images) % _FEWER == 0:
            iq = iq[:, : int(torch.randint(2, config.antennas, (), generator=generator))]
        images.append(prepare(iq).half())
        angles.append(drawn.angle)
    return torch.cat(images), torch.cat(angles)[:, None]


def answers(model: WirelessModel, images: Tensor) -> Tensor:
    """Directions [B, 1], from -1 to 1 over all that are told."""
    return model.heads[Bearings.task](pool(model.encode_image(images), "cls"))


def draft(config: Bearings, command: str) -> dict:
    """The contract, without the hash of weights."""
    signal = _signal(config)
    return {
        "name": config.name,
        "window": {"antennas": config.antennas, "samples": config.samples},
        "sample_rate": _RATES,
        "encoder": config.encoder.model_dump(),
        "input": "iq",
        "signal": signal,
        "modality": "image",
        "image": {"channels": 1, "size": [config.bands, -(-(config.antennas**2) // PATCH) * PATCH]},
        "tasks": {config.task: {"kind": config.task, "low": [-config.widest], "high": [config.widest]}},
        "origin": {"command": f"wfm-finetune {command}".strip(), "data": "synthetic"},
    }


def _signal(config: Bearings) -> dict:
    return {"kind": "covariance", "antennas": config.antennas, "bands": config.bands}
