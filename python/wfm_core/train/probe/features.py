# SPDX-License-Identifier: GPL-3.0-or-later
"""Embeddings of a frozen model: one forward pass per example."""

import numpy as np
import torch
from torch import Tensor, nn

from wfm_core.bundle.foundation import Foundation

_BATCH = 16


def embed(model: nn.Module, modality: str, inputs: Tensor, pooling: str) -> Tensor:
    """What the model makes of a batch of `inputs`, [B, D]."""
    return (model.embed_iq if modality == "iq" else model.embed_image)(inputs, pooling)


@torch.inference_mode()
def features(foundation: Foundation, modality: str, inputs: Tensor, pooling: str, device: torch.device) -> np.ndarray:
    """Embeddings float32 [N, D] of `inputs` [N, ...], computed on `device`."""
    model = foundation.model.to(device)
    parts = [embed(model, modality, part.to(device), pooling).float().cpu() for part in inputs.split(_BATCH)]
    model.cpu()
    return torch.cat(parts).numpy()


def standardised(values: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """Each feature of [N, D] with mean 0 and deviation 1 over the examples `pool`.

    The pool is the whole training part, labelled or not: a deviation over three labelled examples means little, and
    unlabelled windows cost nothing.
    """
    reference = values[pool]
    deviation = reference.std(0)
    return (values - reference.mean(0)) / np.maximum(deviation, 1e-6 * max(float(deviation.max()), 1e-12))
