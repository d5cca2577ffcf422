# SPDX-License-Identifier: GPL-3.0-or-later
"""The full-size encoder with random weights on raw IQ of one antenna: speed does not depend on what it learned."""

from pathlib import Path

import numpy as np
import torch

from wfm_core.bundle import build_network, export_bundle, parse_contract, read_model_folder, save_model_folder
from wfm_core.bundle.assemble import assemble
from wfm_core.synth.scenes.interference import LABELS

BUNDLE = "random.wfm.pt"
ENCODER = {"width": 256, "depth": 8, "heads": 8, "mlp_hidden": 1024}


def write_model(folder: Path, samples: int, encoder: dict = ENCODER) -> Path:
    """A model folder for windows of `samples` samples, with a bundle of it inside; returns the bundle's path."""
    torch.manual_seed(0)
    contract = {
        "format": 1,
        "name": f"random-iq-{samples}",
        "window": {"antennas": 1, "samples": samples},
        "sample_rate": {"min": 1.0, "max": 1e9},
        "encoder": encoder,
        "input": "iq",
        "signal": {"kind": "iq_rms"},
        "modality": "iq",
        "tasks": {
            "interference": {
                "kind": "classification",
                "labels": list(LABELS),
                "bias": [0.0, 0.0, 0.0],
            }
        },
        "origin": {"data": "none: random weights, for measuring speed"},
        "weights_sha256": "0" * 64,
    }
    network = build_network(parse_contract(contract, "the benchmark's contract"))
    save_model_folder(folder, contract, network.state_dict())
    return export_bundle(folder, folder / BUNDLE)


def eager_model(folder: Path) -> torch.nn.Module:
    """The same network as an ordinary float32 module: complex64 [B, 1, T] -> {"interference": logits [B, 3], ...}."""
    contract, weights = read_model_folder(folder)
    return assemble(contract, weights, str(folder))


def noise(samples: int, seed: int = 0) -> np.ndarray:
    """White complex64 noise of unit power, [samples]."""
    generator = np.random.default_rng(seed)
    parts = generator.standard_normal((samples, 2), dtype=np.float32) * np.float32(np.sqrt(0.5))
    return parts.view(np.complex64)[:, 0]
