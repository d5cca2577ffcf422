# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that makes a model of transmitters: episodes, the metric, strangers, and what is left.

The folder holds config.yaml, episodes/, and at the end the model (weights.safetensors and contract.yaml, see
wfm-export), cohort_transmitter.safetensors and figures.json. A run that is stopped goes on with the episodes it has.
"""

import json
import platform
import time
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch

from wfm_core.base.files import write_atomically
from wfm_core.bundle.export import save_model_folder
from wfm_core.configs.finetuning import Transmitters
from wfm_core.model.enrolment.cohort import DRIFT, GROUP, KEY
from wfm_core.model.transmitter import ANGLES, OFFSETS, PIECE, SIZE, WAVES, TransmitterModel
from wfm_core.synth.fleet import MAKES
from wfm_core.synth.fleet.flaws import CRYSTAL_DRIFT
from wfm_core.train.finetune.results import FIGURES
from wfm_core.train.transmitters.episodes import Heard, make_episodes
from wfm_core.train.transmitters.metric import fisher
from wfm_core.train.transmitters.trial import named

_HELD_OUT = 9
"""Episodes, the last ones, that choose nothing and say how well it went."""


def train_transmitters(config: Transmitters, out: Path, command: str) -> dict:
    """Train in the existing folder `out`; returns the figures. Raises `WfmError`."""
    started = time.monotonic()
    episodes = make_episodes(config, out / "episodes")
    held_out = min(_HELD_OUT, max(1, len(episodes) // 4))
    learnt, fresh = episodes[:-held_out], episodes[-held_out:]
    with torch.inference_mode():
        model = _fitted(config, learnt)
        shares = {episode.make: named(model.project(episode.numbers).numpy(), episode) for episode in fresh}
        cohort = _strangers(config, model, learnt)
    save_model_folder(out, contract_of(config, command), model.state_dict())
    notes = {"of": f"generated devices of the training of {config.name}, a group a make, seed {config.seed}"}
    write_atomically(
        out / "cohort_transmitter.safetensors",
        lambda path: safetensors.numpy.save_file(cohort, path, metadata=notes),
    )
    figures = {
        "task": config.task,
        "kind": "enrolment",
        "regime": config.regime,
        "modality": "transmitter",
        "seed": config.seed,
        "data": {"file": "generated transmitters", "real": False},
        "split": f"devices of the last {held_out} episodes; enrolled on one day, named on the other",
        "windows": {"train": sum(len(e.device) for e in learnt), "test": sum(len(e.device) for e in fresh) // 2},
        "mean_class_accuracy": float(np.mean(list(shares.values()))),
        "accuracy_by_make": shares,
        "minutes": round((time.monotonic() - started) / 60, 2),
    }
    text = json.dumps(figures, indent=1)
    write_atomically(out / FIGURES, lambda path: path.write_text(text))
    return figures


def _fitted(config: Transmitters, episodes: list[Heard]) -> TransmitterModel:
    model = TransmitterModel(config.width, config.carrier_offset)
    told = [(episode.numbers[:, :-OFFSETS], episode.device) for episode in episodes]
    mean, deviation, projection = fisher(told, config.width - ANGLES, config.ridge)
    model.mean.copy_(mean)
    model.deviation.copy_(deviation)
    model.projection.copy_(projection)
    return model


def _strangers(config: Transmitters, model: TransmitterModel, episodes: list[Heard]) -> dict[str, np.ndarray]:
    """Embeddings [strangers, width] in half precision as the bundle would give, and the make of each as its group: of
    each device as many pieces as a window has, or all; the carrier is where the receiver happened to be tuned."""
    pieces = config.window // PIECE
    found, group = [], []
    for episode in episodes:
        seen = model.project(episode.numbers).numpy()
        for device in episode.device.unique().tolist():
            own = seen[(episode.device == device).numpy()][:pieces]
            found.append(own.mean(0))
            group.append(list(MAKES).index(episode.make))
    chosen = np.sort(np.random.default_rng(config.seed).permutation(len(found))[: config.strangers])
    return {
        KEY: np.stack(found)[chosen].astype(np.float16),
        GROUP: np.array(group)[chosen],
        DRIFT: np.concatenate([_drift(model, episodes), angles_drift()]).astype(np.float32),
    }


def _drift(model: TransmitterModel, episodes: list[Heard]) -> np.ndarray:
    """The variance [width - ANGLES] from day to day of a device's mean, that of windows taken off."""
    squares, windows = [], []
    for episode in episodes:
        seen = model.project(episode.numbers)[:, :-ANGLES].numpy()
        for device in episode.device.unique():
            days = [seen[((episode.device == device) & (episode.day == day)).numpy()] for day in (0, 1)]
            squares.append(np.square(days[0].mean(0) - days[1].mean(0)) / 2)
            windows.append(np.mean([day.var(0, ddof=1) / len(day) for day in days], 0))
    return np.maximum(np.mean(squares, 0) - np.mean(windows, 0), 0.0)


def angles_drift() -> np.ndarray:
    """The variance [ANGLES] from day to day of the carrier's entries, the mean over makes: episodes do not have it, as
    their receivers are tuned afresh."""
    strays = [
        CRYSTAL_DRIFT * make.tolerance_ppm * 1e-6 * make.center_freq / make.sample_rate for make in MAKES.values()
    ]
    turns = [np.mean([np.square(2 * np.pi * stray / length) for stray in strays]) for length in WAVES]
    return np.repeat([SIZE**2 * min(turn, 1.0) / 2 for turn in turns], 2)


def contract_of(config: Transmitters, command: str) -> dict:
    return {
        "name": config.name,
        "input": "iq",
        "modality": "transmitter",
        "window": {"antennas": 4, "samples": config.window},
        "sample_rate": {"min": 1.0, "max": 1e12},
        "signal": {"kind": "transmitter"},
        "transmitter": {"width": config.width, "carrier_offset": config.carrier_offset},
        "embedding": "cls",
        "origin": {
            "command": f"wfm-finetune {command}".strip(),
            "data": "synthetic",
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
    }
