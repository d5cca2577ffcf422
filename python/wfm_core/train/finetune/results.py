# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished fine-tuning leaves: a model folder, figures.json and pictures."""

import json
import platform
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wfm_core.base.files import write_atomically
from wfm_core.bundle.export import save_model_folder
from wfm_core.bundle.foundation import Foundation
from wfm_core.data.dataset import Dataset
from wfm_core.data.splits import SOURCE
from wfm_core.evaluate.calibration import Calibration, calibrate, expected_calibration_error
from wfm_core.evaluate.labelled import class_figures, draw_classes, draw_positions, metre_figures
from wfm_core.model.merge import merged
from wfm_core.train.finetune.data import Sides
from wfm_core.train.finetune.starting import Feed
from wfm_core.train.objectives.labelled import LabelledTraining, predict

FIGURES = "figures.json"
_UNCALIBRATED = Calibration(temperature=1.0, open_set_threshold=0.0, ece_before=float("nan"), ece_after=float("nan"))
_ANY_RATE = {"min": 1.0, "max": 1e12}


def write_results(
    out: Path,
    dataset: Dataset,
    foundation: Foundation,
    feed: Feed,
    sides: Sides,
    training: LabelledTraining,
    windows: Tensor,
    command: str,
    started: float,
) -> dict:
    """Calibrate, write model, figures and pictures of the test windows into `out`; returns the figures.

    `training` keeps the merged model. `started` is the `time.monotonic` of the run's beginning.
    """
    training.model = merged(training.model).eval()
    config, test = training.config, sides.test
    calibration = _UNCALIBRATED
    if len(sides.validation) and dataset.labels:
        logits = predict(training, windows, sides.validation)[0]
        calibration = calibrate(logits, torch.from_numpy(dataset.label[sides.validation]), config.known_share)
    outputs, embeddings = predict(training, windows, test)
    units = dataset.groups[SOURCE][test] if SOURCE in dataset.groups else np.arange(len(test))
    figures = {
        "task": config.task,
        "kind": "classification" if dataset.labels else "position",
        "regime": config.regime + ("" if not config.freeze_inputs else ", inputs frozen"),
        "modality": feed.modality,
        "init": foundation.name,
        "seed": config.seed,
        "data": _data(dataset),
        "split": sides.description,
        "windows": {"train": len(sides.train), "validation": len(sides.validation), "test": len(test)},
    }
    title = f"{config.task} of {dataset.path.name}, {figures['regime']}, {foundation.name}\n{_short(sides.description)}"
    if dataset.labels:
        figures |= _class_results(out, dataset, test, outputs, embeddings.numpy(), calibration, units, title)
    else:
        figures |= metre_figures(outputs.numpy(), dataset.label[test], units)
        draw_positions(out, outputs.numpy(), dataset.label[test], f"{foundation.name}, {config.regime}", title)
    figures["minutes"] = round((time.monotonic() - started) / 60, 2)
    origin = _origin(foundation, dataset, sides, training, command)
    contract = _contract(out.resolve().name, foundation, dataset, feed, training, calibration, origin)
    save_model_folder(out, contract, training.model.state_dict())
    text = json.dumps(figures, indent=1)
    write_atomically(out / FIGURES, lambda path: path.write_text(text))
    return figures


def _class_results(out, dataset, test, logits, embeddings, calibration, units, title) -> dict:
    label = dataset.label[test]
    probabilities = (logits / calibration.temperature).softmax(1)
    draw_classes(out, probabilities.numpy(), label, dataset.labels, embeddings, title)
    figures = class_figures(probabilities.numpy(), label, dataset.labels, units)
    figures["ece_before"] = expected_calibration_error(logits.softmax(1), torch.from_numpy(label))
    figures["ece_after"] = figures.pop("ece")
    unknown = probabilities.max(1).values < calibration.open_set_threshold
    figures["unknown_share"] = float(unknown.float().mean())
    return figures


def _data(dataset: Dataset) -> dict:
    return {
        "file": dataset.path.name,
        "count": dataset.count,
        "provenance": dataset.provenance,
        "real": not dataset.provenance.get("synthetic", False),
    }


def _short(description: str) -> str:
    return description.partition(";")[0]


def _origin(foundation: Foundation, dataset: Dataset, sides: Sides, training: LabelledTraining, command: str) -> dict:
    config = training.config
    return {
        "command": f"wfm-finetune {command}".strip(),
        "init": {"name": foundation.name, "weights_sha256": foundation.weights_sha256},
        "regime": config.regime,
        "freeze_inputs": config.freeze_inputs,
        "data": _data(dataset),
        "split": sides.description,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }


def _contract(
    name: str,
    foundation: Foundation,
    dataset: Dataset,
    feed: Feed,
    training: LabelledTraining,
    calibration: Calibration,
    origin: dict,
) -> dict:
    contract = {"format": 1, "name": name, "encoder": foundation.description["encoder"]}
    contract["affine"] = foundation.description["affine"]
    contract["modality"] = feed.modality
    if dataset.kind == "sample":
        antennas, samples = dataset.shape[1:]
        rate = dataset.sample_rate
        rates = foundation.description.get("sample_rate") or _ANY_RATE
        contract["input"] = "iq"
        contract["window"] = {"antennas": antennas, "samples": samples}
        contract["sample_rate"] = {"min": rate, "max": rate} if rate else rates
    else:
        contract["input"] = "image"
        contract["input_image"] = {"channels": dataset.shape[0], "size": list(dataset.shape[1:])}
    contract["signal"] = feed.signal
    if feed.modality == "image":
        contract["image"] = {"channels": feed.shape[0], "size": list(feed.shape[1:])}
    task = {"pooling": training.config.pooling}
    if training.scene is None:
        task |= {
            "kind": "classification",
            "labels": list(dataset.labels),
            "temperature": calibration.temperature,
            "open_set_threshold": calibration.open_set_threshold,
        }
    else:
        task |= {"kind": "position", "low": training.scene.low.tolist(), "high": training.scene.high.tolist()}
    return {**contract, "tasks": {training.config.task: task}, "origin": origin}
