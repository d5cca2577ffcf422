# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains a starter model: a network of two blocks, all its tasks at once, in a few seconds on a CPU."""

import tempfile
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from wfm_core.base import compute
from wfm_core.bundle import build_network, draft_contract, export_tasks, save_model_folder
from wfm_core.bundle.export import SUFFIX
from wfm_core.evaluate.calibration import fit_temperature
from wfm_core.model import WirelessModel, pool
from wfm_core.signal import build_preprocessor
from wfm_core.starter.recipes import RECIPES, WINDOW, Recipe, draw
from wfm_core.train.fitting import fit_starter

ENCODER = {"width": 64, "depth": 2, "heads": 4, "mlp_hidden": 128}
_SIGNAL = {"kind": "cyclic_image"}
_IMAGE = {"channels": 5, "size": [32, 64]}
_HELD_OUT = 0.2
_SEED = 1


def make(name: str, folder: Path) -> str:
    """See `wfm_core.starter.catalog.Starter`."""
    recipe = RECIPES[name]
    contract, weights = compute.run(_train, name, recipe)
    with tempfile.TemporaryDirectory() as run:
        save_model_folder(Path(run), contract, weights)
        compute.run(export_tasks, dict.fromkeys(recipe.tasks, Path(run)), folder / f"{name}{SUFFIX}", name)
    accuracy = ", ".join(f"{task} {share:.0%}" for task, share in contract["origin"]["held_out_accuracy"].items())
    return f"right on generated windows held out: {accuracy}"


def _train(name: str, recipe: Recipe) -> tuple[dict, dict[str, Tensor]]:
    """The contract and the weights of the model `name`."""
    iq, labels = draw(recipe, recipe.windows, _SEED)
    images = torch.cat([build_preprocessor(_SIGNAL)(part) for part in iq.split(256)])
    contract = _contract(name, recipe)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        model = build_network(draft_contract(contract, name))
        held_out = int(_HELD_OUT * len(images))

        def loss(rows: Tensor) -> Tensor:
            logits = _logits(model, images[held_out:][rows])
            return sum(functional.cross_entropy(logits[task], own[held_out:][rows]) for task, own in labels.items())

        fit_starter(model, loss, len(images) - held_out, recipe.epochs)
    with torch.inference_mode():
        logits = _logits(model, images[:held_out])
    accuracy = {}
    for task, own in labels.items():
        truth = own[:held_out]
        contract["tasks"][task]["temperature"] = round(fit_temperature(logits[task], truth), 4)
        accuracy[task] = round(float((logits[task].argmax(1) == truth).float().mean()), 4)
    contract["origin"]["held_out_accuracy"] = accuracy
    return contract, model.state_dict()


def _logits(model: WirelessModel, images: Tensor) -> dict[str, Tensor]:
    embedding = pool(model.encode_image(images), "cls")
    return {task: head(embedding) for task, head in model.heads.items()}


def _contract(name: str, recipe: Recipe) -> dict:
    return {
        "name": name,
        "window": {"antennas": 4, "samples": WINDOW},
        "sample_rate": {"min": recipe.sample_rate, "max": recipe.sample_rate},
        "encoder": ENCODER,
        "input": "iq",
        "signal": _SIGNAL,
        "modality": "image",
        "image": _IMAGE,
        "tasks": {task: {"kind": "classification", "labels": list(names)} for task, names in recipe.tasks.items()},
        "origin": {"data": "synthetic", "starter": name},
    }
