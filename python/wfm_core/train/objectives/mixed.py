# SPDX-License-Identifier: GPL-3.0-or-later
"""Several objectives at once, over one encoder: their losses are weighted and summed in each step."""

from torch import Tensor, nn

from wfm_core.bundle.foundation import build_model
from wfm_core.configs.pretraining import Pretraining
from wfm_core.train.objectives.causes import CausesPretraining
from wfm_core.train.objectives.contrastive import ContrastivePretraining
from wfm_core.train.objectives.masked import MaskedPretraining
from wfm_core.train.objectives.predictive import PredictivePretraining
from wfm_core.train.objectives.pretraining import HELD_OUT, PretrainingObjective

OBJECTIVES: dict[str, type[PretrainingObjective]] = {
    "masked": MaskedPretraining,
    "contrastive": ContrastivePretraining,
    "predictive": PredictivePretraining,
    "causes": CausesPretraining,
}


def build_objective(config: Pretraining, description: dict) -> PretrainingObjective:
    """The objective of a configuration, fresh weights; several where it has a mapping."""
    if isinstance(config.objective, str):
        return OBJECTIVES[config.objective](config, description)
    return MixedPretraining(config, description)


class MixedPretraining(PretrainingObjective):
    """The objectives of a mapping of names to weights; each has its losses and figures under its name, and sees the
    windows of those modalities that it has a weight for."""

    def __init__(self, config: Pretraining, description: dict):
        super().__init__(config)
        model = build_model(description)
        self.parts = nn.ModuleDict(
            {name: OBJECTIVES[name](config.served_by(name), description, model) for name in config.objectives}
        )

    @property
    def model(self):
        return next(iter(self.parts.values())).model

    @property
    def kept(self):
        return self.parts["predictive"].kept if "predictive" in self.parts else self.model

    @property
    def masked(self):
        return next((part for part in self.parts.values() if part.masked is not None), None)

    def begin(self):
        for part in self.parts.values():
            part.begin()

    def follow(self, step):
        for part in self.parts.values():
            part.follow(step)

    def fit(self, state):
        for name, part in self.parts.items():
            part.fit(_under(f"parts.{name}.", state))

    def losses(self, windows, index, seed, causes=None):
        losses: dict[str, Tensor] = {}
        for name, part in self.parts.items():
            there = self._served(name, windows)
            losses |= {f"{name}_{target}": loss for target, loss in part.losses(there, index, seed, causes).items()}
            self.shown |= {f"{name}_{target}": known for target, known in part.shown.items()}
            self.watched |= {f"{name}_{what}": value for what, value in part.watched.items()}
        return losses

    def by_modality(self, losses):
        sums: dict[str, Tensor] = {}
        for name, part in self.parts.items():
            for modality, loss in part.by_modality(_under(f"{name}_", losses)).items():
                sums[modality] = sums.get(modality, 0) + self.config.objectives[name][modality] * loss
        return sums

    def held_out_figures(self, windows, index, causes=None):
        figures = {}
        for name, part in self.parts.items():
            for key, figure in part.held_out_figures(self._served(name, windows), index, causes).items():
                kind = next(kind for kind in HELD_OUT if key.startswith(kind))
                figures[f"{kind}{name}_{key.removeprefix(kind)}"] = figure
        return figures

    def _served(self, name: str, windows: dict[str, Tensor]) -> dict[str, Tensor]:
        return {modality: x for modality, x in windows.items() if modality in self.config.objectives[name]}


def _under(prefix: str, values: dict) -> dict:
    """Those entries whose names begin with `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
