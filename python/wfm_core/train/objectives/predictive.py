# SPDX-License-Identifier: GPL-3.0-or-later
"""Prediction of a moving-average teacher's outputs at hidden places (see `wfm_core.model.predictive`)."""

from torch import Tensor

from wfm_core.bundle.foundation import build_model
from wfm_core.configs.pretraining import Pretraining
from wfm_core.model import EncoderConfig, WirelessModel
from wfm_core.model.masking import block_masks
from wfm_core.model.predictive import LOSSES, PredictiveModel, spread
from wfm_core.train.objectives.pretraining import (
    HELD_OUT_LOSS,
    HELD_OUT_MEAN,
    HELD_OUT_SEED,
    HELD_OUT_SPREAD,
    PretrainingObjective,
)


class PredictivePretraining(PretrainingObjective):
    """The student predicts the teacher; beside each held-out loss stands that of predicting the mean.

    The mean is the teacher's own, of each place, over the windows of the batch: what the place alone tells.
    """

    def __init__(self, config: Pretraining, description: dict, model: WirelessModel | None = None):
        super().__init__(config)
        predictor = EncoderConfig(**config.predictive.predictor.model_dump())
        self.predictive = PredictiveModel(model or build_model(description), predictor)
        self._error = LOSSES[config.predictive.loss]

    @property
    def model(self):
        return self.predictive.model

    @property
    def kept(self):
        return self.predictive.teacher if self.config.predictive.keep == "teacher" else self.model

    def begin(self):
        self.predictive.begin()

    def follow(self, step):
        first, last = self.config.predictive.teacher_decay
        self.predictive.follow(first + (last - first) * min(1.0, step / self.config.steps))

    def masks(self, modality: str, windows: Tensor, index: Tensor, seed: int) -> Tensor:
        """Masks bool [B, N] on the CPU: a function of the windows' numbers and the seed."""
        # as for masked reconstruction: the two modalities of a step have the same numbers
        seed = 2 * seed + (modality == "iq")
        settings = self.config.mask_ratio[modality], self.config.predictive.blocks, seed
        return block_masks(index.cpu(), self._grid(modality, windows), *settings)

    def losses(self, windows, index, seed, causes=None):
        losses = {}
        for modality, x in windows.items():
            losses[modality], self.watched[f"spread_{modality}"], _ = self._compared(modality, x, index, seed)
        return losses

    def held_out_figures(self, windows, index, causes=None):
        figures = {}
        for modality, x in windows.items():
            loss, apart, mean = self._compared(modality, x, index, self.config.seed + HELD_OUT_SEED)
            names = (HELD_OUT_LOSS, HELD_OUT_SPREAD, HELD_OUT_MEAN)
            figures |= {name + modality: value for name, value in zip(names, (loss, apart, mean), strict=True)}
        return figures

    def _compared(self, modality: str, x: Tensor, index: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """The loss, the spread of the teacher's outputs, and the loss of predicting their mean at each place."""
        outputs = self.predictive.outputs(modality, x)
        hidden, predicted = self.predictive.predict(modality, x, self.masks(modality, x, index, seed))
        wanted = outputs.gather(1, hidden.unsqueeze(2).expand_as(predicted))
        return self._error(predicted, wanted), spread(outputs), self._error(outputs.mean(0)[hidden], wanted)

    def _grid(self, modality: str, windows: Tensor) -> tuple[int, int, int]:
        """Rows, columns and layers of the windows' tokens (see `block_masks`)."""
        tokens = self.model.image if modality == "image" else self.model.iq
        count = tokens.places(windows).size(0)
        if modality == "iq":
            return count // windows.size(1), 1, windows.size(1)
        rows, columns = windows.size(2) // tokens.patch, windows.size(3) // tokens.patch
        return rows, columns, count // (rows * columns)
