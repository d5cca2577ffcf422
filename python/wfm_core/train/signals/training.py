# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervised training on crops of single signals, with views and tokens left out at random."""

import torch
from torch import Tensor
from torch.nn import functional

from wfm_core.configs.finetuning import Signals
from wfm_core.model import pool
from wfm_core.model.found import VIEWS, FoundSignalModel
from wfm_core.train.objectives.labelled import LabelledTraining

_FEWER = (("image", "facts"), ("iq", "facts"), ("iq", "image", "facts"))
"""What some batches come with instead of everything."""


class SignalTraining(LabelledTraining):
    """Cross-entropy over classes; some batches come with a part of the views, all without some tokens of images and IQ
    (which makes them cheaper, and crops harder to learn by heart: Liu et al. 2023, PatchDropout).

    What is of no class (-1) shall be as likely of any (outlier exposure: Hendrycks, Mazeika and Dietterich 2019).
    """

    def __init__(self, config: Signals, model: FoundSignalModel, labels: tuple[str, ...]):
        super().__init__(config, model, "signal", 1, labels=labels)

    def _both(self, model: FoundSignalModel, x: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        tokens, aside = model.sequence(*x)
        if model.training and self.config.token_dropout:
            tokens = fewer(tokens, model.droppable(x[0]), self.config.token_dropout)
        embedding = pool(model.encoded(tokens, aside), self.config.pooling)
        return model.heads[self.config.task](embedding).float(), embedding.float()

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        named = functional.cross_entropy(
            outputs, target, ignore_index=-1, label_smoothing=self.config.label_smoothing, reduction="sum"
        )
        return (named - outputs[target < 0].log_softmax(1).mean(1).sum()) / len(target)

    def training_step(self, batch, number):
        place = int(float(torch.rand(())) / max(self.config.view_dropout, 1e-9))
        self.model.set_views(_FEWER[place] if place < len(_FEWER) else VIEWS)
        loss = super().training_step(batch, number)
        self.model.set_views(VIEWS)
        return loss


def fewer(tokens: Tensor, droppable: int, share: float) -> Tensor:
    """Tokens [B, 1 + N, D] without a share of the first `droppable` after CLS, others for each row."""
    kept = droppable - int(share * droppable)
    chosen = torch.rand(len(tokens), droppable, device=tokens.device).argsort(1)[:, :kept] + 1
    some = tokens.gather(1, chosen.unsqueeze(2).expand(-1, -1, tokens.size(2)))
    return torch.cat([tokens[:, :1], some, tokens[:, 1 + droppable :]], 1)


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
