# SPDX-License-Identifier: GPL-3.0-or-later
"""Small models for examples whose task has no shipped one: made on generated data at first start, and kept.

They show how blocks work together. They know generated rooms alone and are of no use on a radio of one's own.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from wfm_core.bundle import load_bundle
from wfm_core.bundle.from_foundation import export_csi_foundation
from wfm_core.prototypes import Prototypes
from wfm_core.signal.csi import CsiLevels
from wfm_core.synth import motion
from wfm_core.train.statistics import image_statistics

Say = Callable[[str], None]

ACTIVITY_PACKETS = 128
"""Columns of an image of activity."""
_ACTIVITY_WINDOWS = 60
_ACTIVITY_SIZE = [64, 128]


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


def csi_signal(amplitudes: np.ndarray, size: list[int]) -> dict:
    """The `csi_image` settings for amplitudes float32 [n, antennas, subcarriers, packets], with their statistics."""
    levels = CsiLevels()(torch.from_numpy(amplitudes))
    return {"kind": "csi_image", "size": size, **image_statistics(levels, size)}
