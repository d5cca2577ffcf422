# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop of `wfm-finetune`: Lightning with checkpoints by time, CSV logs and a progress bar."""

from datetime import timedelta
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader

from wfm_core.base.errors import WfmError
from wfm_core.base.precision import bf16_is_faster
from wfm_core.train.checkpoints import WholeCheckpoints, clear_run_folder, open_checkpoint
from wfm_core.train.data import SceneBatches
from wfm_core.train.finetune import InterferenceTraining
from wfm_core.train.run_folder import write_model


def train(config: dict, out: Path, checkpoint: Path | None, command: str) -> dict:
    """Train until `config['steps']`, then calibrate and write the model into `out`; returns the figures."""
    clear_run_folder(out)
    torch.set_num_threads(config["threads"])
    lightning.seed_everything(config["seed"])
    training = InterferenceTraining(config)
    first = _steps_done(checkpoint)
    trainer = lightning.Trainer(
        default_root_dir=out,
        max_steps=config["steps"],
        precision="bf16-mixed" if bf16_is_faster() else "32-true",
        gradient_clip_val=config["gradient_clip"],
        val_check_interval=config["validate_every"],
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        plugins=[WholeCheckpoints()],  # Lightning's own leave half a file in /tmp, and copy it from there
        # a folder for each start: the logger empties the one it is given
        logger=CSVLogger(out, name="logs", version=f"from_step_{first}"),
        callbacks=[
            ModelCheckpoint(
                out / "checkpoints",
                save_last=True,
                save_top_k=0,
                train_time_interval=timedelta(minutes=config["checkpoint_minutes"]),
            ),
            TQDMProgressBar(refresh_rate=20),
            LearningRateMonitor("step"),
        ],
    )
    batches = SceneBatches(config, first_batch=first)
    workers = config["workers"]
    loader = DataLoader(batches, batch_size=None, num_workers=workers, prefetch_factor=8 if workers else None)
    trainer.fit(training, loader, ckpt_path=checkpoint)
    trainer.save_checkpoint(out / "checkpoints" / "last.ckpt")
    logits, label = _validation_logits(training)
    return write_model(
        out, config, training, logits, label, {"command": f"wfm-finetune {command}", "data": "synthetic"}
    )


def _steps_done(checkpoint: Path | None) -> int:
    if checkpoint is None:
        return 0
    done = open_checkpoint(checkpoint).get("global_step")
    if not isinstance(done, int):
        raise WfmError(f"{checkpoint} is no checkpoint of a run (no global_step); restore it, or start another run")
    return done


@torch.inference_mode()
def _validation_logits(training: InterferenceTraining) -> tuple[torch.Tensor, torch.Tensor]:
    training.average.eval()
    parts = [
        (training.logits(training.average.module, training.preprocess(windows.iq)), windows.label)
        for windows in training.val_dataloader()
    ]
    logits, label = (torch.cat(part) for part in zip(*parts, strict=True))
    return logits, label
