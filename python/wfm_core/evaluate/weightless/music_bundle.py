# SPDX-License-Identifier: GPL-3.0-or-later
"""MUSIC in the place of a model: what WFM Direction Finder has when none is named."""

from pathlib import Path

import torch
from torch import Tensor

from wfm_core.bundle.bundle import Bundle
from wfm_core.bundle.parse import parse_contract
from wfm_core.evaluate.music import music

MUSIC = "music"
"""Its name where one of a bundle is expected."""
SAMPLES = 512
_RATES = {"min": 1.0, "max": 1e12}


class MusicBundle(Bundle):
    """A bundle of the task `angle` for `antennas` antennas in a row, without weights: it takes any sample rate."""

    origin = "MUSIC"

    def __init__(self, antennas: int):
        contract = {
            "format": 1,
            "name": MUSIC,
            "window": {"antennas": antennas, "samples": SAMPLES},
            "sample_rate": _RATES,
            "encoder": {"width": 4, "depth": 1, "heads": 1, "mlp_hidden": 1},  # of none
            "input": "iq",
            "signal": {"kind": "iq_rms"},
            "modality": "iq",
            "tasks": {"angle": {"kind": "angle", "low": [-90.0], "high": [90.0]}},
            "weights_sha256": "0" * 64,
        }
        parsed = parse_contract(contract, MUSIC)
        reason = "MUSIC has no network"
        super().__init__(parsed, _answer, Path(MUSIC), torch.device("cpu"), "fp32", engine_reason=reason)


def _answer(iq: Tensor) -> dict[str, Tensor]:
    return {"angle": music(iq)[:, None]}
