# SPDX-License-Identifier: GPL-3.0-or-later
"""How well devices that were enrolled on one day are named on another."""

import numpy as np

from wfm_core.model.prototypes import Prototypes
from wfm_core.train.transmitters.episodes import Heard


def named(embeddings: np.ndarray, episode: Heard) -> float:
    """Share of the second day's windows of which the nearest device of those enrolled on the first is the right one."""
    device, day = episode.device.numpy(), episode.day.numpy()
    classes = Prototypes()
    for one in np.unique(device):
        classes.enrol(str(one), embeddings[(device == one) & (day == 0)])
    later = day == 1
    decisions = classes.decide(embeddings[later])
    nearest = [max(decision["probabilities"], key=decision["probabilities"].get) for decision in decisions]
    return float(np.mean([name == str(one) for name, one in zip(nearest, device[later], strict=True)]))
