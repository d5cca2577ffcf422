# SPDX-License-Identifier: GPL-3.0-or-later
"""What the objectives of pretraining share: what is logged, the held-out figures, the optimizer, the time spent."""

import time

import lightning
import torch
from torch import Tensor, nn

from wfm_core.configs.pretraining import Pretraining
from wfm_core.train.muon import MuonAndAdamW
from wfm_core.train.optimizers import at_another_rate, warm_up_and_cosine, weight_groups
from wfm_core.train.pcgrad import backward_without_conflict, leave_gradients_alone

HELD_OUT_SEED = 1
"""Added to the seed for the masks and views of held-out windows, which stay the same through the run."""


HELD_OUT_LOSS, HELD_OUT_MEAN, HELD_OUT_SPREAD = "val_loss_", "val_mean_", "val_spread_"
"""Names of held-out figures: the loss of a target, what predicting the mean (or guessing) would give, and how much a
teacher's outputs differ between windows."""
HELD_OUT = (HELD_OUT_LOSS, HELD_OUT_MEAN, HELD_OUT_SPREAD)


_MOST_IN_BAR = 6  # losses that are shown beside the progress bar


class NotFinite(Exception):
    """The loss or the gradient of a step is NaN or infinite; the weights are those of before that step.

    `step`: optimizer steps before it. `losses`: those that are not finite, by target; empty where it is the gradient
    alone. `rows`: for each modality which windows of the batch have such a loss by themselves.
    """

    def __init__(self, step: int, losses: dict[str, float], rows: dict[str, list[int]]):
        super().__init__(f"step {step}: {losses or 'the gradient'}, windows {rows}")
        self.step, self.losses, self.rows = step, losses, rows


class PretrainingObjective(lightning.LightningModule):
    """Logs a loss per modality and their sum, which is minimised: one backward pass sums the gradients."""

    def __init__(self, config: Pretraining):
        super().__init__()
        self.config = config
        self.watched: dict[str, Tensor] = {}
        self.shown: dict[str, Tensor] = {}
        self._earlier, self._started = 0.0, time.monotonic()

    @property
    def seconds(self) -> float:
        """Time spent on this run, in all its starts."""
        return self._earlier + time.monotonic() - self._started

    def on_save_checkpoint(self, checkpoint):
        checkpoint[self.config.CHECKPOINT_KEY] = self.config.fixed_settings()
        checkpoint["wfm_seconds"] = self.seconds

    def on_load_checkpoint(self, checkpoint):
        self._earlier = checkpoint["wfm_seconds"]
        self.fit(checkpoint["state_dict"])

    def fit(self, state: dict[str, Tensor]) -> None:
        """Make room for the `state` of a checkpoint, where shapes depend on the data."""

    @property
    def kept(self) -> nn.Module:
        """The network that the foundation gets its weights from: `model`, or a `teacher` of averaged weights."""
        return self.model

    @property
    def masked(self) -> "PretrainingObjective | None":
        """The masked reconstruction in this objective, which has an `autoencoder`."""
        return None

    def begin(self) -> None:
        """What depends on the weights that `model` was given by another foundation."""

    def follow(self, step: int) -> None:
        """What follows the weights, after the optimizer step number `step`, counted from 1."""

    def losses(
        self, windows: dict[str, Tensor], index: Tensor, seed: int, causes: dict[str, dict[str, Tensor]] | None = None
    ) -> dict[str, Tensor]:
        """The loss of each target for windows numbered `index` (int64 [B]), whose `causes` are given by modality where
        an objective asks for them. What else is to be logged, but not minimised, is left in `watched`, and in `shown`
        for single losses whether there is any in this batch."""
        raise NotImplementedError

    def by_modality(self, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        """The losses of each modality's targets, weighted and summed."""
        return losses

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """What is minimised."""
        return sum(self.by_modality(losses).values())

    @property
    def shared(self) -> list[nn.Parameter]:
        """The encoder's parameters: its blocks, the final norm, the CLS token. They serve all modalities alike."""
        return [self.model.cls_token, *self.model.encoder.parameters()]

    def training_step(self, batch, _):
        windows, index, *causes = batch
        losses = self.losses(windows, index, self.config.seed, *causes)
        total = self.total(losses)
        self._now = batch, losses, total.detach()
        if self.config.pcgrad:
            self._apart = self.by_modality(losses)
        self.log("train_loss", total)
        self.log_dict({f"train_{name}": value for name, value in self.watched.items()})
        shown = {
            name: torch.where(self.shown[name], loss.detach(), torch.nan) if name in self.shown else loss
            for name, loss in losses.items()
        }
        few = len(losses) <= _MOST_IN_BAR
        self.log_dict({f"train_loss_{name}": loss for name, loss in shown.items()}, prog_bar=few)
        return total

    def on_train_start(self):
        if self.config.pcgrad:
            leave_gradients_alone(self.trainer.strategy.model)

    def backward(self, loss, *arguments, **options):
        """With pcgrad a backward pass for each modality, whose encoder gradients do not work against each other."""
        if not self.config.pcgrad:
            super().backward(loss, *arguments, **options)
            return
        backward_without_conflict(list(self._apart.values()), list(self.parameters()), self.shared)
        self._apart = None

    def on_before_optimizer_step(self, optimizer):
        """Raises `NotFinite` before anything of such a step gets into the weights, and so into a checkpoint."""
        batch, losses, total = self._now
        size = torch.nn.utils.get_total_norm([p.grad for p in self.parameters() if p.grad is not None])
        if not torch.isfinite(size + total):
            odd = {name: float(loss.detach()) for name, loss in losses.items() if not torch.isfinite(loss)}
            raise NotFinite(self.trainer.global_step, odd, self._odd_windows(*batch))

    @torch.no_grad()
    def _odd_windows(
        self, windows: dict[str, Tensor], index: Tensor, causes: dict[str, dict[str, Tensor]] | None = None
    ) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = {}
        for modality, x in windows.items():
            for row in range(len(x)):
                twice = [row, row]  # no objective takes a single window to have a loss for certain
                alone = causes and {modality: {name: values[twice] for name, values in causes[modality].items()}}
                losses = self.losses({modality: x[twice]}, index[twice], self.config.seed, alone)
                if not torch.isfinite(self.total(losses)):
                    rows.setdefault(modality, []).append(row)
        return rows

    def optimizer_step(self, *arguments, **options):
        super().optimizer_step(*arguments, **options)
        # here and not when the batch ends: the checkpoint of this step is written before that
        self.follow(self.trainer.global_step)

    def on_validation_epoch_start(self):
        self._held_out: list[dict[str, Tensor]] = []

    def validation_step(self, batch, _):
        self._held_out.append(self.held_out_figures(*batch))

    def on_validation_epoch_end(self):
        figures = mean_figures(self._held_out)
        losses = {k.removeprefix(HELD_OUT_LOSS): v for k, v in figures.items() if k.startswith(HELD_OUT_LOSS)}
        figures["val_loss"] = self.total(losses)
        self.log_dict(figures, prog_bar=len(losses) <= _MOST_IN_BAR, sync_dist=True)

    def held_out_figures(
        self, windows: dict[str, Tensor], index: Tensor, causes: dict[str, dict[str, Tensor]] | None = None
    ) -> dict[str, Tensor]:
        losses = self.losses(windows, index, self.config.seed + HELD_OUT_SEED)
        return {HELD_OUT_LOSS + name: loss for name, loss in losses.items()}

    def configure_optimizers(self):
        groups = weight_groups(self, self.config.weight_decay)
        if self.config.encoder_rate_factor != 1:
            rate = self.config.encoder_rate_factor * self.config.learning_rate
            groups = at_another_rate(groups, self.shared, rate)
        if self.config.optimizer == "muon":
            optimizer = MuonAndAdamW(groups, self.config.learning_rate, self.config.betas, self.shared)
        else:
            kind = torch.optim.AdamW if self.config.weight_decay else torch.optim.Adam
            optimizer = kind(groups, self.config.learning_rate, betas=self.config.betas)
        warmup = self.config.warmup_epochs * self.config.steps_per_epoch
        scheduler = warm_up_and_cosine(optimizer, warmup, self.config.steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def mean_figures(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each figure over the held-out batches that have it."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: torch.stack([part[name] for part in parts if name in part]).mean() for name in names}
