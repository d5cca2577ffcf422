# SPDX-License-Identifier: GPL-3.0-or-later
"""A foundation of both modalities that is small enough for tests, and a task that it can learn."""

from functools import cache

import numpy as np
import torch

from wfm_core.data.splits import Split
from wfm_core.train.probe.protocols import CLOSED
from wfm_core.train.probe.tasks import Task

SPECTROGRAM = {
    "kind": "spectrogram",
    "fft_size": 32,
    "hop": 32,
    "size": [32, 32],
    "minimum": -60.0,
    "maximum": 20.0,
    "mean": 0.5,
    "std": 0.2,
}
DESCRIPTION = {
    "name": "tiny",
    "encoder": {"width": 16, "depth": 1, "heads": 2, "mlp_hidden": 32},
    "affine": "before",
    "modalities": {
        "iq": {"antennas": 1, "signal": {"kind": "iq_rms"}},
        "image": {"channels": 1, "size": [32, 32], "signal": SPECTROGRAM},
    },
}


def tones(seed: int = 0, per_class: int = 12, rendered: list | None = None) -> Task:
    """Three classes that only the frequency tells apart; half of the windows held out, a third of the rest validates.

    The seed is added to `rendered` when windows are asked for.
    """
    labels = np.arange(3).repeat(2 * per_class)
    rows = np.random.default_rng(7).permutation(len(labels))
    split = Split(rows[:24], rows[36:], "half", rows[24:36])

    @cache
    def iq() -> torch.Tensor:
        if rendered is not None:
            rendered.append(seed)
        generator = torch.Generator().manual_seed(seed)
        phase = 6.28 * torch.rand(len(labels), 1, generator=generator)
        turn = 0.5 * torch.from_numpy(labels)[:, None] * torch.arange(64)
        return torch.polar(torch.ones(len(labels), 64), phase + turn)[:, None]

    def inputs(foundation, side):
        return foundation.preprocess["iq"](iq())

    def simple() -> np.ndarray:
        found = iq().numpy()[:, 0]
        return np.angle((found[:, 1:] * found[:, :-1].conj()).mean(1))[:, None].astype(np.float32)

    return Task("tones", "iq", ("a", "b", "c"), labels, {CLOSED: (split,)}, inputs, simple)
