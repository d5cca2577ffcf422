# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervised training on crops of single signals, with views left out at random."""

import torch
from torch import Tensor

from wfm_core.configs.finetuning import Signals
from wfm_core.model import pool
from wfm_core.model.found import VIEWS, FoundSignalModel
from wfm_core.train.objectives.labelled import LabelledTraining


class SignalTraining(LabelledTraining):
    """Cross-entropy over classes; some batches come without IQ, some without images."""

    def __init__(self, config: Signals, model: FoundSignalModel, labels: tuple[str, ...]):
        super().__init__(config, model, "signal", 1, labels=labels)

    def _both(self, model: FoundSignalModel, x: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        embedding = pool(model.encode(*x), self.config.pooling)
        return model.heads[self.config.task](embedding).float(), embedding.float()

    def training_step(self, batch, number):
        left_out = float(torch.rand(()))
        without = self.config.view_dropout
        views = ("image", "facts") if left_out < without else ("iq", "facts") if left_out < 2 * without else VIEWS
        self.model.set_views(views)
        loss = super().training_step(batch, number)
        self.model.set_views(VIEWS)
        return loss


@torch.inference_mode()
def predict_rows(
    training: SignalTraining, batches: list[tuple[Tensor, ...]], views: tuple[str, ...] = VIEWS
) -> tuple[Tensor, Tensor]:
    """Logits float32 [n, K] and embeddings [n, D] of all batches of inputs, from these views alone."""
    training.eval()
    network = training.kept
    network.set_views(views)
    try:
        parts = [training._both(network, [part.to(training.device) for part in batch]) for batch in batches]
    finally:
        network.set_views(VIEWS)
    logits, embeddings = (torch.cat(part).cpu() for part in zip(*parts, strict=True))
    return logits, embeddings
