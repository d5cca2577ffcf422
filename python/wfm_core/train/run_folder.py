# SPDX-License-Identifier: GPL-3.0-or-later
"""What a training run leaves: config, logs, checkpoints, weights.safetensors and contract.yaml."""

import json
import platform
from pathlib import Path

import torch

from wfm_core.bundle.export import save_model_folder
from wfm_core.evaluate.calibration import expected_calibration_error, false_alarm_bias, fit_temperature
from wfm_core.evaluate.metrics import interference_accuracies
from wfm_core.synth.scenes.interference import LABELS, SAMPLE_RATES


def write_model(folder: Path, config: dict, training, logits: torch.Tensor, label: torch.Tensor, origin: dict) -> dict:
    """Calibrate on (logits, label), write the averaged weights in half precision and the contract; return figures."""
    temperature = fit_temperature(logits, label)
    before = expected_calibration_error(logits.softmax(1), label)
    logits = logits / temperature
    after = expected_calibration_error(logits.softmax(1), label)
    bias = [false_alarm_bias(logits, label, config["false_alarms"]), 0.0, 0.0]
    figures = interference_accuracies((logits + torch.tensor(bias)).softmax(1), label)
    figures |= {"ece_before": before, "ece_after": after}
    state = {name: tensor.half() for name, tensor in training.average.module.state_dict().items()}
    contract = _contract(config, round(temperature, 4), [round(value, 4) for value in bias], origin)
    save_model_folder(folder, contract, state)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1))
    return figures


def _contract(config: dict, temperature: float, bias: list[float], origin: dict) -> dict:
    contract = {
        "format": 1,
        "name": config["name"],
        "window": config["window"],
        "sample_rate": {"min": min(SAMPLE_RATES), "max": max(SAMPLE_RATES)},
        "encoder": config["encoder"],
        "input": "iq",
        "signal": config["signal"],
        "modality": config["modality"],
    }
    if config["modality"] == "image":
        contract["image"] = config["image"]
    contract["tasks"] = {
        "interference": {
            "kind": "classification",
            "labels": list(LABELS),
            "pooling": config["pooling"],
            "temperature": temperature,
            "bias": bias,
            "open_set_threshold": 0.0,
        }
    }
    contract["origin"] = origin | {"torch": str(torch.__version__), "python": platform.python_version()}
    return contract
