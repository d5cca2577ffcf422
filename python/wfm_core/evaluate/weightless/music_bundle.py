# SPDX-License-Identifier: GPL-3.0-or-later
"""MUSIC in the place of a model: what WFM Direction Finder has when none is named."""

from torch import Tensor

from wfm_core.evaluate.music import music
from wfm_core.evaluate.weightless.base import WeightlessBundle

MUSIC = "music"
"""Its name where one of a bundle is expected."""
SAMPLES = 512


class MusicBundle(WeightlessBundle):
    """A bundle of the task `angle` for `antennas` antennas in a row, without weights: it takes any sample rate."""

    origin = "MUSIC"

    def __init__(self, antennas: int):
        tasks = {"angle": {"kind": "angle", "low": [-90.0], "high": [90.0]}}
        super().__init__(MUSIC, _answer, antennas, SAMPLES, tasks)


def _answer(iq: Tensor) -> dict[str, Tensor]:
    return {"angle": music(iq)[:, None]}
