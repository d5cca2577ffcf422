# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervised training of interference on endless synthetic scenes, as one Lightning module."""

import lightning
import torch
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from wfm_core.evaluate.metrics import interference_accuracies
from wfm_core.model import ClassHead, EncoderConfig, ImageTokens, IqTokens, WirelessModel
from wfm_core.signal import build_preprocessor
from wfm_core.synth.scenes.interference import LABELS
from wfm_core.train.batches import ReadyBatches
from wfm_core.train.data import validation_windows
from wfm_core.train.optimizers import warm_up_and_cosine, weight_groups


def build_model(config: dict, task: str, classes: int) -> WirelessModel:
    """The network of a configuration: one modality, one classification head named after the task."""
    encoder = EncoderConfig(**config["encoder"])
    heads = {task: ClassHead(encoder.width, classes)}
    if config["modality"] == "image":
        image = ImageTokens(encoder.width, config["image"]["channels"], size=tuple(config["image"]["size"]))
        return WirelessModel(encoder, image=image, heads=heads)
    return WirelessModel(encoder, iq=IqTokens(encoder.width, config["window"]["antennas"]), heads=heads)


class InterferenceTraining(lightning.LightningModule):
    """Cross-entropy over the three interference classes; keeps a moving average of the weights."""

    task = "interference"

    def __init__(self, config: dict):
        super().__init__()
        self.config = config
        self.model = build_model(config, self.task, len(LABELS))
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(config["average_decay"]))
        self.preprocess = build_preprocessor(config["signal"])

    def logits(self, model: WirelessModel, x: torch.Tensor) -> torch.Tensor:
        embed = model.embed_image if self.config["modality"] == "image" else model.embed_iq
        return model.heads[self.task](embed(x, self.config["pooling"])).float()

    def training_step(self, batch, _):
        x, label = batch
        logits = self.logits(self.model, x)
        loss = functional.cross_entropy(logits, label)
        self.log("loss", loss, prog_bar=True)
        self.log("accuracy", (logits.argmax(1) == label).float().mean(), prog_bar=True)
        return loss

    def on_train_batch_end(self, *_):
        self.average.update_parameters(self.model)

    def validation_step(self, windows, _):
        logits = self.logits(self.average.module, self.preprocess(windows.iq))
        return self._outputs.append((logits, windows.label))

    def on_validation_epoch_start(self):
        self._outputs = []

    def on_validation_epoch_end(self):
        logits, label = (torch.cat(parts) for parts in zip(*self._outputs, strict=True))
        figures = interference_accuracies(logits.softmax(1), label)
        figures["loss"] = functional.cross_entropy(logits, label)
        self.log_dict({f"val_{name}": float(value) for name, value in figures.items()}, prog_bar=True)

    def val_dataloader(self):
        return ReadyBatches(validation_windows(self.config))

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(
            weight_groups(self.model, self.config["weight_decay"]), self.config["learning_rate"]
        )
        scheduler = warm_up_and_cosine(optimizer, self.config["warmup_steps"], self.config["steps"], floor=0.01)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
