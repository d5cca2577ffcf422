# SPDX-License-Identifier: GPL-3.0-or-later
"""Small bundles for the tests, and what computes them."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from wfm_core.bundle import build_network, parse_contract, save_model_folder
from wfm_core.bundle.engines.measure import Pace
from wfm_core.bundle.engines.openvino import find_openvino
from wfm_core.bundle.precision.dtype import has_bf16

needs_openvino = pytest.mark.skipif(
    not find_openvino()[0], reason=f"OpenVINO: {find_openvino()[1]}; pip install openvino"
)

needs_bf16 = pytest.mark.skipif(not has_bf16(torch.device("cpu")), reason="this CPU has no bf16 products")


def contract_of(**changes) -> dict:
    contract = {
        "format": 1,
        "name": "small",
        "window": {"antennas": 3, "samples": 256},
        "sample_rate": {"min": "1.92e6", "max": 30.72e6},
        "encoder": {"width": 32, "depth": 2, "heads": 4, "mlp_hidden": 64},
        "input": "iq",
        "signal": {"kind": "iq_rms"},
        "modality": "iq",
        "tasks": {
            "interference": {
                "kind": "classification",
                "labels": ["none", "a", "b"],
                "temperature": 0.5,
                "bias": [0.1, 0.2, 0.3],
                "open_set_threshold": 0.2,
            },
            "position": {"kind": "position", "low": [0, -10, 1], "high": [80, 10, 3], "pooling": "mean"},
        },
        "origin": {"data": "none: random weights"},
        "weights_sha256": "filled in on saving",
    }
    return {**contract, **changes}


def make_folder(folder: Path, **changes) -> Path:
    torch.manual_seed(3)
    contract = contract_of(**changes)
    save_model_folder(folder, contract, build_network(parse_contract(contract, "test")).state_dict())
    return folder


def windows(batch: int = 4, antennas: int = 2, samples: int = 256) -> np.ndarray:
    parts = np.random.default_rng(5).standard_normal((2, batch, antennas, samples), dtype=np.float32)
    return parts[0] + 1j * parts[1]


def rewrite(source: Path, target: Path, change: dict[str, bytes]) -> Path:
    """A copy of a bundle in which the files that end with a key of `change` have other contents."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            replaced = [data for end, data in change.items() if name.endswith(end)]
            new.writestr(name, replaced[0] if replaced else old.read(name))
    return target


def without_openvino(monkeypatch) -> None:
    """As on a computer that has none."""
    monkeypatch.setattr("wfm_core.bundle.engines.choose.find_openvino", lambda: ("", "openvino is not installed"))


def gains(monkeypatch, *values: float) -> None:
    """What engines and formats gain over float32 when they are compared, in turn; the last one for all that follow."""

    def paces(calls, inputs) -> list[Pace]:
        given = [1.0, *values, *[values[-1]] * len(calls)]
        return [Pace(gain, min(inputs)) for gain in given[: len(calls)]]

    monkeypatch.setattr("wfm_core.bundle.engines.measure.paces", paces)
