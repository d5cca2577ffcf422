# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervised training of activities on images of CSI and what was measured of them."""

from torch import Tensor

from wfm_core.configs.finetuning import Activities
from wfm_core.model import WirelessModel
from wfm_core.synth.csi.sensing import NAMED
from wfm_core.train.muon import MuonAndAdamW
from wfm_core.train.objectives.labelled import LabelledTraining
from wfm_core.train.optimizers import warm_up_and_cosine, weight_groups


class ActivityTraining(LabelledTraining):
    """Cross-entropy over `NAMED`; a batch is ((image, numbers), classes). Muon for the encoder's matrices, as windows
    are dear and steps few."""

    def __init__(self, config: Activities, model: WirelessModel):
        super().__init__(config, model, "image", 1, labels=NAMED)

    def _both(self, model: WirelessModel, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        embedding = model.embed_image(x[0], self.config.pooling, x[1])
        return model.heads[self.config.task](embedding).float(), embedding.float()

    def configure_optimizers(self):
        config = self.config
        groups = weight_groups(self.model, config.weight_decay)
        matrices = list(self.model.encoder.blocks.parameters())
        optimizer = MuonAndAdamW(groups, config.learning_rate, (0.9, 0.95), matrices)
        scheduler = warm_up_and_cosine(optimizer, config.warmup_steps, config.steps, 0.01)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
