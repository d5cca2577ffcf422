# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains a starter model: a network of two blocks, all its tasks at once, in a few seconds on a CPU."""

import torch
from torch import Tensor
from torch.nn import functional

from wfm_core.bundle import build_network, parse_contract
from wfm_core.model import WirelessModel, pool
from wfm_core.signal import build_preprocessor
from wfm_core.starter.recipes import WINDOW, Recipe, draw
from wfm_core.train.calibration import fit_temperature
from wfm_core.train.optimizers import warmup_cosine, weight_groups

ENCODER = {"width": 64, "depth": 2, "heads": 4, "mlp_hidden": 128}
_SIGNAL = {"kind": "cyclic_image"}
_IMAGE = {"channels": 5, "size": [32, 64]}
_BATCH = 64
_RATE = 3e-3
_WEIGHT_DECAY = 0.05
_HELD_OUT = 0.2
_SEED = 1


def train(name: str, recipe: Recipe, origin: dict) -> tuple[dict, dict[str, Tensor]]:
    """The contract (without the weights' sha256) and the weights of the model `name`."""
    iq, labels = draw(recipe, recipe.windows, _SEED)
    images = torch.cat([build_preprocessor(_SIGNAL)(part) for part in iq.split(256)])
    contract = _contract(name, recipe, origin)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        model = build_network(parse_contract({**contract, "weights_sha256": "none yet"}, name))
        held_out = int(_HELD_OUT * len(images))
        _fit(model, images[held_out:], {task: own[held_out:] for task, own in labels.items()}, recipe.epochs)
    with torch.inference_mode():
        logits = _logits(model.eval(), images[:held_out])
    accuracy = {}
    for task, own in labels.items():
        truth = own[:held_out]
        contract["tasks"][task]["temperature"] = round(fit_temperature(logits[task], truth), 4)
        accuracy[task] = round(float((logits[task].argmax(1) == truth).float().mean()), 4)
    contract["origin"]["held_out_accuracy"] = accuracy
    return contract, model.state_dict()


def _fit(model: WirelessModel, images: Tensor, labels: dict[str, Tensor], epochs: int) -> None:
    steps = epochs * (len(images) // _BATCH)
    optimizer = torch.optim.AdamW(weight_groups(model, _WEIGHT_DECAY), _RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, warmup_cosine(steps // 10, steps, 0.01))
    for _ in range(epochs):
        # the rest of an epoch's windows, less than a batch, waits for another epoch's order
        for rows in torch.randperm(len(images))[: len(images) // _BATCH * _BATCH].split(_BATCH):
            logits = _logits(model, images[rows])
            loss = sum(functional.cross_entropy(logits[task], own[rows]) for task, own in labels.items())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def _logits(model: WirelessModel, images: Tensor) -> dict[str, Tensor]:
    embedding = pool(model.encode_image(images), "cls")
    return {task: head(embedding) for task, head in model.heads.items()}


def _contract(name: str, recipe: Recipe, origin: dict) -> dict:
    return {
        "format": 1,
        "name": name,
        "window": {"antennas": 4, "samples": WINDOW},
        "sample_rate": {"min": recipe.sample_rate, "max": recipe.sample_rate},
        "encoder": ENCODER,
        "input": "iq",
        "signal": _SIGNAL,
        "modality": "image",
        "image": _IMAGE,
        "tasks": {task: {"kind": "classification", "labels": list(names)} for task, names in recipe.tasks.items()},
        "origin": origin,
    }
