# SPDX-License-Identifier: GPL-3.0-or-later
"""A fine-tuning run on a labelled data set: Lightning's loop, in a folder that can be resumed.

The folder holds config.yaml, split.json, logs/, checkpoints/, and at the end the model (weights.safetensors and
contract.yaml, see wfm-export), figures.json and its pictures.
"""

import os
import time
from datetime import timedelta
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader

from wfm_core.base.errors import WfmError
from wfm_core.base.precision import bf16_is_faster
from wfm_core.bundle.foundation import load_foundation
from wfm_core.configs.finetuning import Finetuning
from wfm_core.data.dataset import Dataset, open_dataset
from wfm_core.train.batches import ReadyBatches
from wfm_core.train.checkpoints import LAST, WholeCheckpoints, clear_run_folder
from wfm_core.train.finetune.data import (
    Batches,
    Sides,
    batches_per_epoch,
    make_sides,
    prepare,
    require_same,
    save_sides,
)
from wfm_core.train.finetune.results import write_results
from wfm_core.train.finetune.starting import choose_feed, start_model
from wfm_core.train.objectives.labelled import (
    LabelledTraining,
    Scene,
    class_weights,
    scene_of,
)
from wfm_core.train.regimes import apply_regime

_CHECKED = 64  # windows of a validation batch


class _Progress(TQDMProgressBar):
    """A bar over the whole run: batches come without an end, so Lightning knows of no length."""

    def __init__(self, batches: int, first: int):
        super().__init__(refresh_rate=5)
        self.batches, self.first = batches, first

    def on_train_start(self, trainer, *arguments):
        super().on_train_start(trainer, *arguments)
        self.train_progress_bar.total, self.train_progress_bar.initial = self.batches, self.first


class _BetweenSteps(ModelCheckpoint):
    """Never writes in the middle of a step: the gradients that were summed up so far are in no checkpoint."""

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            super().on_train_batch_end(trainer, module, outputs, batch, batch_idx)


def finetune(config: Finetuning, out: Path, checkpoint: dict | None, command: str) -> dict:
    """Train in the existing folder `out`, or go on from its last `checkpoint`; returns the figures.

    Raises `WfmError`.
    """
    started = time.monotonic()
    clear_run_folder(out)
    torch.set_num_threads(config.threads or os.cpu_count())
    lightning.seed_everything(config.seed, verbose=False)
    dataset = open_dataset(config.data)
    _check_classes(dataset)
    foundation = load_foundation(config.init)
    feed = choose_feed(foundation, dataset, config)
    sides = make_sides(dataset, config)
    if checkpoint:
        require_same(out, sides)
    save_sides(out, sides)
    print(f"split {sides.description}", flush=True)
    model = start_model(foundation, feed, dataset, config)
    apply_regime(
        model,
        config.regime,
        config.blocks,
        config.lora_rank,
        config.lora_alpha,
        config.lora_scale,
        config.lora_targets,
        config.freeze_inputs,
    )
    windows = prepare(dataset, feed, out)
    per_epoch = batches_per_epoch(len(sides.train), config)
    scene = scene_of(dataset, sides.train)
    weights = class_weights(dataset.label[sides.train], len(dataset.labels)) if config.class_weights else None
    training = LabelledTraining(
        config, model, feed.modality, per_epoch // config.accumulate, scene, None if scene else weights
    )
    _fit(training, windows, _targets(dataset, scene), sides, out, checkpoint, per_epoch)
    return write_results(out, dataset, foundation, feed, sides, training, windows, command, started)


def _check_classes(dataset: Dataset) -> None:
    if len(dataset.labels) == 1:
        raise WfmError(f"{dataset.path} has one class ({dataset.labels[0]}); two or more are expected: add another")


def _targets(dataset: Dataset, scene: Scene | None) -> Tensor:
    label = torch.from_numpy(dataset.label)
    return label if scene is None else scene.targets(label)


def _fit(
    training: LabelledTraining,
    windows: Tensor,
    targets: Tensor,
    sides: Sides,
    out: Path,
    checkpoint: dict | None,
    per_epoch: int,
) -> None:
    config = training.config
    first = checkpoint["global_step"] * config.accumulate if checkpoint else 0
    trainer = _trainer(config, out, first, per_epoch, bool(len(sides.validation)))
    parts = torch.from_numpy(sides.validation).split(_CHECKED)
    validation = ReadyBatches([(windows[part], targets[part]) for part in parts if len(part)])
    trainer.fit(
        training,
        DataLoader(Batches(windows, targets, sides.train, config, first), batch_size=None),
        DataLoader(validation, batch_size=None),
        ckpt_path=out / "checkpoints" / LAST if checkpoint else None,
        weights_only=True,
    )
    trainer.save_checkpoint(out / "checkpoints" / LAST, weights_only=False)


def _trainer(config: Finetuning, out: Path, first: int, per_epoch: int, validates: bool) -> lightning.Trainer:
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    precision = config.precision
    if precision == "auto":
        precision = "bf16-mixed" if bf16_is_faster(accelerator) else "32-true"
    interval = timedelta(minutes=config.checkpoint_minutes)
    return lightning.Trainer(
        default_root_dir=out,
        accelerator=accelerator,
        devices=1,
        max_steps=config.epochs * per_epoch // config.accumulate,
        accumulate_grad_batches=config.accumulate,
        precision=precision,
        gradient_clip_val=config.gradient_clip,
        val_check_interval=config.validate_every * per_epoch,
        check_val_every_n_epoch=None,
        limit_val_batches=1.0 if validates else 0,
        num_sanity_val_steps=0,
        log_every_n_steps=max(1, per_epoch // 4),
        plugins=[WholeCheckpoints()],
        # a folder for each start: the logger empties the one it is given
        logger=CSVLogger(out, name="logs", version=f"from_step_{first // config.accumulate}"),
        callbacks=[
            # without the counter: a folder that was moved would get its newer checkpoints under other names
            _BetweenSteps(
                out / "checkpoints",
                save_last=True,
                save_top_k=0,
                train_time_interval=interval,
                enable_version_counter=False,
            ),
            LearningRateMonitor("step"),
            _Progress(config.epochs * per_epoch, first),
        ],
        enable_model_summary=False,
    )
