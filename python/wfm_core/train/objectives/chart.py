# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts: two windows are as far from each other on the map as the shortest way over windows that are alike is long."""

import torch
from torch import Tensor

from wfm_core.train.objectives.labelled import LabelledTraining

_LEAST = 0.05  # of a distance in the loss: those near to each other are not all that counts


class ChartTraining(LabelledTraining):
    """The Siamese loss of channel charting (Stephan, Euchner and ten Brink 2023, see `wfm_core.evaluate.charting`): of
    all pairs in a batch the squared error of their distance on the chart, over the distance that it should have.

    Targets are int64 [B], rows of `distances` float32 [N, N].
    """

    def __init__(self, *labelled, distances: Tensor):
        super().__init__(*labelled)
        self.register_buffer("distances", distances, persistent=False)

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        one, other = torch.triu_indices(len(outputs), len(outputs), 1, device=outputs.device)
        wanted = self.distances[target[one], target[other]]
        # the root of 0 has no slope
        found = ((outputs[one] - outputs[other]).square().sum(1) + 1e-12).sqrt()
        return ((found - wanted).square() / (wanted + _LEAST)).mean()

    def on_validation_epoch_end(self):
        outputs, target = (torch.cat(parts) for parts in zip(*self._seen, strict=True))
        loss = self.loss(outputs.to(self.device), target.to(self.device))
        self.log_dict({"val_loss": float(loss)}, prog_bar=True)
