# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled windows, of classes or of what is measured (positions, angles), or with a label for each pixel: supervised
fine-tuning."""

from collections.abc import Iterable

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from wfm_core.base.quantities import ESTIMATE, QUANTITIES
from wfm_core.configs.finetuning import Finetuning, Scenes
from wfm_core.data.dataset import Dataset
from wfm_core.evaluate.dense import intersections, mean_iou, nmse_db, relative_errors
from wfm_core.evaluate.metrics import confusion_matrix, interference_accuracies, mean_class_accuracy, quantity_errors
from wfm_core.model import WirelessModel, pool
from wfm_core.synth.scenes.interference import LABELS
from wfm_core.train.optimizers import layer_groups, warm_up_and_cosine


class Scene:
    """What is measured, such as positions in metres, to targets, which span -1 to 1 over the scene, and back; a flat
    axis has target 0. `unit` is that of figures."""

    def __init__(self, low, high, unit: str = "m"):
        self.unit = unit
        self.low, self.high = [torch.as_tensor(corner, dtype=torch.float32) for corner in (low, high)]
        self.middle, self.half = (self.low + self.high) / 2, (self.high - self.low) / 2

    def targets(self, measured: Tensor) -> Tensor:
        return torch.where(self.half > 0, (measured - self.middle) / self.half.clamp(min=1e-9), 0.0)

    def measured(self, targets: Tensor) -> Tensor:
        return targets * self.half + self.middle


def scene_of(dataset: Dataset, train: np.ndarray) -> Scene | None:
    """The scene that the set states, else the box around its training labels; None for classes and grids."""
    if dataset.labels or dataset.dense:
        return None
    label = dataset.label[train]
    corners = dataset.scene or {"low": label.min(0), "high": label.max(0)}
    return Scene(corners["low"], corners["high"], QUANTITIES[dataset.quantity].unit)


class LabelledTraining(lightning.LightningModule):
    """Cross-entropy over classes, or mean squared error of what is measured, scaled to the `scene`; of a `dense` task
    over all pixels, where an estimate is what the network adds to the planes of its images.

    `model` is one that a regime was applied to. `weights` [K] are those of the classes in the loss, `labels` their
    names. `steps_per_epoch` counts optimizer steps. Where the configuration has an `average_decay`, an exponential
    moving average of the weights is what is evaluated and kept.
    """

    def __init__(
        self,
        config: Finetuning | Scenes,
        model: WirelessModel,
        modality: str,
        steps_per_epoch: int,
        scene: Scene | None = None,
        weights: Tensor | None = None,
        labels: tuple[str, ...] = (),
        dense: str = "",
    ):
        super().__init__()
        self.dense = dense
        self.config, self.model, self.modality = config, model, modality
        self.steps_per_epoch, self.scene, self.weights, self.labels = steps_per_epoch, scene, weights, labels
        decay = config.average_decay
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay)) if decay else None

    def forward(self, x: Tensor) -> Tensor:
        """Prepared windows -> logits [B, K] or scaled numbers [B, values], float32; of a dense task [B, K, H, W]."""
        return self._both(self.model, x)[0]

    @property
    def kept(self) -> WirelessModel:
        """The network that is evaluated, and kept in the end."""
        return self.model if self.average is None else self.average.module

    def _both(self, model: WirelessModel, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.dense:
            tokens = model.encode_image(x)
            outputs = model.heads[self.config.task](tokens).float()
            if self.dense == ESTIMATE:
                outputs = outputs + x[:, :, : outputs.size(2), : outputs.size(3)]
            return outputs, pool(tokens, "mean").float()
        embed = model.embed_image if self.modality == "image" else model.embed_iq
        embedding = embed(x, self.config.pooling)
        return model.heads[self.config.task](embedding).float(), embedding.float()

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        if self.scene is not None or self.dense == ESTIMATE:
            return functional.mse_loss(outputs, target)
        target = target.long()  # of pixels they are bytes
        weights = None if self.weights is None else self.weights.to(outputs)
        return functional.cross_entropy(outputs, target, weights, label_smoothing=self.config.label_smoothing)

    def training_step(self, batch, _):
        x, target = batch
        outputs = self(x)
        loss = self.loss(outputs, target)
        self.log("loss", loss, prog_bar=True)
        if self.scene is None and self.dense != ESTIMATE:
            self.log("accuracy", (outputs.argmax(1) == target).float().mean(), prog_bar=True)
        return loss

    def on_train_batch_end(self, *_):
        if self.average is not None:
            self.average.update_parameters(self.model)

    def on_validation_epoch_start(self):
        self._seen = []

    def validation_step(self, batch, _):
        x, target = batch
        self._seen.append((self._both(self.kept, x)[0].cpu(), target.cpu()))

    def on_validation_epoch_end(self):
        outputs, target = (torch.cat(parts) for parts in zip(*self._seen, strict=True))
        if self.dense == ESTIMATE:
            figures = {"val_nmse_db": nmse_db(relative_errors(outputs.numpy(), target.numpy()))}
        elif self.dense:
            confusion = intersections(outputs.argmax(1).numpy(), target.numpy(), outputs.size(1)).sum(0)
            figures = {"val_mean_iou": mean_iou(confusion)}
        elif self.scene is None:
            confusion = confusion_matrix(outputs.argmax(1), target, outputs.size(1))
            figures = {"val_mean_class_accuracy": mean_class_accuracy(confusion)}
            if self.labels == LABELS:
                accuracies = interference_accuracies(outputs.softmax(1), target)
                figures |= {f"val_{name}": value for name, value in accuracies.items()}
        else:
            errors = quantity_errors(self.scene.measured(outputs), self.scene.measured(target))
            figures = {f"val_mean_{self.scene.unit}": float(errors.mean())}
        figures["val_loss"] = float(self.loss(outputs, target))
        self.log_dict(figures, prog_bar=True)

    def configure_optimizers(self):
        config = self.config
        decay = 1.0 if config.regime == "scratch" else config.layer_decay
        groups = layer_groups(self.model, config.learning_rate, decay, config.weight_decay)
        optimizer = torch.optim.AdamW(groups, config.learning_rate)
        warmup = round(config.warmup_epochs * self.steps_per_epoch)
        floor = min(1.0, config.least_learning_rate / config.learning_rate)
        scheduler = warm_up_and_cosine(optimizer, warmup, config.epochs * self.steps_per_epoch, floor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint):
        checkpoint[self.config.CHECKPOINT_KEY] = self.config.fixed_settings()


@torch.inference_mode()
def predict(training: LabelledTraining, batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Outputs, logits float32 [n, K] or what is measured [n, values], and embeddings [n, D] of all windows; nothing
    in bf16.

    The batches are (windows, targets), of which the targets are not looked at.
    """
    training.eval()
    parts = [training._both(training.kept, windows.to(training.device)) for windows, _ in batches]
    outputs, embeddings = (torch.cat(part).cpu() for part in zip(*parts, strict=True))
    return (outputs if training.scene is None else training.scene.measured(outputs)), embeddings


def class_weights(label: np.ndarray, classes: int) -> Tensor:
    """float32 [K]: so that every class has the same say in the loss, 1 in the mean over windows."""
    counts = np.bincount(label, minlength=classes)
    return torch.from_numpy(len(label) / (np.count_nonzero(counts) * np.maximum(counts, 1))).float()
