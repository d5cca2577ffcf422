# SPDX-License-Identifier: GPL-3.0-or-later
"""The head that fine-tuning begins with: the linear classifier on the features as they are before it.

A head of random weights would turn the features of a pretrained network to what suits it, before it knows anything;
with few labels they do not recover (Kumar et al., "Fine-tuning can distort pretrained features and underperform
out-of-distribution", ICLR 2022).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from wfm_core.train.probe.classifiers import LINEAR_RECIPES, linear_weights, probabilities
from wfm_core.train.probe.features import standardised, statistics
from wfm_core.train.probe.measures import log_loss, per_class_accuracy

ABSENT = -10.0
"""Logit of a class without an example."""


class StandardHead(nn.Module):
    """Embedding [B, D] -> logits [B, K], of features that had mean 0 and deviation 1 at the start.

    They are divided by the root of their number, so that a step of Adam, which moves all weights by about the learning
    rate, moves logits by no more than the root of it.
    """

    def __init__(self, mean: Tensor, deviation: Tensor, weight: Tensor, bias: Tensor):
        super().__init__()
        root = len(mean) ** 0.5
        self.register_buffer("mean", mean)
        self.register_buffer("scale", 1 / (root * deviation))
        self.linear = nn.Linear(weight.size(1), weight.size(0))
        self.linear.weight.data.copy_(root * weight)
        self.linear.bias.data.copy_(bias)

    def forward(self, embedding: Tensor) -> Tensor:
        with torch.autocast(embedding.device.type, enabled=False):
            return self.linear((embedding.float() - self.mean) * self.scale)


@dataclass(frozen=True)
class FirstHead:
    """Of `features` float32 [N, D] for `classes`; `side` int64 [n]: the examples whose means and deviations count."""

    features: np.ndarray
    side: np.ndarray
    classes: int

    def choose(self, train: np.ndarray, labels: np.ndarray, validation: np.ndarray) -> dict:
        """The recipe of a linear classifier on `train` that does best on `validation`; of equals the smaller loss."""
        values, truth = standardised(self.features, self.side), labels[validation]
        found = []
        for recipe in LINEAR_RECIPES:
            weight, bias = self._weights(values, train, labels, recipe)
            shares = probabilities(values[validation], weight, bias)
            found.append((per_class_accuracy(shares.argmax(1), truth), -log_loss(shares, truth)))
        return LINEAR_RECIPES[max(range(len(found)), key=found.__getitem__)]

    def build(self, train: np.ndarray, labels: np.ndarray, recipe: dict) -> StandardHead:
        """What that classifier is after learning from `train` by `recipe`."""
        weight, bias = self._weights(standardised(self.features, self.side), train, labels, recipe)
        parts = (*statistics(self.features, self.side), weight, bias)
        return StandardHead(*(torch.from_numpy(np.float32(part)) for part in parts))

    def _weights(self, values: np.ndarray, train: np.ndarray, labels: np.ndarray, recipe: dict) -> tuple:
        """Of all classes, float64 [K, D] and [K]."""
        given = np.unique(labels[train])
        weight, bias = np.zeros((self.classes, values.shape[1])), np.full(self.classes, ABSENT)
        weight[given], bias[given] = linear_weights(values[train], labels[train], recipe)
        return weight, bias
