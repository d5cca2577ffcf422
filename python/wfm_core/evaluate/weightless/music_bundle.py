# SPDX-License-Identifier: GPL-3.0-or-later
"""MUSIC in the place of a model: what WFM Direction Finder has when none is named."""

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import pad

from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import QUANTITIES
from wfm_core.evaluate.classical.music import music, music_several
from wfm_core.evaluate.weightless.base import WeightlessBundle

MUSIC = "music"
"""Its name where one of a bundle is expected."""
SAMPLES = 512


class MusicBundle(WeightlessBundle):
    """A bundle for `antennas` antennas in a row, without weights: it takes any sample rate. Of one source it has the
    task `angle`; of up to `sources`, if that is more and as far as there are antennas for it, `angles`."""

    origin = "MUSIC"

    def __init__(self, antennas: int, sources: int = 1):
        most = QUANTITIES["angles"].values
        if not 1 <= sources <= most:
            raise WfmError(f"MUSIC for {sources} sources; 1 to {most} are expected, fewer than antennas")
        kind = "angle" if sources == 1 else "angles"
        values = QUANTITIES[kind].values
        tasks = {kind: {"kind": kind, "low": [-90.0] * values, "high": [90.0] * values}}
        super().__init__(
            MUSIC, _answer if sources == 1 else partial(_answer_several, sources), antennas, SAMPLES, tasks
        )


def _answer(iq: Tensor) -> dict[str, Tensor]:
    return {"angle": music(iq)[:, None]}


def _answer_several(sources: int, iq: Tensor) -> dict[str, Tensor]:
    found = music_several(iq, min(sources, iq.size(1) - 1))
    spare = QUANTITIES["angles"].values - found.size(1)
    return {"angles": pad(found, [0, spare], value=torch.nan)}
