# SPDX-License-Identifier: GPL-3.0-or-later
"""One process of one pretraining step; `python pretrain_gradients.py CONFIG RANK WORLD FOLDER [overrides]` leaves the
gradients.

Each process takes its own part of the global batch, as `wfm-pretrain` does, and DistributedDataParallel averages, but
where pcgrad does so itself.
"""

import faulthandler
import os
import sys
import time
from pathlib import Path

import torch
from pretrain_recipe import fresh_training, measured_mixtures
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from wfm_core.configs.pretraining import load_pretraining
from wfm_core.train.pcgrad import leave_gradients_alone
from wfm_core.train.pretrain.sets import Batches, WindowSets


class Total(nn.Module):
    """What a step minimises, as the forward pass that DistributedDataParallel wants."""

    def __init__(self, training):
        super().__init__()
        self.training_module = training

    def forward(self, windows, index):
        return self.training_module.total(self.training_module.losses(windows, index, 1))


def main(config: str, rank: int, world: int, folder: Path, overrides: list[str]) -> None:
    torch.set_num_threads(1)
    config = load_pretraining(config, ["batch=32", "data.windows=64", *overrides])
    mixtures = measured_mixtures(config)
    training = fresh_training(config, {modality: mixture.settings for modality, mixture in mixtures.items()})
    sets = {modality: WindowSets(config, mixture, rank, world) for modality, mixture in mixtures.items()}
    windows, index = next(iter(Batches(sets, config, first=1)))
    torch.distributed.init_process_group("gloo", f"file://{folder}/meet-{world}", rank=rank, world_size=world)
    together = DistributedDataParallel(Total(training))  # it averages only while it lives
    if config.pcgrad:
        leave_gradients_alone(together)
        for _ in range(2):  # the second forward pass complains where the first one's averages are still expected
            training.zero_grad()
            together(windows, index)
            training.backward(training.training_step((windows, index), 0))
    else:
        together(windows, index).backward()
    if rank == 0:
        torch.save({name: p.grad for name, p in training.named_parameters()}, folder / f"gradients-{world}.pt")
    leave_together(folder, rank, world)
    os._exit(0)  # what gloo puts away may wait for a peer that has gone


def leave_together(folder: Path, rank: int, world: int) -> None:
    """Return when all processes have their gradients: gloo may wait for ever for a peer that has gone, and its own
    barrier is no help, since a peer may have gone from that, too."""
    (folder / f"done-{world}-{rank}").touch()
    while not all((folder / f"done-{world}-{other}").exists() for other in range(world)):
        time.sleep(0.01)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(100, exit=True)  # sooner than the test gives up: where it stands still
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), sys.argv[5:])
