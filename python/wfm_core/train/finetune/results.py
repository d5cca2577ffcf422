# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished fine-tuning leaves: a model folder, figures.json and pictures."""

import json
import platform
import time
from pathlib import Path

import torch
from torch import Tensor

from wfm_core.base.files import write_atomically
from wfm_core.base.quantities import ESTIMATE
from wfm_core.bundle.export import save_model_folder
from wfm_core.evaluate.calibration import Calibration, calibrate, expected_calibration_error, quiet_bias
from wfm_core.evaluate.charting import CHART
from wfm_core.evaluate.dense import (
    draw_grids,
    estimate_figures,
    intersections,
    relative_errors,
    segmentation_figures,
    some_pixels,
)
from wfm_core.evaluate.labelled import (
    chart_results,
    class_figures,
    draw_classes,
    draw_errors,
    draw_snr,
    quantity_figures,
)
from wfm_core.model import TOKENS
from wfm_core.model.merge import merged
from wfm_core.train.finetune.material import Material
from wfm_core.train.objectives.labelled import LabelledTraining, predict

FIGURES = "figures.json"
_UNCALIBRATED = Calibration(temperature=1.0, open_set_threshold=0.0, ece_before=float("nan"), ece_after=float("nan"))
_ANY_RATE = {"min": 1.0, "max": 1e12}


def mix(model: torch.nn.Module, others: dict[str, Tensor], share: float) -> None:
    """Make the model's weights means with `others`, of which they take that share.

    Weights between those a network began with and those that it was fine-tuned to often keep more of what either is
    good at (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022, section 3).
    """
    own = model.state_dict()
    model.load_state_dict({name: torch.lerp(own[name].float(), others[name].float(), share) for name in own})


def write_results(out: Path, material: Material, training: LabelledTraining, command: str, started: float) -> dict:
    """Calibrate, write model, figures and pictures of the test windows into `out`; returns the figures.

    `training` keeps the merged model. `started` is the `time.monotonic` of the run's beginning.
    """
    training.model, training.average = merged(training.kept).eval(), None
    if material.mixed_in is not None:
        mix(training.model, material.mixed_in, material.mixed_share)
    config, foundation = training.config, material.foundation
    calibration = _UNCALIBRATED
    if len(material.validation_label) and material.labels:
        label = torch.from_numpy(material.validation_label)
        logits = predict(training, material.validation)[0]
        if material.dense:
            logits, label = some_pixels(logits, label)
        calibration = calibrate(logits, label, config.known_share, material.alarms)
    average_bias = None
    if material.blocks is not None:
        logits = predict(training, material.blocks.batches)[0] / calibration.temperature
        average_bias = quiet_bias(logits, material.blocks.label, material.blocks.groups)
    outputs, embeddings = predict(training, material.test)
    figures = {
        "task": config.task,
        "kind": material.quantity or material.dense or "classification",
        "regime": config.regime + ("" if not config.freeze_inputs else ", inputs frozen"),
        "modality": material.feed.modality,
        "init": foundation.name,
        "seed": config.seed,
        "data": material.data,
        "split": material.split,
        "windows": material.windows,
    }
    split = material.split.partition(";")[0]
    title = f"{config.task} of {material.data['file']}, {figures['regime']}, {foundation.name}\n{split}"
    if material.dense:
        figures |= _dense_results(out, material, outputs, calibration, title)
    elif material.labels:
        figures |= _class_results(out, material, outputs, embeddings.numpy(), calibration, title)
    elif material.quantity == CHART:
        figures |= chart_results(out, outputs.numpy(), material.label, title)
    else:
        quantity = material.quantity
        figures |= quantity_figures(quantity, outputs.numpy(), material.label, material.units)
        draw_errors(out, quantity, outputs.numpy(), material.label, f"{foundation.name}, {config.regime}", title)
    figures["minutes"] = round((time.monotonic() - started) / 60, 2)
    versions = {"torch": str(torch.__version__), "python": platform.python_version()}
    origin = {"command": f"wfm-finetune {command}".strip(), **material.origin, **versions}
    contract = _contract(material, training, calibration, origin)
    if average_bias is not None:
        contract["tasks"][config.task]["average_bias"] = list(average_bias)
    weights = training.model.state_dict()
    if material.half:
        weights = {name: tensor.half() for name, tensor in weights.items()}
    save_model_folder(out, contract, weights)
    text = json.dumps(figures, indent=1)
    write_atomically(out / FIGURES, lambda path: path.write_text(text))
    return figures


def _class_results(out: Path, material: Material, logits: Tensor, embeddings, calibration: Calibration, title) -> dict:
    label = torch.from_numpy(material.label)
    calibrated = logits / calibration.temperature
    biased = calibrated + torch.tensor(calibration.bias) if calibration.bias else calibrated
    probabilities = biased.softmax(1)
    draw_classes(out, probabilities.numpy(), material.label, material.labels, embeddings, title)
    figures = class_figures(
        probabilities.numpy(), material.label, material.labels, material.units, material.gain_db, material.snr_db
    )
    draw_snr(out, figures, title)
    del figures["ece"]  # of the bias too, which is not there to make scores right
    figures["ece_before"] = expected_calibration_error(logits.softmax(1), label)
    figures["ece_after"] = expected_calibration_error(calibrated.softmax(1), label)
    unknown = probabilities.max(1).values < calibration.open_set_threshold
    figures["unknown_share"] = float(unknown.float().mean())
    return figures


def _dense_results(out: Path, material: Material, outputs: Tensor, calibration: Calibration, title: str) -> dict:
    images = next(iter(material.test))[0].numpy()
    if material.dense == ESTIMATE:
        draw_grids(out, images, outputs.numpy(), material.label, (), title)
        return estimate_figures(relative_errors(outputs.numpy(), material.label), material.units)
    classes = outputs.argmax(1).numpy()
    draw_grids(out, images, classes, material.label, material.labels, title)
    found = intersections(classes, material.label, len(material.labels))
    figures = segmentation_figures(found, material.labels, material.units)
    logits, label = some_pixels(outputs, torch.from_numpy(material.label))
    figures["ece_before"] = expected_calibration_error(logits.softmax(1), label)
    figures["ece_after"] = expected_calibration_error((logits / calibration.temperature).softmax(1), label)
    return figures


def _contract(material: Material, training: LabelledTraining, calibration: Calibration, origin: dict) -> dict:
    feed, description = material.feed, material.foundation.description
    contract = {"name": material.name, "encoder": description["encoder"], "affine": description["affine"]}
    contract["modality"] = feed.modality
    if material.kind == "sample":
        antennas, samples = material.shape[1:]
        rate = material.sample_rate
        rates = description.get("sample_rate") or _ANY_RATE
        contract["input"] = "iq"
        contract["window"] = {"antennas": antennas, "samples": samples}
        if material.average > 1:
            contract["window"]["average"] = material.average
        contract["sample_rate"] = {"min": rate, "max": rate} if rate else rates
    else:
        contract["input"] = "image"
        contract["input_image"] = {"channels": material.shape[0], "size": list(material.shape[1:])}
    contract["signal"] = feed.signal
    if feed.modality == "image":
        per_channel = description["modalities"]["image"].get("per_channel")
        image = {"channels": feed.shape[0], "size": list(feed.shape[1:])}
        contract["image"] = image | ({"per_channel": True} if per_channel else {})
    elif description["modalities"]["iq"].get("measures"):
        contract["iq"] = {"measures": True}
    task = {"pooling": TOKENS if material.dense else training.config.pooling}
    if material.dense:
        grid = {"kind": material.dense, "grid": list(material.label.shape[-2:])}
        own = {"labels": list(material.labels), "temperature": calibration.temperature}
        task |= grid | (own if material.labels else {"planes": material.label.shape[1]})
    elif training.scene is None:
        task |= {
            "kind": "classification",
            "labels": list(material.labels),
            "temperature": calibration.temperature,
            "open_set_threshold": calibration.open_set_threshold,
        }
        if calibration.bias:
            task["bias"] = list(calibration.bias)
    else:
        task |= {"kind": material.quantity, "low": training.scene.low.tolist(), "high": training.scene.high.tolist()}
    return {**contract, "tasks": {training.config.task: task}, "origin": origin}
