# SPDX-License-Identifier: GPL-3.0-or-later
"""The interference task's figures (INTD is none against any, INTC which modulation)."""

import torch


def interference_accuracies(probabilities: torch.Tensor, label: torch.Tensor) -> dict[str, float]:
    """Mean per-class accuracies of probabilities [N, 3] (none, dsss-bpsk, dsss-qpsk) against labels [N].

    intd: detected or not, by the best class; intc: which modulation, over the windows with interference, whatever
    `none` scored; false_alarms and detections are the two halves of intd. NaN where a class is absent.
    """
    found, present = probabilities.argmax(1) != 0, label != 0
    which = probabilities[:, 1:].argmax(1) + 1
    detections = found[present].float().mean().item()
    false_alarms = found[~present].float().mean().item()
    per_class = [(which[label == index] == index).float().mean() for index in (1, 2)]
    return {
        "intd": (detections + 1 - false_alarms) / 2,
        "intc": torch.stack(per_class).mean().item(),
        "detections": detections,
        "false_alarms": false_alarms,
    }
