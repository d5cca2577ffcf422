# SPDX-License-Identifier: GPL-3.0-or-later
"""Post-training calibration: a temperature, and the bias of `none` that sets the false-alarm rate."""

import torch
from torch.nn import functional


def fit_temperature(logits: torch.Tensor, label: torch.Tensor) -> float:
    """The temperature that minimises cross-entropy of logits [N, K] / temperature (Guo et al. 2017)."""
    candidates = torch.logspace(-1, 1, 201)
    losses = torch.stack([functional.cross_entropy(logits / t, label) for t in candidates])
    return float(candidates[losses.argmin()])


def false_alarm_bias(logits: torch.Tensor, label: torch.Tensor, target: float) -> float:
    """What to add to the calibrated logit of class 0 so that it loses in at most `target` of its own windows."""
    own = logits[label == 0]
    margin = own[:, 1:].max(1).values - own[:, 0]
    return float(margin.quantile(1 - target))


def expected_calibration_error(probabilities: torch.Tensor, label: torch.Tensor, bins: int = 15) -> float:
    """Mean gap between score and accuracy over equal-width bins of the score."""
    score, best = probabilities.max(1)
    right = (best == label).float()
    index = (score * bins).long().clamp(max=bins - 1)
    gaps = [
        (right[index == b].mean() - score[index == b].mean()).abs() * (index == b).float().mean()
        for b in range(bins)
        if (index == b).any()
    ]
    return float(torch.stack(gaps).sum())
