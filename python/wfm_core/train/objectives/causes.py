# SPDX-License-Identifier: GPL-3.0-or-later
"""Known causes: light heads tell what a generated window was made of (see `known`).

A linear layer on the mean of the encoded tokens for each cause of a modality, or on each token for what has a place.
What is not known of a window has no part in a loss. A loss is about 1 where nothing is learnt: the cross-entropy of
classes over that of equally frequent ones, the binary one over that of even chances, smooth L1 of numbers of about unit
spread.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import build_model
from wfm_core.configs.pretraining import Pretraining
from wfm_core.model import ClassHead, WirelessModel
from wfm_core.train.objectives.known import CAUSES, Cause
from wfm_core.train.objectives.pretraining import HELD_OUT_LOSS, HELD_OUT_MEAN, PretrainingObjective


class CausesPretraining(PretrainingObjective):
    """The weighted mean of the causes' losses of each modality; beside each held-out loss that of a guess.

    The guess is the mean, or the frequency of each class or thing, among the windows of the batch. Raises `WfmError`
    for the weight of a cause that is not known.
    """

    def __init__(self, config: Pretraining, description: dict, model: WirelessModel | None = None):
        super().__init__(config)
        weights = config.causes.weights
        names = {name for modality in config.modalities for name in CAUSES[modality]}
        if odd := sorted(set(weights) - names):
            raise WfmError(
                f"causes.weights has {odd[0]!r}; expected some of {', '.join(sorted(names))}: fix the config"
            )
        if not any(weights.get(name, 1.0) > 0 for name in names):
            raise WfmError("causes.weights leaves out all causes; expected one or more above 0: fix the config")
        self.network = model or build_model(description)
        width = self.network.cls_token.size(-1)
        self.causes = {
            modality: {name: cause for name, cause in CAUSES[modality].items() if weights.get(name, 1.0) > 0}
            for modality in config.modalities
        }
        self.heads = nn.ModuleDict()
        for modality, there in self.causes.items():
            self.heads[modality] = nn.ModuleDict({name: ClassHead(width, cause.size) for name, cause in there.items()})

    @property
    def model(self):
        return self.network

    def losses(self, windows, index, seed, causes=None):
        losses = {}
        for name, (loss, known, _) in self._compared(windows, causes).items():
            losses[name], self.shown[name] = loss, known > 0
        return losses

    def by_modality(self, losses):
        sums: dict[str, Tensor] = {}
        for modality, there in self.causes.items():
            weights = {name: self.config.causes.weights.get(name, 1.0) for name in there}
            parts = [weights[name] * losses[key] for name in there if (key := f"{modality}_{name}") in losses]
            if parts:
                sums[modality] = sum(parts) / sum(weights.values())
        return sums

    def held_out_figures(self, windows, index, causes=None):
        figures = {}
        for name, (loss, known, guess) in self._compared(windows, causes).items():
            if known > 0:
                figures |= {HELD_OUT_LOSS + name: loss, HELD_OUT_MEAN + name: guess}
        return figures

    def _compared(self, windows: dict[str, Tensor], causes: dict) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
        """Of each cause the loss, how many values of it are known, and the loss of a guess."""
        compared = {}
        for modality, x in windows.items():
            if not self.causes[modality]:
                continue
            encoded = self.network.encode_image(x) if modality == "image" else self.network.encode_iq(x)
            tokens = encoded[:, 1:]
            pooled = tokens.mean(1)
            for name, cause in self.causes[modality].items():
                target = causes[modality][name]
                if cause.at_places:
                    # antennas, or channels, of one place are next to each other
                    target = target.repeat_interleave(tokens.size(1) // target.size(1), dim=1)
                said = self.heads[modality][name](tokens if cause.at_places else pooled).float()
                loss, known = error(cause, said, target)
                with torch.no_grad():
                    guess = error(cause, constant(cause, target).expand_as(said), target)[0]
                compared[f"{modality}_{name}"] = loss, known, guess
        return compared


def error(cause: Cause, said: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The mean error of what a head said, float32 [..., size], over the known targets, 0 where there are none; and how
    many there are."""
    known = target >= 0 if cause.kind == "class" else ~torch.isnan(target)
    wanted = torch.where(known, target, 0)
    if cause.kind == "class":
        errors = functional.cross_entropy(said, wanted, reduction="none") / math.log(cause.size)
    elif cause.kind == "presence":
        errors = functional.binary_cross_entropy_with_logits(said, wanted, reduction="none") / math.log(2)
    else:
        errors = functional.smooth_l1_loss(said, wanted, reduction="none")
    count = known.sum()
    return (errors * known).sum() / count.clamp(min=1), count


def constant(cause: Cause, target: Tensor) -> Tensor:
    """What a head would say at best without a look at the windows, float32 [size]."""
    if cause.kind == "class":
        counts = functional.one_hot(target + 1, cause.size + 1)[:, 1:].sum(0)
        return (counts.clamp(min=1e-6) / counts.sum().clamp(min=1)).log()
    mean = target.flatten(0, -2).nanmean(0).nan_to_num()
    return torch.logit(mean, eps=1e-6) if cause.kind == "presence" else mean
