# SPDX-License-Identifier: GPL-3.0-or-later
"""Small models for examples whose task has no shipped one: made on generated data at first start, and kept.

They show how blocks work together. They know generated rooms alone and are of no use on a radio of one's own.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from wfm_core.bundle import build_network, export_bundle, load_bundle, parse_contract, save_model_folder
from wfm_core.bundle.from_foundation import export_csi_foundation
from wfm_core.model import WirelessModel
from wfm_core.prototypes import Prototypes
from wfm_core.signal import build_preprocessor
from wfm_core.signal.csi import CsiLevels
from wfm_core.synth import motion, room
from wfm_core.train.statistics import image_statistics

Say = Callable[[str], None]

ACTIVITY_PACKETS = 128
"""Columns of an image of activity."""
_ACTIVITY_WINDOWS = 60
_ACTIVITY_SIZE = [64, 128]

POSITION_PACKETS = 8
"""Columns of an image of positions."""
_POSITION_SIZE = [64, 16]
_POSITION_WINDOWS = 4000
_FRESH_WINDOWS = 200
_POSITION_STEPS = 600
_POSITION_BATCH = 64
_POSITION_RATE = 2e-3


def activity_files(folder: str | Path) -> tuple[str, str]:
    """Where `make_activity` puts the encoder's bundle and the prototypes."""
    return str(Path(folder) / "csi-encoder.wfm.pt"), str(Path(folder) / "activities.safetensors")


def make_activity(folder: str | Path, say: Say = print) -> None:
    """An encoder's bundle and the prototypes of `motion.ACTIVITIES` for it, in `folder`, unless they are there.

    The encoder is the foundation wfm-small, without any training; each activity is enrolled with 60 generated windows.
    """
    bundle, prototypes = map(Path, activity_files(folder))
    if bundle.is_file() and prototypes.is_file():
        return
    began = time.monotonic()
    say(f"first start: enrolling {', '.join(motion.ACTIVITIES)} from generated CSI with wfm-small, into {folder}")
    bundle.parent.mkdir(parents=True, exist_ok=True)
    accuracy = _enrol_activities(bundle, prototypes)
    say(f"enrolled in {time.monotonic() - began:.1f} s; left out one by one, {accuracy:.0%} of windows are named")


def _enrol_activities(bundle: Path, prototypes: Path) -> float:
    generator = np.random.default_rng(1)
    windows = {
        activity: motion.csi_amplitudes(activity, _ACTIVITY_WINDOWS, ACTIVITY_PACKETS, generator)
        for activity in motion.ACTIVITIES
    }
    signal = csi_signal(np.concatenate(list(windows.values())), _ACTIVITY_SIZE)
    export_csi_foundation("wfm-small", bundle, (1, len(motion.SUBCARRIERS), ACTIVITY_PACKETS), signal)
    encoder, classes = load_bundle(bundle), Prototypes()
    for activity, amplitudes in windows.items():
        classes.enrol(activity, encoder.infer_image(amplitudes)["embedding_image"])
    classes.save(prototypes)
    return classes.leave_one_out_accuracy()


def csi_signal(amplitudes: np.ndarray, size: list[int], gain: str = "window") -> dict:
    """The `csi_image` settings for amplitudes float32 [n, antennas, subcarriers, packets], with their statistics."""
    levels = CsiLevels(gain=gain)(torch.from_numpy(amplitudes))
    return {"kind": "csi_image", "size": size, "gain": gain, **image_statistics(levels, size)}


def position_file(folder: str | Path) -> str:
    """Where `make_position` puts the bundle."""
    return str(Path(folder) / "csi-positions.wfm.pt")


def make_position(folder: str | Path, say: Say = print) -> None:
    """A bundle that knows the room of `wfm_core.synth.room`, in `folder`, unless it is there: a small transformer,
    trained from scratch on places drawn in it."""
    bundle = Path(position_file(folder))
    if bundle.is_file():
        return
    began = time.monotonic()
    say(f"first start: training a small model of positions on generated CSI, into {folder}")
    bundle.parent.mkdir(parents=True, exist_ok=True)
    error = _train_position(bundle)
    say(f"trained in {time.monotonic() - began:.1f} s; mean error at places it has not seen: {error:.2f} m")


def _train_position(bundle: Path) -> float:
    generator = np.random.default_rng(2)
    amplitudes, places = room.windows(_POSITION_WINDOWS, POSITION_PACKETS, generator)
    signal = csi_signal(amplitudes, _POSITION_SIZE, gain="packet")
    contract = _position_contract(signal)
    images = build_preprocessor(signal)(torch.from_numpy(amplitudes))
    targets = torch.from_numpy(places / (room.WIDTH / 2, room.DEPTH / 2) - 1).float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = build_network(parse_contract(contract, "positions"))
        _fit_position(network, images, targets)
    with tempfile.TemporaryDirectory() as model:
        save_model_folder(Path(model), contract, network.state_dict())
        export_bundle(Path(model), bundle)
    fresh, truth = room.windows(_FRESH_WINDOWS, POSITION_PACKETS, generator)
    found = load_bundle(bundle).infer_image(fresh)["position"][:, :2]
    return float(np.linalg.norm(found - truth, axis=1).mean())


def _position_contract(signal: dict) -> dict:
    antennas = len(room.ANTENNAS)
    return {
        "format": 1,
        "name": "csi-positions",
        "encoder": {"width": 96, "depth": 3, "heads": 4, "mlp_hidden": 192},
        "input": "image",
        "modality": "image",
        "signal": signal,
        "image": {"channels": antennas, "size": _POSITION_SIZE},
        "input_image": {"channels": antennas, "size": [room.SUBCARRIERS, POSITION_PACKETS]},
        "tasks": {
            "position": {"kind": "position", "pooling": "mean", "low": [0, 0, 0], "high": [room.WIDTH, room.DEPTH, 2.0]}
        },
        "origin": {"data": "generated: wfm_core.synth.room"},
        "weights_sha256": "filled in on saving",
    }


def _fit_position(network: WirelessModel, images: torch.Tensor, targets: torch.Tensor) -> None:
    """Targets [n, 2] on the head's scale, -1 to 1; the height is its middle, 0."""
    targets = torch.cat([targets, torch.zeros(len(targets), 1)], dim=1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_POSITION_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _POSITION_RATE, total_steps=_POSITION_STEPS)
    for _ in range(_POSITION_STEPS):
        rows = torch.randint(len(images), (_POSITION_BATCH,))
        found = network.heads["position"](network.embed_image(images[rows], "mean"))
        loss = torch.nn.functional.smooth_l1_loss(found, targets[rows], beta=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval()
