# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that learn from the labels: regimes of fine-tuning, and the same network from fresh weights.

All of them learn the same way. How long is no constant: on the validation part a run goes on until its loss there has
not fallen for PATIENCE looks in a row, and the number of steps at its lowest is what the final network gets, which
learns from the whole training side. Fine-tuning begins with the linear classifier on the features as they are
(`FirstHead`), which may be all there is to it: 0 steps.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from wfm_core.base.precision import bf16_is_faster
from wfm_core.bundle.foundation import Foundation
from wfm_core.train.finetune.data import rolled
from wfm_core.train.finetune.starting import Feed, start_model
from wfm_core.train.fitting import fit
from wfm_core.train.optimizers import weight_groups
from wfm_core.train.probe.features import embed
from wfm_core.train.probe.first_head import FirstHead
from wfm_core.train.probe.measures import log_loss
from wfm_core.train.regimes import apply_regime

BATCH = 16
LOOK_EVERY = 20  # steps
PATIENCE = 5  # looks
MOST_STEPS = 1000
WARM_UP = 10  # steps
WEIGHT_DECAY = 0.05
LABEL_SMOOTHING = 0.1
LORA = {"rank": 32, "alpha": 8.0, "scale": "rank", "targets": "qv"}
RATES = {"lp": (3e-3, 1e-2), "ft2": (3e-4, 1e-3), "lora": (5e-4, 2e-3), "scratch": (3e-4, 1e-3)}
NOISE = 0.3  # deviation; that of the inputs is 1
_TEST_BATCH = 64


SCRATCH = "scratch"


def recipes(regime: str) -> tuple[dict, ...]:
    """What the validation part may choose from: the rates with noise on the inputs, the last one also without."""
    pairs = [*((rate, NOISE) for rate in RATES[regime]), (RATES[regime][-1], 0.0)]
    return tuple({"rate": rate, "noise": noise} for rate, noise in pairs)


@dataclass(frozen=True)
class Start:
    """What `start_model` is to know; the head is one of `task`."""

    regime: str
    seed: int
    pooling: str
    task: str = "probe"
    channels: str = "apart"


@dataclass
class Network:
    """A regime on the inputs [N, ...] of a modality, of which `side` int64 [n] are those of the training side; at most
    `effort` times MOST_STEPS are taken."""

    foundation: Foundation
    regime: str
    modality: str
    inputs: Tensor
    side: np.ndarray
    classes: int
    pooling: str
    device: torch.device
    time_axis: int | None = None
    effort: float = 1.0
    bf16: bool = field(init=False)

    def __post_init__(self):
        self.bf16 = bf16_is_faster(self.device.type)

    def until_it_stops(self, train: np.ndarray, labels: np.ndarray, validation: np.ndarray, recipe: dict, seed: int):
        """Learn from `train` until the loss on `validation` stops falling.

        Returns (what `recipe` lacks: `steps` at the lowest loss and, of fine-tuning, the recipe of its first `head`;
        probabilities [len(validation), classes] there). `labels` int64 [N].
        """
        best = {"loss": float("inf"), "steps": 0, "probabilities": None}
        if self.regime != SCRATCH:
            recipe = {**recipe, "head": self._first.choose(train, labels, validation)}

        def look(done: int, network: nn.Module) -> bool:
            if done % LOOK_EVERY:
                return False
            probabilities = self._probabilities(network, validation)
            loss = log_loss(probabilities, labels[validation])
            if loss < best["loss"]:
                best.update(loss=loss, steps=done, probabilities=probabilities)
            return done - best["steps"] >= PATIENCE * LOOK_EVERY

        self._train(train, labels, max(LOOK_EVERY, round(MOST_STEPS * self.effort)), recipe, seed, look)
        return {**recipe, "steps": best["steps"]}, best["probabilities"]

    def trained(self, train: np.ndarray, labels: np.ndarray, test: np.ndarray, recipe: dict, seed: int) -> np.ndarray:
        """Probabilities [len(test), classes] after `recipe["steps"]` steps on `train`."""
        return self._probabilities(self._train(train, labels, recipe["steps"], recipe, seed), test)

    @cached_property
    def _first(self) -> FirstHead:
        """Of the features before the first step: no seed changes those of pretrained weights."""
        with torch.inference_mode():
            network = self._start(0).eval()
            embedded = [self._embedding(network, part).cpu() for part in self.inputs.split(_TEST_BATCH)]
        return FirstHead(torch.cat(embedded).numpy(), self.side, self.classes)

    def _train(self, train, labels, steps, recipe, seed, look=None) -> nn.Module:
        network = self._start(seed)
        if "head" in recipe:
            network.heads["probe"] = self._first.build(train, labels, recipe["head"]).to(self.device)
            if look is not None:
                look(0, network)
            if not steps:
                return network
        targets = torch.from_numpy(labels).to(self.device)
        random = np.random.default_rng([seed, len(train)])
        noise = torch.Generator().manual_seed(int(random.integers(1 << 62)))

        def loss(chosen: Tensor) -> Tensor:
            windows = self.inputs[chosen]
            if self.time_axis is not None:
                windows = rolled(windows, self.time_axis, random)
            windows = windows + recipe["noise"] * torch.randn(windows.shape, dtype=windows.dtype, generator=noise)
            logits = self._logits(network, windows)
            wanted = targets[chosen.to(self.device)]
            return functional.cross_entropy(logits, wanted, label_smoothing=LABEL_SMOOTHING)

        batches = [torch.from_numpy(batch) for batch in _batches(train, steps, random)]
        watch = None if look is None else lambda done: look(done, network)
        groups = weight_groups(network, WEIGHT_DECAY)
        fit(groups, loss, batches, recipe["rate"], warmup=WARM_UP, floor=1.0, gradient_clip=1.0, stop=watch)
        return network

    def _start(self, seed: int) -> nn.Module:
        feed = Feed(self.modality, {}, tuple(self.inputs.shape[1:]))
        labels = tuple(map(str, range(self.classes)))
        network = start_model(self.foundation, feed, labels, Start(self.regime, seed, self.pooling))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # of the adapters
            more = {"ft2": {"blocks": min(2, len(network.encoder.blocks))}, "lora": LORA}
            apply_regime(network, self.regime, **more.get(self.regime, {}))
        return network.to(self.device)

    def _logits(self, network: nn.Module, windows: Tensor) -> Tensor:
        """float32 [B, classes]."""
        return network.heads["probe"](self._embedding(network, windows)).float()

    def _embedding(self, network: nn.Module, windows: Tensor) -> Tensor:
        """float32 [B, D]."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            return embed(network, self.modality, windows.to(self.device), self.pooling).float()

    @torch.inference_mode()
    def _probabilities(self, network: nn.Module, rows: np.ndarray) -> np.ndarray:
        network.eval()
        parts = [
            self._logits(network, self.inputs[part]).softmax(1).cpu()
            for part in torch.from_numpy(rows).split(_TEST_BATCH)
        ]
        network.train()
        return torch.cat(parts).numpy()


def _batches(examples: np.ndarray, steps: int, generator: np.random.Generator) -> list[np.ndarray]:
    """The examples of each step: shuffled passes, cut into batches."""
    size = min(BATCH, len(examples))
    passes = -(-steps * size // len(examples))
    order = np.concatenate([generator.permutation(examples) for _ in range(passes)])
    return [order[index * size : (index + 1) * size] for index in range(steps)]
