# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretraining run: Lightning's loop around the objective, in a folder that can be resumed.

The folder holds config.yaml, statistics.yaml, versions.yaml, logs/ (CSV and TensorBoard), checkpoints/ (last and
best), pictures/, and at the end the foundation itself: weights.safetensors and foundation.yaml.
"""

import os
from datetime import timedelta
from pathlib import Path

import lightning
import torch
import yaml
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor
from torch.utils.data import DataLoader

from wfm_core.base.errors import WfmError
from wfm_core.base.precision import bf16_is_faster
from wfm_core.configs.pretraining import Pretraining
from wfm_core.train.batches import ReadyBatches
from wfm_core.train.checkpoints import LAST, WholeCheckpoints, clear_run_folder, read_statistics
from wfm_core.train.objectives.contrastive import ContrastivePretraining
from wfm_core.train.objectives.masked import MaskedPretraining
from wfm_core.train.pretrain.mixture import Mixture, open_sources, sample_rates
from wfm_core.train.pretrain.results import describe, write_results
from wfm_core.train.pretrain.sets import Batches, WindowSets
from wfm_core.train.pretrain.starting import adopt_statistics, start_from

MEAN_WINDOWS = 256
"""Windows whose mean is the baseline of the masked losses."""


class _Progress(TQDMProgressBar):
    """Lightning skips the start of an epoch that it resumes within, and with it the bar's length: no time left."""

    def on_train_start(self, trainer, *arguments):
        super().on_train_start(trainer, *arguments)
        self.train_progress_bar.total = trainer.max_steps
        self.train_progress_bar.initial = trainer.global_step


def pretrain(config: Pretraining, out: Path, checkpoint: dict | None, command: str) -> dict[str, float]:
    """Train in the folder `out`, or go on from its last `checkpoint`; returns the last weights' held-out figures."""
    clear_run_folder(out)
    torch.set_num_threads(config.threads or os.cpu_count())
    lightning.seed_everything(config.seed, verbose=False)
    first = checkpoint["global_step"] if checkpoint else 0
    trainer = _trainer(config, out, first)
    sets = _sets(config, trainer)
    settings = _use_statistics(sets, out / "statistics.yaml", config, trainer, checkpoint is not None)
    objective = MaskedPretraining if config.objective == "masked" else ContrastivePretraining
    training = objective(config, describe(config, settings))
    if checkpoint is None and config.init:
        start_from(config.init, training, describe(config, settings))
    held_out = _held_out(config, sets)
    if checkpoint is None and config.objective == "masked":
        _measure_means(training, config, sets)
    trainer.fit(
        training,
        DataLoader(Batches(sets, config, first), batch_size=None),
        DataLoader(held_out, batch_size=None),
        ckpt_path=out / "checkpoints" / LAST if checkpoint else None,
        weights_only=True,
    )
    trainer.save_checkpoint(out / "checkpoints" / LAST, weights_only=False)
    if not trainer.is_global_zero:
        return {}
    return write_results(out, config, training, held_out, settings, command)


def _trainer(config: Pretraining, out: Path, first: int) -> lightning.Trainer:
    devices, hosts = _processes(config)
    if config.batch % (devices * hosts):
        raise WfmError(f"batch {config.batch} cannot be shared out among {devices * hosts} processes; change batch")
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    interval, folder = timedelta(minutes=config.checkpoint_minutes), out / "checkpoints"
    return lightning.Trainer(
        default_root_dir=out,
        accelerator=accelerator,
        devices=devices,
        num_nodes=hosts,
        strategy="ddp" if devices * hosts > 1 else "auto",
        max_steps=config.steps,
        precision=_precision(config, accelerator),
        gradient_clip_val=config.gradient_clip,
        # rendering on a GPU uses a few operators that have no deterministic form
        deterministic="warn" if config.deterministic else None,
        val_check_interval=config.validate_every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
        use_distributed_sampler=False,
        plugins=[WholeCheckpoints()],
        # a folder for each start: the logger empties the one it is given
        logger=[
            CSVLogger(out, name="logs", version=f"from_step_{first}"),
            TensorBoardLogger(out, name="tensorboard", version=f"from_step_{first}"),
        ],
        callbacks=[
            # without the counter: a folder that was moved would get its newer checkpoints under other names
            ModelCheckpoint(
                folder, save_last=True, save_top_k=0, train_time_interval=interval, enable_version_counter=False
            ),
            ModelCheckpoint(folder, filename="best", monitor="val_loss", enable_version_counter=False),
            LearningRateMonitor("step"),
            _Progress(refresh_rate=10),
        ],
        enable_model_summary=False,
    )


def _processes(config: Pretraining) -> tuple[int, int]:
    """Processes on a host and hosts: torchrun's where it started us, else the configuration's."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return config.devices, config.hosts
    local = int(os.environ["LOCAL_WORLD_SIZE"])
    return local, int(os.environ["WORLD_SIZE"]) // local


def _precision(config: Pretraining, accelerator: str) -> str:
    if config.precision != "auto":
        return config.precision
    return "bf16-mixed" if bf16_is_faster(accelerator) else "32-true"


def _sets(config: Pretraining, trainer: lightning.Trainer) -> dict[str, WindowSets]:
    shares = open_sources(config)
    sets = {}
    for modality in config.modalities:
        mixture = Mixture(config, modality, shares, trainer.strategy.root_device)
        mixture.check()
        sets[modality] = WindowSets(config, mixture, trainer.global_rank, trainer.world_size)
    return sets


def _use_statistics(
    sets: dict[str, WindowSets], path: Path, config: Pretraining, trainer: lightning.Trainer, resume: bool
) -> dict[str, dict | None]:
    """Measure the data's statistics, or take those that an earlier start of this run has measured."""
    if resume:
        settings = read_statistics(path, config)
    else:
        shares = [share for one in sets.values() for share in one.mixture.shares]
        settings = {"sample_rate": sample_rates(shares)}
        settings |= {modality: one.mixture.measure(config.seed) for modality, one in sets.items()}
        if config.init:
            adopt_statistics(config.init, settings)
        if trainer.is_global_zero:
            path.write_text(yaml.safe_dump(settings, sort_keys=False))
    for modality, one in sets.items():
        one.mixture.use(settings[modality])
    return settings


def _held_out(config: Pretraining, sets: dict[str, WindowSets]) -> ReadyBatches:
    """Validation batches as training has them: windows of each modality, and their numbers."""
    windows = {modality: one.held_out() for modality, one in sets.items()}
    batches = [dict(zip(windows, parts, strict=True)) for parts in zip(*windows.values(), strict=True)]
    index = torch.arange(len(batches) * config.batch).view(len(batches), -1)
    return ReadyBatches(list(zip(batches, index, strict=True)))


def _measure_means(training: MaskedPretraining, config: Pretraining, sets: dict[str, WindowSets]) -> None:
    for modality, one in sets.items():
        batches = min(config.steps_per_epoch, -(-MEAN_WINDOWS // config.batch))
        windows: list[Tensor] = [one.batch(step) for step in range(batches)]
        training.measure_mean(modality, windows)
