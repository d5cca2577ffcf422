# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that trains one small network for two tasks at once: which of five simulated transmitters, and its modulation.

Of use with the simulated radio alone, whose transmitters it knows by heart; it is there to show one encoder with two
heads.
"""

import json
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from wfm_core.base.files import write_atomically
from wfm_core.bundle import build_network, draft_contract, save_model_folder
from wfm_core.configs.finetuning import Turns
from wfm_core.evaluate.calibration import fit_temperature
from wfm_core.model import WirelessModel, pool
from wfm_core.signal import build_preprocessor
from wfm_core.synth.draws import choice
from wfm_core.synth.scenes.devices import SAMPLE_RATE
from wfm_core.synth.scenes.turns import GATE_DBFS, MODULATIONS, TRANSMITTERS, transmitter_turn
from wfm_core.train.finetune.results import FIGURES
from wfm_core.train.fitting import fit_small

WINDOW = 4096
TASKS = {"fingerprint": TRANSMITTERS, "classification": MODULATIONS}
_TURN = 8 * WINDOW
_WINDOWS_OF_A_TURN = 4
_SIGNAL = {"kind": "cyclic_image"}
_IMAGE = {"channels": 5, "size": [32, 64]}
_HELD_OUT = 0.2
_AT_ONCE = 256


def train_turns(config: Turns, out: Path, command: str) -> dict:
    """Train in the existing folder `out`; returns the figures."""
    started = time.monotonic()
    iq, labels = draw(config.turns, config.seed)
    images = torch.cat([build_preprocessor(_SIGNAL)(part) for part in iq.split(_AT_ONCE)])
    contract = _contract(config, command)
    held_out = int(_HELD_OUT * len(images))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = build_network(draft_contract(contract, config.name))

        def loss(rows: Tensor) -> Tensor:
            logits = _logits(model, images[held_out:][rows])
            return sum(functional.cross_entropy(logits[task], own[held_out:][rows]) for task, own in labels.items())

        fit_small(model, loss, len(images) - held_out, config.epochs)
    with torch.inference_mode():
        logits = _logits(model, images[:held_out])
    accuracy = {}
    for task, own in labels.items():
        truth = own[:held_out]
        contract["tasks"][task]["temperature"] = round(fit_temperature(logits[task], truth), 4)
        accuracy[task] = round(float((logits[task].argmax(1) == truth).float().mean()), 4)
    contract["origin"]["held_out_accuracy"] = accuracy
    save_model_folder(out, contract, model.state_dict())
    figures = {
        "task": " and ".join(TASKS),
        "kind": "classification",
        "regime": config.regime,
        "modality": "image",
        "seed": config.seed,
        "data": {"file": "turns of simulated transmitters", "real": False},
        "split": "other turns of the same transmitters",
        "windows": {"train": len(images) - held_out, "test": held_out},
        "mean_class_accuracy": sum(accuracy.values()) / len(accuracy),
        "accuracy": accuracy,
        "minutes": round((time.monotonic() - started) / 60, 2),
    }
    text = json.dumps(figures, indent=1)
    write_atomically(out / FIGURES, lambda path: path.write_text(text))
    return figures


def draw(count: int, seed: int) -> tuple[Tensor, dict[str, Tensor]]:
    """`count` windows complex64 [count, 1, WINDOW] above the gate, and the labels int64 [count] of each task."""
    generator = torch.Generator().manual_seed(seed)
    windows: list[Tensor] = []
    labels: dict[str, list[int]] = {task: [] for task in TASKS}
    while len(windows) < count:
        turn = transmitter_turn(_TURN, choice(TRANSMITTERS, generator), choice(MODULATIONS, generator), generator)
        cut = turn.samples.unflatten(1, (-1, WINDOW)).transpose(0, 1)
        heard = cut[10 * torch.log10(cut.abs().square().mean((1, 2))) > GATE_DBFS]
        chosen = heard[torch.randperm(len(heard), generator=generator)[:_WINDOWS_OF_A_TURN]]
        windows.extend(chosen)
        for task, names in TASKS.items():
            labels[task] += [names.index(turn.labels[task])] * len(chosen)
    return torch.stack(windows[:count]), {task: torch.tensor(own[:count]) for task, own in labels.items()}


def _logits(model: WirelessModel, images: Tensor) -> dict[str, Tensor]:
    embedding = pool(model.encode_image(images), "cls")
    return {task: head(embedding) for task, head in model.heads.items()}


def _contract(config: Turns, command: str) -> dict:
    return {
        "name": config.name,
        "window": {"antennas": 4, "samples": WINDOW},
        "sample_rate": {"min": SAMPLE_RATE, "max": SAMPLE_RATE},
        "encoder": config.encoder.model_dump(),
        "input": "iq",
        "signal": _SIGNAL,
        "modality": "image",
        "image": _IMAGE,
        "tasks": {task: {"kind": "classification", "labels": list(names)} for task, names in TASKS.items()},
        "origin": {"command": f"wfm-finetune {command}".strip(), "data": "synthetic"},
    }
