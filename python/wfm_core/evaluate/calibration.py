# SPDX-License-Identifier: GPL-3.0-or-later
"""Post-training calibration: a temperature, the bias of `none` that sets the false-alarm rate, what is `unknown`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from wfm_core.base.errors import WfmError


@dataclass(frozen=True)
class Calibration:
    """What a bundle's contract takes from held-out windows, and the calibration error before and after."""

    temperature: float
    open_set_threshold: float
    ece_before: float
    ece_after: float
    bias: tuple[float, ...] = ()


def calibrate(
    logits: torch.Tensor,
    label: torch.Tensor,
    keep: float | None,
    alarms: Sequence[tuple[torch.Tensor, float]] = (),
    quiet: int = 0,
) -> Calibration:
    """Temperature, open-set threshold and bias from held-out logits float32 [N, K] and their classes int64 [N].

    `keep` is the share of these known windows that the threshold still calls by a name; without one there is no
    threshold. `alarms` are groups of windows, bool [N], and the share of those of class `quiet` in each that may be
    called otherwise; the bias is the least that is enough for all. Without groups there is no bias.
    """
    temperature = fit_temperature(logits, label)
    calibrated = logits / temperature
    probabilities = calibrated.softmax(1)
    bias = ()
    if alarms:
        bias = quiet_bias(calibrated, label, alarms, quiet)
    return Calibration(
        temperature=temperature,
        open_set_threshold=0.0 if keep is None else _threshold(calibrated, bias, keep),
        ece_before=expected_calibration_error(logits.softmax(1), label),
        ece_after=expected_calibration_error(probabilities, label),
        bias=bias,
    )


def quiet_bias(
    calibrated: torch.Tensor, label: torch.Tensor, alarms: Sequence[tuple[torch.Tensor, float]], quiet: int = 0
) -> tuple[float, ...]:
    """The bias of calibrated logits [N, K], see `calibrate`: 0 for all but class `quiet`."""
    least = max(false_alarm_bias(calibrated[group], label[group], share, quiet) for group, share in alarms)
    return tuple(least if place == quiet else 0.0 for place in range(calibrated.size(1)))


def fit_temperature(logits: torch.Tensor, label: torch.Tensor) -> float:
    """The temperature that minimises cross-entropy of logits [N, K] / temperature (Guo et al. 2017).

    The targets are those of one more window per class (Platt 1999), else a few windows that are all right would
    ask for the sharpest temperature there is, and every score would be 1.
    """
    count, classes = logits.shape
    candidates = torch.logspace(-1, 1, 201)
    smoothing = classes / (count + classes)
    losses = [functional.cross_entropy(logits / t, label, label_smoothing=smoothing) for t in candidates]
    return float(candidates[torch.stack(losses).argmin()])


def threshold_for(known_scores: torch.Tensor, share: float) -> float:
    """The highest open-set threshold that keeps at least `share` of held-out known windows, by their scores [N].

    A window is kept where its score, the best calibrated probability, is at or above the threshold.
    """
    if not 0 < share <= 1:
        raise WfmError(f"share of known windows to keep {share:g}; expected above 0 and up to 1, such as 0.95")
    kept = math.ceil(share * len(known_scores) - 1e-9)  # 0.07 * 100 is a little above 7
    return float(known_scores.sort(descending=True).values[kept - 1])


def _threshold(calibrated: torch.Tensor, bias: tuple[float, ...], keep: float) -> float:
    shifted = calibrated + torch.tensor(bias) if bias else calibrated
    return threshold_for(shifted.softmax(1).max(1).values, keep)


def false_alarm_bias(logits: torch.Tensor, label: torch.Tensor, target: float, quiet: int = 0) -> float:
    """What to add to the calibrated logit of class `quiet` so that it loses in at most `target` of its own windows."""
    own = logits[label == quiet]
    others = own.index_fill(1, torch.tensor([quiet]), -torch.inf)
    margin = others.max(1).values - own[:, quiet]
    return float(margin.quantile(1 - target))


def expected_calibration_error(probabilities: torch.Tensor, label: torch.Tensor, bins: int = 15) -> float:
    """Mean gap between score and accuracy over equal-width bins of the score."""
    score, best = probabilities.max(1)
    index = (score * bins).long().clamp(max=bins - 1)
    gaps = torch.bincount(index, (best == label).to(score.dtype) - score, minlength=bins)
    return float(gaps.abs().sum() / len(label))
