# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in the room of `wfm_core.synth.room`: a small transformer, trained from scratch on places drawn in it."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from wfm_core.base import compute
from wfm_core.bundle import build_network, draft_contract, export_model, load_bundle
from wfm_core.bundle.export import SUFFIX
from wfm_core.data.readers.own.measure import csi_signal
from wfm_core.signal import build_preprocessor
from wfm_core.synth import room
from wfm_core.train.fitting import fit_starter

PACKETS = 8
"""Columns of an image."""
SAYS = "training a small model of positions on generated CSI"
_SIZE = [64, 16]
_WINDOWS = 4000
_FRESH_WINDOWS = 200
_EPOCHS = 10
_SEED = 2


def make(name: str, folder: Path) -> str:
    """See `wfm_core.starter.catalog.Starter`."""
    generator = np.random.default_rng(_SEED)
    amplitudes, places = room.windows(_WINDOWS, PACKETS, generator)
    bundle = folder / f"{name}{SUFFIX}"
    compute.run(_train, name, bundle, amplitudes, places)
    fresh, truth = room.windows(_FRESH_WINDOWS, PACKETS, generator)
    found = load_bundle(bundle).infer_image(fresh)["position"][:, :2]
    return f"mean error at places it has not seen: {np.linalg.norm(found - truth, axis=1).mean():.2f} m"


def _train(name: str, bundle: Path, amplitudes: np.ndarray, places: np.ndarray) -> None:
    """Amplitudes float32 [n, antennas, subcarriers, packets] at places [n, 2] in metres -> the bundle."""
    contract = _contract(name, csi_signal(lambda rows: amplitudes[rows], len(amplitudes), _SIZE, "linear", "packet"))
    images = build_preprocessor(contract["signal"])(torch.from_numpy(amplitudes))
    # on the head's scale, -1 to 1; the height is its middle, 0
    plane = torch.from_numpy(places / (room.WIDTH / 2, room.DEPTH / 2) - 1).float()
    targets = functional.pad(plane, (0, 1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        model = build_network(draft_contract(contract, name))

        def loss(rows: Tensor) -> Tensor:
            found = model.heads["position"](model.embed_image(images[rows], "mean"))
            return functional.smooth_l1_loss(found, targets[rows], beta=0.1)

        fit_starter(model, loss, len(images), _EPOCHS)
    export_model(contract, model.state_dict(), bundle)


def _contract(name: str, signal: dict) -> dict:
    antennas = len(room.ANTENNAS)
    return {
        "name": name,
        "encoder": {"width": 96, "depth": 3, "heads": 4, "mlp_hidden": 192},
        "input": "image",
        "modality": "image",
        "signal": signal,
        "image": {"channels": antennas, "size": _SIZE},
        "input_image": {"channels": antennas, "size": [room.SUBCARRIERS, PACKETS]},
        "tasks": {
            "position": {"kind": "position", "pooling": "mean", "low": [0, 0, 0], "high": [room.WIDTH, room.DEPTH, 2.0]}
        },
        "origin": {"data": "synthetic", "starter": name},
    }
