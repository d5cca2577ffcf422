# SPDX-License-Identifier: GPL-3.0-or-later
"""The activities of `wfm_core.synth.motion`, enrolled on the shipped foundation from generated CSI: no training."""

from pathlib import Path

import numpy as np

from wfm_core.base import compute
from wfm_core.bundle import load_bundle
from wfm_core.bundle.export import SUFFIX
from wfm_core.bundle.from_foundation import export_csi_foundation
from wfm_core.data.readers.own.measure import csi_signal
from wfm_core.model.prototypes import Prototypes
from wfm_core.synth import motion

FOUNDATION = "wfm-base"
"""The shipped one, whose encoder is a starter too."""
PACKETS = 128
"""Columns of an image."""
PROTOTYPES = ".safetensors"
"""What the file of the enrolled classes ends with, behind the starter's name."""
SAYS = f"enrolling {', '.join(motion.ACTIVITIES)} from generated CSI with {FOUNDATION}"
_WINDOWS = 60
_SIZE = [64, 128]
_SEED = 1


def make(name: str, folder: Path) -> str:
    """The encoder's bundle and, beside it, the prototypes; see `wfm_core.starter.catalog.Starter`."""
    generator = np.random.default_rng(_SEED)
    windows = {
        activity: motion.csi_amplitudes(activity, _WINDOWS, PACKETS, generator) for activity in motion.ACTIVITIES
    }
    bundle = folder / f"{name}{SUFFIX}"
    compute.run(_export, bundle, np.concatenate(list(windows.values())))
    encoder, classes = load_bundle(bundle), Prototypes()
    for activity, amplitudes in windows.items():
        classes.enrol(activity, encoder.infer_image(amplitudes)["embedding_image"])
    classes.save(folder / f"{name}{PROTOTYPES}")
    return f"left out one by one, {classes.leave_one_out_accuracy():.0%} of windows are named"


def _export(bundle: Path, amplitudes: np.ndarray) -> None:
    shape = (1, len(motion.SUBCARRIERS), PACKETS)
    signal = csi_signal(lambda rows: amplitudes[rows], len(amplitudes), _SIZE, "linear", "window")
    export_csi_foundation(FOUNDATION, bundle, shape, signal)
