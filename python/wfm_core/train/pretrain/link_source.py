# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of one link each as a source of pretraining."""

import math

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.synth.draws import choice
from wfm_core.synth.scenes.interference import SAMPLE_RATES
from wfm_core.synth.scenes.links import LINKS, MODULATION_RATES


class LinkSource:
    """Endless links of `synth.scenes.links`, rendered on the generator's device: of some kinds, or of all alike.

    `scene` is what the last windows were made of. Raises `WfmError` for an unknown kind.
    """

    antennas, ready_images, scene = 16, False, None
    rates = (MODULATION_RATES[0], max(SAMPLE_RATES))

    def __init__(self, scenes: list[str] | None = None):
        self.scenes = list(scenes or LINKS)
        if unknown := set(self.scenes) - set(LINKS):
            raise WfmError(f"links of kind {min(unknown)!r}; expected some of {', '.join(LINKS)}: fix data.sources")

    def check(self, antennas: int, samples: int) -> None:
        """Windows of any shape can be rendered."""

    def held(self, samples: int) -> float:
        """Without end."""
        return math.inf

    def draw_iq(self, count: int, antennas: int, samples: int, generator: torch.Generator) -> Tensor:
        """IQ windows complex64 [count, antennas, samples], all of one kind, which is drawn."""
        self.scene = LINKS[choice(self.scenes, generator)](count, samples, antennas, generator)
        return self.scene.iq
