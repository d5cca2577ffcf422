# SPDX-License-Identifier: GPL-3.0-or-later
"""What pretraining minimises, as Lightning modules: masked reconstruction (paper, section III), or NT-Xent."""

import math
import time

import lightning
import torch
from torch import Tensor

from wfm_core.bundle.foundation import build_model
from wfm_core.configs.pretraining import Pretraining
from wfm_core.model import EncoderConfig
from wfm_core.model.contrastive import ContrastiveModel
from wfm_core.model.masked import SPECTRUM, MaskedAutoencoder, log_spectra
from wfm_core.model.masking import random_masks
from wfm_core.train.augment import augment
from wfm_core.train.checkpoints import ARCHITECTURE_KEY, architecture
from wfm_core.train.optimizers import warmup_cosine, weight_groups

HELD_OUT_SEED = 1
"""Added to the seed for the masks and views of held-out windows, which stay the same through the run."""


HELD_OUT_LOSS, HELD_OUT_MEAN = "val_loss_", "val_mean_"
"""Names of held-out figures: the loss of a target, and what predicting the mean (or guessing) would give."""


class _Pretraining(lightning.LightningModule):
    """Logs a loss per modality and their sum, which is minimised: one backward pass sums the gradients."""

    def __init__(self, config: Pretraining):
        super().__init__()
        self.config = config
        self._earlier, self._started = 0.0, time.monotonic()

    @property
    def seconds(self) -> float:
        """Time spent on this run, in all its starts."""
        return self._earlier + time.monotonic() - self._started

    def on_save_checkpoint(self, checkpoint):
        checkpoint[ARCHITECTURE_KEY] = architecture(self.config)
        checkpoint["wfm_seconds"] = self.seconds

    def on_load_checkpoint(self, checkpoint):
        self._earlier = checkpoint["wfm_seconds"]

    def losses(self, windows: dict[str, Tensor], index: Tensor, seed: int) -> dict[str, Tensor]:
        """The loss of each target for windows numbered `index` (int64 [B])."""
        raise NotImplementedError

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """What is minimised."""
        return sum(losses.values())

    def training_step(self, batch, _):
        losses = self.losses(*batch, self.config.seed)
        total = self.total(losses)
        self.log("train_loss", total)
        self.log_dict({f"train_loss_{name}": loss for name, loss in losses.items()}, prog_bar=True)
        return total

    def on_validation_epoch_start(self):
        self._held_out: list[dict[str, Tensor]] = []

    def validation_step(self, batch, _):
        self._held_out.append(self.held_out_figures(*batch))

    def on_validation_epoch_end(self):
        figures = {name: torch.stack([part[name] for part in self._held_out]).mean() for name in self._held_out[0]}
        losses = {k.removeprefix(HELD_OUT_LOSS): v for k, v in figures.items() if k.startswith(HELD_OUT_LOSS)}
        figures["val_loss"] = self.total(losses)
        self.log_dict(figures, prog_bar=True, sync_dist=True)

    def held_out_figures(self, windows: dict[str, Tensor], index: Tensor) -> dict[str, Tensor]:
        losses = self.losses(windows, index, self.config.seed + HELD_OUT_SEED)
        return {HELD_OUT_LOSS + name: loss for name, loss in losses.items()}

    def configure_optimizers(self):
        groups = weight_groups(self, self.config.weight_decay)
        kind = torch.optim.AdamW if self.config.weight_decay else torch.optim.Adam
        optimizer = kind(groups, self.config.learning_rate, betas=self.config.betas)
        warmup = self.config.warmup_epochs * self.config.steps_per_epoch
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, warmup_cosine(warmup, self.config.steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class MaskedPretraining(_Pretraining):
    """Masked autoencoding of each modality in turn; beside each held-out loss stands that of predicting the mean.

    The mean is that of the first training windows: of each pixel of an image, of each value of an IQ token.
    """

    def __init__(self, config: Pretraining, description: dict):
        super().__init__(config)
        self.autoencoder = build_autoencoder(config, description)
        for name in self._targets(config):
            self.register_buffer(f"mean_{name}", torch.zeros(()))

    @staticmethod
    def _targets(config: Pretraining) -> list[str]:
        return [*config.modalities, *([SPECTRUM] if config.spectrum_weight and "iq" in config.modalities else [])]

    @property
    def model(self):
        return self.autoencoder.model

    def total(self, losses):
        weights = {SPECTRUM: self.config.spectrum_weight}
        return sum(weights.get(name, 1.0) * loss for name, loss in losses.items())

    @torch.no_grad()
    def measure_mean(self, modality: str, batches: list[Tensor]) -> None:
        targets = torch.cat([self.autoencoder.targets(modality, windows) for windows in batches])
        # the places of an image differ, those of IQ do not: any window may begin at any time
        setattr(self, f"mean_{modality}", targets.mean(0) if modality == "image" else targets.mean((0, 1)))
        if modality == "iq" and self.autoencoder.spectrum is not None:
            values = torch.cat([self.model.iq.values(windows) for windows in batches])
            setattr(self, f"mean_{SPECTRUM}", log_spectra(values).mean((0, 1)))

    def masks(self, modality: str, windows: Tensor, index: Tensor, seed: int) -> Tensor:
        """Masks bool [B, N] on the CPU: a function of the windows' numbers and the seed."""
        tokens = self.autoencoder.tokens(modality, windows)
        # the two modalities of one step have the same numbers, and must not have the same masks
        return random_masks(index.cpu(), tokens, self.config.mask_ratio[modality], 2 * seed + (modality == "iq"))

    def losses(self, windows, index, seed):
        losses = {}
        for modality, x in windows.items():
            losses |= self.autoencoder.losses(modality, x, self.masks(modality, x, index, seed))
        return losses

    def held_out_figures(self, windows, index):
        figures = super().held_out_figures(windows, index)
        for modality, x in windows.items():
            mask = self.masks(modality, x, index, self.config.seed + HELD_OUT_SEED).to(x.device)
            error = self.autoencoder.targets(modality, x) - getattr(self, f"mean_{modality}")
            figures[HELD_OUT_MEAN + modality] = error[mask].square().mean()
            if modality == "iq" and self.autoencoder.spectrum is not None:
                error = log_spectra(self.model.iq.values(x)) - getattr(self, f"mean_{SPECTRUM}")
                figures[HELD_OUT_MEAN + SPECTRUM] = error[mask].square().mean()
        return figures

    def on_load_checkpoint(self, checkpoint):
        super().on_load_checkpoint(checkpoint)
        for name in self._targets(self.config):
            setattr(self, f"mean_{name}", torch.zeros_like(checkpoint["state_dict"][f"mean_{name}"]))


class ContrastivePretraining(_Pretraining):
    """NT-Xent between two augmented views of each IQ window; beside the held-out loss stands that of guessing."""

    def __init__(self, config: Pretraining, description: dict):
        super().__init__(config)
        self.contrastive = ContrastiveModel(
            build_model(description), config.contrastive.projection, config.contrastive.temperature
        )

    @property
    def model(self):
        return self.contrastive.model

    def losses(self, windows, index, seed):
        views = [augment(windows["iq"], index, view, seed) for view in range(2)]
        return {"iq": self.contrastive(*views)}

    def held_out_figures(self, windows, index):
        guess = torch.tensor(math.log(2 * len(index) - 1))
        return super().held_out_figures(windows, index) | {HELD_OUT_MEAN + "iq": guess.to(self.device)}


def build_autoencoder(config: Pretraining, description: dict) -> MaskedAutoencoder:
    """The masked autoencoder of a configuration, fresh weights."""
    return MaskedAutoencoder(
        build_model(description),
        EncoderConfig(**config.decoder.model_dump()),
        antenna_vectors=config.decoder_antennas,
        normalise_targets=config.normalise_targets,
        spectrum_weight=config.spectrum_weight,
    )
