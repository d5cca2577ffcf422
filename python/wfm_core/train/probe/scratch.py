# SPDX-License-Identifier: GPL-3.0-or-later
"""The other way to use few labels: train the same network on them alone, from random weights."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from wfm_core.base.precision import bf16_is_faster
from wfm_core.bundle.foundation import Foundation
from wfm_core.data.splits import Split
from wfm_core.model import ClassHead
from wfm_core.train.fitting import fit
from wfm_core.train.probe.features import embed
from wfm_core.train.probe.tasks import ALL, Task

LEARNING_RATE = 3e-4  # 1.5e-3 does not leave chance in the steps of an effort of 1
WEIGHT_DECAY = 0.05
WARM_UP = 0.1  # of the steps
TEST_BATCH = 32


@dataclass(frozen=True)
class Budget:
    """What one training from scratch may cost: steps, and examples a step (or all, where there are fewer)."""

    steps: int
    batch: int


def budgets(effort: float) -> dict[int | str, Budget]:
    """By labels per class. With an effort of 1 the whole table takes some 20 minutes on two cores.

    That is in float32, and too little to call it converged: where bfloat16 is faster, an effort of 4 is the fairer
    comparison, where a GPU can be had one of 10.
    """
    steps = {1: (30, 16), 5: (40, 16), ALL: (50, 32)}
    return {labels: Budget(round(effort * count), batch) for labels, (count, batch) in steps.items()}


class Scratch(nn.Module):
    """A fresh network of a foundation's shape with a head: inputs of a modality [B, ...] -> logits [B, classes]."""

    def __init__(self, foundation: Foundation, modality: str, classes: int, pooling: str, seed: int):
        super().__init__()
        self.modality, self.pooling = modality, pooling
        self.model = foundation.random(seed).model.train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.head = ClassHead(self.model.cls_token.size(-1), classes)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(embed(self.model, self.modality, inputs, self.pooling))


def train_from_scratch(
    foundation: Foundation,
    task: Task,
    inputs: Tensor,
    split: Split,
    budget: Budget,
    seed: int,
    pooling: str,
    device: torch.device,
) -> np.ndarray:
    """Classes that a network trained on `split.train` gives `split.test`, int64 [len(split.test)].

    AdamW, linear warm-up and cosine to nothing, no augmentation; batches go through the examples in random order.
    The products are in bfloat16 where that is faster, as in pretraining.
    """
    bf16 = bf16_is_faster(device.type)
    network = Scratch(foundation, task.modality, len(task.classes), pooling, seed).to(device)
    labels = torch.from_numpy(task.labels).to(device)

    def loss(chosen: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            return functional.cross_entropy(network(inputs[chosen].to(device)), labels[chosen.to(device)])

    batches = [torch.from_numpy(batch) for batch in _batches(split.train, budget, np.random.default_rng(seed))]
    groups = [{"params": list(network.parameters()), "weight_decay": WEIGHT_DECAY}]
    fit(groups, loss, batches, LEARNING_RATE, warmup=max(1, round(WARM_UP * budget.steps)), gradient_clip=1.0)
    return _predict(network.eval(), inputs[torch.from_numpy(split.test)], device)


@torch.inference_mode()
def _predict(network: Scratch, inputs: Tensor, device: torch.device) -> np.ndarray:
    parts = [network(part.to(device)).argmax(1).cpu() for part in inputs.split(TEST_BATCH)]
    return torch.cat(parts).numpy()


def _batches(examples: np.ndarray, budget: Budget, generator: np.random.Generator) -> list[np.ndarray]:
    """The examples of each step: shuffled passes, cut into batches."""
    size = min(budget.batch, len(examples))
    passes = -(-budget.steps * size // len(examples))
    order = np.concatenate([generator.permutation(examples) for _ in range(passes)])
    return [order[index * size : (index + 1) * size] for index in range(budget.steps)]
