# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that trains a model of single signals: crops, trainer, and what it leaves.

The folder holds config.yaml, crops/, logs/, checkpoints/, and at the end the model (weights.safetensors and
contract.yaml, see wfm-export), figures.json and the confusion matrix.
"""

import json
import platform
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from wfm_core.base.files import write_atomically
from wfm_core.bundle.export import save_model_folder
from wfm_core.configs.finetuning import Signals
from wfm_core.evaluate.calibration import Calibration, calibrate, expected_calibration_error
from wfm_core.evaluate.figures.canvas import save
from wfm_core.evaluate.figures.confusion import confusion_figure
from wfm_core.evaluate.metrics import confusion_matrix, mean_class_accuracy
from wfm_core.model.found import VIEWS
from wfm_core.signal.found import SAMPLES
from wfm_core.synth.signals.catalogue import LABELS, NOISE
from wfm_core.train.finetune.results import FIGURES
from wfm_core.train.runner import begin, make_trainer, steps_done, train
from wfm_core.train.signals.batches import FIRST_SHARDS, CropBatches, Makers, as_inputs, shard_path, validation_rows
from wfm_core.train.signals.growing import features_of, grow
from wfm_core.train.signals.starting import listen, rounds_begun, starting_network, tree_sizes
from wfm_core.train.signals.training import SignalTraining, predict_rows

_VALIDATION_BATCH = 128


def train_signals(config: Signals, out: Path, checkpoint: dict | None, command: str) -> dict:
    """Train in the existing folder `out`, or go on from its last `checkpoint`; returns the figures.

    Raises `WfmError`.
    """
    started = time.monotonic()
    begin(config, out)
    crops = out / "crops"
    crops.mkdir(exist_ok=True)
    labels = tuple(label for label in LABELS if label not in config.leave_out)
    with Makers(config, crops) as makers:
        rows = validation_rows(config, crops)
        rows = rows[rows["label"] >= 0]  # what has no name is taught, but there is no right answer
        starts = range(0, len(rows), _VALIDATION_BATCH)
        held_out = [as_inputs(rows[start : start + _VALIDATION_BATCH], labels) for start in starts]
        for number in range(min(FIRST_SHARDS, config.shards)):
            makers.wait_for(shard_path(crops, number))
        numbers = torch.from_numpy(np.load(shard_path(crops, 0), mmap_mode="r")["numbers"].copy())
        model, begun_with = starting_network(config, labels, numbers)
        if config.trees and checkpoint is None:
            files = [shard_path(crops, number) for number in range(config.first_shard)]
            for path in tqdm(files, desc="crops for the trees", unit="file"):
                makers.wait_for(path)
            grow(model.opinion.trees, config, *features_of(files, labels), begun=rounds_begun(config))
            if not config.trees.go_on:
                listen(model, config.task)
        if config.trees:
            makers.wait_for(shard_path(crops, config.first_shard))
        training = SignalTraining(config, model, labels)
        first = steps_done(checkpoint)
        trainer = make_trainer(config, out, config.steps, first, config.validate_every, log_every=50)
        batches = DataLoader(CropBatches(config, crops, labels, first), None)
        train(trainer, training, batches, DataLoader(held_out, None), checkpoint is not None)
    return _results(out, config, training, held_out, labels, _origin(command, begun_with), started)


def _results(out: Path, config: Signals, training: SignalTraining, held_out, labels, origin: dict, started) -> dict:
    batches = [batch for batch, _ in held_out]
    target = torch.cat([target for _, target in held_out])
    logits, _ = predict_rows(training, batches)
    calibration = calibration_of(config, logits, target, labels)
    probabilities = (logits / calibration.temperature).softmax(1)
    named = logits / calibration.temperature + torch.tensor(calibration.bias or 0.0)
    confusion = confusion_matrix(named.argmax(1), target, len(labels))
    figures = {
        "task": config.task,
        "kind": "classification",
        "regime": config.regime,
        "modality": "signal",
        "seed": config.seed,
        "data": {"file": "crops of synthetic bands", "real": False},
        "split": "bands of other seeds, which also chose temperature and threshold",
        "windows": {"train": config.shards * config.crops, "test": len(target)},
        "labels": list(labels),
        "mean_class_accuracy": mean_class_accuracy(confusion),
        "confusion": confusion.tolist(),
        "ece_before": calibration.ece_before,
        "ece_after": expected_calibration_error(probabilities, target),
    }
    for view in VIEWS[:2]:
        alone, _ = predict_rows(training, batches, (view, "facts"))
        own = confusion_matrix(alone.argmax(1), target, len(labels))
        figures[f"mean_class_accuracy_{view}_alone"] = mean_class_accuracy(own)
    figures["minutes"] = round((time.monotonic() - started) / 60, 2)
    save(out / "confusion.png", confusion_figure(confusion, labels, "crops of synthetic bands"))
    state = training.kept.state_dict()
    weights = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    save_model_folder(out, contract_of(config, labels, calibration, origin), weights)
    text = json.dumps(figures, indent=1)
    write_atomically(out / FIGURES, lambda path: path.write_text(text))
    return figures


def calibration_of(config: Signals, logits: Tensor, target: Tensor, labels: tuple[str, ...]) -> Calibration:
    """Of held-out crops; the bias of `noise` lets at most `noise_named` of those of noise have another name."""
    if NOISE not in labels or not bool((target == labels.index(NOISE)).any()):
        return calibrate(logits, target, config.known_share)
    every = torch.ones_like(target, dtype=torch.bool)
    return calibrate(logits, target, config.known_share, [(every, config.noise_named)], labels.index(NOISE))


def contract_of(config: Signals, labels: tuple[str, ...], calibration: Calibration, origin: dict) -> dict:
    return {
        "name": config.name,
        "encoder": config.encoder.model_dump(),
        "affine": "before",
        "input": "iq",
        "modality": "signal",
        "window": {"antennas": 1, "samples": SAMPLES},
        "sample_rate": {"min": 1.0, "max": 1e12},
        "signal": {"kind": "found_signal"},
        **({"trees": asdict(tree_sizes(config))} if config.trees else {}),
        "tasks": {
            config.task: {
                "kind": "classification",
                "pooling": config.pooling,
                "labels": list(labels),
                "temperature": calibration.temperature,
                **({"bias": list(calibration.bias)} if calibration.bias else {}),
                "open_set_threshold": calibration.open_set_threshold,
            }
        },
        "origin": origin,
    }


def _origin(command: str, begun_with: str) -> dict:
    return {
        "command": f"wfm-finetune {command}".strip(),
        "data": "synthetic",
        **({"init": begun_with} if begun_with else {}),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }
