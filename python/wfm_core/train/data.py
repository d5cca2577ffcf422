# SPDX-License-Identifier: GPL-3.0-or-later
"""Endless seeded batches of the interference task, rendered and preprocessed beside the training process."""

from collections import deque

import torch
from torch.utils.data import IterableDataset, get_worker_info

from wfm_core.signal import build_preprocessor
from wfm_core.synth.scenes.interference import InterferenceScenes, Windows

_KEPT_BATCHES = 400

ANTENNA_SHARES = {1: 0.35, 2: 0.35, 3: 0.1, 4: 0.2}
"""How often a training batch has so many antennas."""


class SceneBatches(IterableDataset):
    """Yields (input, label) batches: the preprocessed window as the model's modality wants it.

    Every fresh batch is followed by `replays` earlier ones: rendering a window costs more than a step on it.
    The scenes are a function of `seed`, the worker and the number of batches, so a run resumed at `first_batch` sees
    scenes it has not seen before.
    """

    def __init__(self, config: dict, first_batch: int = 0):
        self.config = config
        self.first_batch = first_batch

    def __iter__(self):
        torch.set_num_threads(1)
        worker = get_worker_info()
        stream = worker.id if worker else 0
        generator = torch.Generator().manual_seed(self.config["seed"] * 1_000_003 + self.first_batch * 101 + stream)
        scenes = InterferenceScenes(self.config["window"]["samples"], generator)
        preprocess = build_preprocessor(self.config["signal"])
        shares = torch.tensor(list(ANTENNA_SHARES.values()))
        kept = deque(maxlen=_KEPT_BATCHES)
        while True:
            antennas = list(ANTENNA_SHARES)[torch.multinomial(shares, 1, generator=generator)]
            windows = scenes.draw(self.config["batch"], antennas)
            kept.append((preprocess(windows.iq), windows.label))
            yield kept[-1]
            for _ in range(self.config["replays"]):
                yield kept[int(torch.randint(len(kept), (), generator=generator))]


def validation_windows(config: dict, seed: int = 7_654_321) -> list[Windows]:
    """Fixed windows of scenes that training never sees, a quarter of them for each of 1 to 4 antennas."""
    generator = torch.Generator().manual_seed(seed)
    scenes = InterferenceScenes(config["window"]["samples"], generator, reuse=1)
    rounds = config["validation_windows"] // (4 * config["batch"])
    return [scenes.draw(config["batch"], antennas) for _ in range(rounds) for antennas in (1, 2, 3, 4)]
