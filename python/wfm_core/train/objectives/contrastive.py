# SPDX-License-Identifier: GPL-3.0-or-later
"""NT-Xent between augmented views of IQ windows."""

import math

import torch

from wfm_core.bundle.foundation import build_model
from wfm_core.configs.pretraining import Pretraining
from wfm_core.model import WirelessModel
from wfm_core.model.contrastive import ContrastiveModel
from wfm_core.train.augment import augment
from wfm_core.train.objectives.pretraining import HELD_OUT_MEAN, PretrainingObjective


class ContrastivePretraining(PretrainingObjective):
    """NT-Xent between two augmented views of each IQ window; beside the held-out loss stands that of guessing."""

    def __init__(self, config: Pretraining, description: dict, model: WirelessModel | None = None):
        super().__init__(config)
        self.contrastive = ContrastiveModel(
            model or build_model(description), config.contrastive.projection, config.contrastive.temperature
        )

    @property
    def model(self):
        return self.contrastive.model

    def losses(self, windows, index, seed, causes=None):
        views = [augment(windows["iq"], index, view, seed) for view in range(2)]
        return {"iq": self.contrastive(*views)}

    def held_out_figures(self, windows, index, causes=None):
        guess = torch.tensor(math.log(2 * len(index) - 1))
        return super().held_out_figures(windows, index) | {HELD_OUT_MEAN + "iq": guess.to(self.device)}
