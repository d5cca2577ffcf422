# SPDX-License-Identifier: GPL-3.0-or-later
"""Masked reconstruction of images and IQ windows (paper, section III)."""

import torch
from torch import Tensor

from wfm_core.bundle.foundation import build_model
from wfm_core.configs.pretraining import Pretraining
from wfm_core.model import EncoderConfig, WirelessModel
from wfm_core.model.masked import SPECTRUM, MaskedAutoencoder
from wfm_core.model.masking import antenna_masks, random_masks
from wfm_core.train.objectives.pretraining import HELD_OUT_MEAN, HELD_OUT_SEED, PretrainingObjective


class MaskedPretraining(PretrainingObjective):
    """Masked autoencoding of each modality in turn; beside each held-out loss stands that of predicting the mean.

    The mean is that of the first training windows: of each pixel of an image, of each value of an IQ token or of the
    token of an image of any size.
    """

    def __init__(self, config: Pretraining, description: dict, model: WirelessModel | None = None):
        super().__init__(config)
        self.autoencoder = build_autoencoder(config, description, model)
        self._targets = [name for modality in config.modalities for name in self.autoencoder.predicted(modality)]
        for name in self._targets:
            self.register_buffer(f"mean_{name}", torch.zeros(()))

    @property
    def model(self):
        return self.autoencoder.model

    @property
    def masked(self):
        return self

    def by_modality(self, losses):
        sums = {name: loss for name, loss in losses.items() if name != SPECTRUM}
        if SPECTRUM in losses:
            sums["iq"] = sums["iq"] + self.config.spectrum_weight * losses[SPECTRUM]
        return sums

    @torch.no_grad()
    def measure_mean(self, modality: str, batches: list[Tensor]) -> None:
        for name in self.autoencoder.predicted(modality):
            targets = [self.autoencoder.targets(name, windows) for windows in batches]
            # the places of an image differ, those of IQ do not: any window may begin at any time
            if modality == "iq" or self.config.image.per_channel:
                targets = [part.flatten(0, 1) for part in targets]
            setattr(self, f"mean_{name}", torch.cat(targets).mean(0))

    def masks(self, modality: str, windows: Tensor, index: Tensor, seed: int) -> Tensor:
        """Masks bool [B, N] on the CPU: a function of the windows' numbers and the seed."""
        tokens = self.autoencoder.tokens(modality, windows)
        # the two modalities of one step have the same numbers, and must not have the same masks
        seed = 2 * seed + (modality == "iq")
        if modality == "iq" and self.config.iq_mask == "antenna" and windows.size(1) > 1:
            return antenna_masks(index.cpu(), tokens, windows.size(1), seed)
        return random_masks(index.cpu(), tokens, self.config.mask_ratio[modality], seed)

    def losses(self, windows, index, seed, causes=None):
        losses = {}
        for modality, x in windows.items():
            losses |= self.autoencoder.losses(modality, x, self.masks(modality, x, index, seed))
        return losses

    def held_out_figures(self, windows, index, causes=None):
        figures = super().held_out_figures(windows, index)
        for modality, x in windows.items():
            mask = self.masks(modality, x, index, self.config.seed + HELD_OUT_SEED).to(x.device)
            for name in self.autoencoder.predicted(modality):
                error = self.autoencoder.targets(name, x) - getattr(self, f"mean_{name}")
                figures[HELD_OUT_MEAN + name] = error[mask].square().mean()
        return figures

    def fit(self, state):
        for name in self._targets:
            setattr(self, f"mean_{name}", torch.zeros_like(state[f"mean_{name}"]))


def build_autoencoder(config: Pretraining, description: dict, model: WirelessModel | None = None) -> MaskedAutoencoder:
    """The masked autoencoder of a configuration's modalities, fresh weights; around `model` where that is given."""
    return MaskedAutoencoder(
        model or build_model(description),
        EncoderConfig(**config.decoder.model_dump()),
        antenna_vectors=config.decoder_antennas,
        normalise_targets=set(config.normalise_targets) & set(config.modalities),
        spectrum_weight=config.spectrum_weight,
        separate_decoders=config.separate_decoders,
        modalities=config.modalities,
    )
