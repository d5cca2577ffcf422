# SPDX-License-Identifier: GPL-3.0-or-later
"""Embeddings of a frozen model: one forward pass per example."""

import copy

import numpy as np
import torch
from torch import Tensor, nn

from wfm_core.bundle.foundation import Foundation
from wfm_core.model import ChannelImageTokens

_BATCH = 64


def embed(model: nn.Module, modality: str, inputs: Tensor, pooling: str) -> Tensor:
    """What the model makes of a batch of `inputs`, [B, D]."""
    return (model.embed_iq if modality == "iq" else model.embed_image)(inputs, pooling)


@torch.inference_mode()
def features(foundation: Foundation, modality: str, inputs: Tensor, pooling: str, device: torch.device) -> np.ndarray:
    """Embeddings float32 [N, D] of `inputs` [N, ...], computed on `device`.

    Channels that the foundation has no projection or no vectors for go through it one by one, as images of their own,
    and their embeddings are put side by side: nothing of a frozen network can learn to mix them.
    """
    model = copy.deepcopy(foundation.model).to(device)
    parts = [inputs]
    if isinstance(model.image, ChannelImageTokens) and modality == "image":
        if inputs.size(1) > model.image.max_channels:
            parts = list(inputs.split(1, dim=1))
    elif modality == "image":
        model.image.set_size(tuple(inputs.shape[2:]))
        if inputs.size(1) != model.image.channels:
            parts = [one.expand(-1, model.image.channels, -1, -1) for one in inputs.split(1, dim=1)]
    return np.concatenate([_embedded(model, modality, part, pooling, device) for part in parts], axis=1)


def _embedded(model: nn.Module, modality: str, inputs: Tensor, pooling: str, device: torch.device) -> np.ndarray:
    batches = [embed(model, modality, batch.to(device), pooling).float().cpu() for batch in inputs.split(_BATCH)]
    return torch.cat(batches).numpy()


def standardised(values: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """Each feature of [N, D] with mean 0 and deviation 1 over the examples `pool`.

    The pool is the whole training side, labelled or not: a deviation over three labelled examples means little, and
    unlabelled windows cost nothing.
    """
    mean, deviation = statistics(values, pool)
    return (values - mean) / deviation


def statistics(values: np.ndarray, pool: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation [D] of each feature over the examples `pool`; what never changes has a deviation above 0."""
    reference = values[pool]
    deviation = reference.std(0)
    return reference.mean(0), np.maximum(deviation, 1e-6 * max(float(deviation.max()), 1e-12))
