# SPDX-License-Identifier: GPL-3.0-or-later
"""A spectrum with a constant false-alarm rate in the place of a model: what WFM Occupancy has when none is named."""

import math

import numpy as np
import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.classical.detectors import cfar
from wfm_core.evaluate.weightless.base import WeightlessBundle
from wfm_core.synth.occupancy import LABELS

CFAR = "cfar"
"""Its name where one of a bundle is expected."""
SAMPLES = 4096
THRESHOLDS = {0.0005: 1.3457, 0.001: 1.3338, 0.01: 1.2818, 0.1: 1.2197}
"""By the false-alarm rate: what so many of 60 000 windows of noise alone exceed by `cfar`, drawn as
`wfm_core.synth.occupancy` says, half of them of receivers with flaws."""
_STEEPNESS = 60.0
"""Of the probability against the logarithm of the score: 12 % over the threshold it is 0.999."""


class CfarBundle(WeightlessBundle):
    """A bundle of the task `occupancy` for up to `antennas` antennas, without weights: it takes any sample rate.

    A window of noise is called occupied with about the chance `false_alarms`, 0.0005 to 0.1; where several antennas are
    averaged, with less. Its probabilities rise with the score and are 0.5 at that threshold; they are no chances.
    Raises `WfmError`.
    """

    origin = "CFAR"

    def __init__(self, antennas: int = 1, false_alarms: float = 0.01):
        low, high = min(THRESHOLDS), max(THRESHOLDS)
        if not low <= false_alarms <= high:
            raise WfmError(f"false_alarms {false_alarms:g}: a share of windows from {low:g} to {high:g} is expected")
        level = np.interp(math.log(false_alarms), [math.log(rate) for rate in THRESHOLDS], list(THRESHOLDS.values()))

        def answer(iq: Tensor) -> dict[str, Tensor]:
            over = _STEEPNESS * (cfar(iq) / float(level)).clamp(min=1e-6).log()
            return {"occupancy": torch.stack([torch.zeros_like(over), over], 1)}

        tasks = {"occupancy": {"kind": "classification", "labels": list(LABELS)}}
        super().__init__(CFAR, answer, antennas, SAMPLES, tasks)
