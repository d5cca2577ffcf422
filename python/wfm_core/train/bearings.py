# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that trains a network to tell from where a wave comes, on generated waves over a row of antennas."""

import json
import time
from pathlib import Path

import torch
from torch import Tensor

from wfm_core.base.files import write_atomically
from wfm_core.bundle import build_network, draft_contract, save_model_folder
from wfm_core.configs.finetuning import Bearings
from wfm_core.evaluate.labelled import quantity_figures
from wfm_core.model import PATCH, WirelessModel, pool
from wfm_core.signal import build_preprocessor
from wfm_core.synth.arrays import Arrivals, draw_bearings, draw_signals
from wfm_core.train.finetune.results import FIGURES
from wfm_core.train.fitting import fit
from wfm_core.train.optimizers import weight_groups

WIDEST = 90.0
"""Degrees to either side that are told."""
_RATES = {"min": 1e3, "max": 1e9}  # nothing in a window says what its rate is
_TEST_WINDOWS = 2048
_TEST_SEED = 1 << 20  # added: other signals and other arrivals than those of any training
_FEWER = 8  # one window in so many has fewer antennas
_WEIGHT_DECAY, _CLIP, _FLOOR = 0.05, 1.0, 0.01


def train_bearings(config: Bearings, out: Path, command: str) -> dict:
    """Train in the existing folder `out`; returns the figures."""
    started = time.monotonic()
    images, angle = draw(config, config.windows, config.seed)
    contract = draft(config, command)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = build_network(draft_contract(contract, config.name))
        target = angle / WIDEST

        def loss(rows: Tensor) -> Tensor:
            # how far off, not its square: a wave from the very side may seem to come from the other one
            return (answers(model, images[rows].float()) - target[rows]).abs().mean()

        orders = [torch.randperm(len(images)).split(config.batch) for _ in range(config.epochs)]
        batches = [rows for order in orders for rows in order]
        groups = weight_groups(model, _WEIGHT_DECAY)
        fit(groups, loss, batches, config.learning_rate, max(1, len(batches) // 20), _FLOOR, _CLIP)
        model.eval()
    images, angle = draw(config, _TEST_WINDOWS, config.seed + _TEST_SEED)
    with torch.inference_mode():
        told = WIDEST * torch.cat([answers(model, part.float()) for part in images.split(config.batch)])
    save_model_folder(out, contract, model.state_dict())
    figures = {
        "task": config.task,
        "kind": config.task,
        "regime": config.regime,
        "modality": "image",
        "seed": config.seed,
        "data": {"file": "generated waves", "real": False},
        "split": "other signals and arrivals",
        "windows": {"train": config.windows, "test": _TEST_WINDOWS},
        **quantity_figures(config.task, told.numpy(), angle.numpy(), torch.arange(len(angle)).numpy()),
        "minutes": round((time.monotonic() - started) / 60, 2),
    }
    text = json.dumps(figures, indent=1)
    write_atomically(out / FIGURES, lambda path: path.write_text(text))
    return figures


def draw(config: Bearings, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Prepared windows float16 [count, 1, bands, columns], and their angles [count, 1] in degrees."""
    generator = torch.Generator().manual_seed(seed)
    signals = draw_signals(min(config.signals, count), config.samples, generator)
    prepare, images, angles = build_preprocessor(_signal(config)), [], []
    for rows in torch.arange(count).split(config.batch):
        drawn = draw_bearings(signals, len(rows), Arrivals(config.antennas, widest=WIDEST), generator)
        iq = drawn.iq
        if config.antennas > 2 and len(images) % _FEWER == 0:
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
        "tasks": {config.task: {"kind": config.task, "low": [-WIDEST], "high": [WIDEST]}},
        "origin": {"command": f"wfm-finetune {command}".strip(), "data": "synthetic"},
    }


def _signal(config: Bearings) -> dict:
    return {"kind": "covariance", "antennas": config.antennas, "bands": config.bands}
