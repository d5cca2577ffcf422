# SPDX-License-Identifier: GPL-3.0-or-later
"""The one Lightning trainer, for pretraining and fine-tuning: a run in a folder that can be resumed.

It writes into the folder `logs/from_step_N` (CSV) for each start, and `checkpoints/last.ckpt` by time and at the end.
"""

import os
from datetime import timedelta
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch.utils.data import DataLoader

from wfm_core.base.errors import WfmError
from wfm_core.base.precision import bf16_is_faster
from wfm_core.configs.tables import Run
from wfm_core.train.checkpoints import FOLDER, LAST, WholeCheckpoints, clear_run_folder


class _Progress(TQDMProgressBar):
    """A bar over the batches of the whole run: Lightning's own has no end where the batches have none.

    It skips the start of an epoch that it resumes within, too, and with it the bar's length.
    """

    def __init__(self, batches: int, first: int):
        super().__init__(refresh_rate=10)
        self.batches, self.first = batches, first

    @property
    def total_train_batches(self) -> int:
        return self.batches

    def on_train_start(self, trainer, *arguments):
        super().on_train_start(trainer, *arguments)
        self.train_progress_bar.total, self.train_progress_bar.initial = self.batches, self.first


class _BetweenSteps(ModelCheckpoint):
    """Never writes in the middle of a step: the gradients that were summed up so far are in no checkpoint."""

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            super().on_train_batch_end(trainer, module, outputs, batch, batch_idx)


def begin(config: Run, out: Path) -> None:
    """What comes first in a run in the folder `out`: no leftovers of a killed one, threads, seed."""
    clear_run_folder(out)
    torch.set_num_threads(config.threads or os.cpu_count())
    lightning.seed_everything(config.seed, verbose=False)


def steps_done(checkpoint: dict | None) -> int:
    """Optimizer steps before `checkpoint`, 0 without one. Raises `WfmError` where it does not say."""
    done = 0 if checkpoint is None else checkpoint.get("global_step")
    if not isinstance(done, int):
        raise WfmError("the last checkpoint is of no run (it has no global_step); restore it, or start another run")
    return done


def make_trainer(
    config: Run,
    out: Path,
    steps: int,
    first: int,
    validate_every: int,
    accumulate: int = 1,
    validates: bool = True,
    log_every: int = 10,
    processes: tuple[int, int] = (1, 1),
    deterministic: bool = False,
    best: str | None = None,
) -> lightning.Trainer:
    """The trainer of a run of `steps` optimizer steps, of which `first` are done, in the folder `out`.

    `validate_every` counts batches, of which `accumulate` make a step; `processes` are those on a host, and hosts.
    `best` names a figure that is logged: the checkpoint where it is lowest is kept as best.ckpt, and TensorBoard's logs
    are written too. From `config` come precision, gradient_clip and checkpoint_minutes.
    """
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    devices, hosts = processes
    version = f"from_step_{first}"  # a folder for each start: the logger empties the one it is given
    loggers = [CSVLogger(out, name="logs", version=version)]
    interval = timedelta(minutes=config.checkpoint_minutes)
    # without the counter: a folder that was moved would get its newer checkpoints under other names
    options = {"dirpath": out / FOLDER, "enable_version_counter": False}
    checkpoints = [_BetweenSteps(save_last=True, save_top_k=0, train_time_interval=interval, **options)]
    if best is not None:
        loggers.append(TensorBoardLogger(out, name="tensorboard", version=version))
        checkpoints.append(ModelCheckpoint(filename="best", monitor=best, **options))
    return lightning.Trainer(
        default_root_dir=out,
        accelerator=accelerator,
        devices=devices,
        num_nodes=hosts,
        strategy="ddp" if devices * hosts > 1 else "auto",
        max_steps=steps,
        accumulate_grad_batches=accumulate,
        precision=_precision(config.precision, accelerator),
        gradient_clip_val=config.gradient_clip,
        # rendering on a GPU uses a few operators that have no deterministic form
        deterministic="warn" if deterministic else None,
        val_check_interval=validate_every,
        check_val_every_n_epoch=None,
        limit_val_batches=None if validates else 0,
        num_sanity_val_steps=0,
        log_every_n_steps=log_every,
        use_distributed_sampler=False,
        plugins=[WholeCheckpoints()],  # Lightning's own leave half a file in /tmp, and copy it from there
        logger=loggers,
        callbacks=[*checkpoints, LearningRateMonitor("step"), _Progress(steps * accumulate, first * accumulate)],
        enable_model_summary=False,
    )


def train(
    trainer: lightning.Trainer,
    objective: lightning.LightningModule,
    batches: DataLoader,
    held_out: DataLoader,
    resume: bool,
) -> None:
    """Train to the last step, from the folder's last checkpoint on where the run goes on, and keep a last one."""
    last = Path(trainer.default_root_dir) / FOLDER / LAST
    trainer.fit(objective, batches, held_out, ckpt_path=last if resume else None, weights_only=True)
    trainer.save_checkpoint(last, weights_only=False)


def settled(config: Run) -> Run:
    """With its automatic precision decided: what is measured may come out otherwise when the run goes on."""
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    return config.model_copy(update={"precision": _precision(config.precision, accelerator)})


def _precision(asked: str, accelerator: str) -> str:
    if asked != "auto":
        return asked
    return "bf16-mixed" if bf16_is_faster(accelerator) else "32-true"
