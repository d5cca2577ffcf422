# SPDX-License-Identifier: GPL-3.0-or-later
"""A fine-tuning run: what it learns from, and the labelled objective, for the trainer of `train.runner`.

The folder holds config.yaml, split.json (of a data set), logs/, checkpoints/, and at the end the model
(weights.safetensors and contract.yaml, see wfm-export), figures.json and its pictures.
"""

import time
from pathlib import Path

from wfm_core.configs.finetuning import Finetuning, Scenes
from wfm_core.train.finetune import data, scenes
from wfm_core.train.finetune.results import write_results
from wfm_core.train.objectives.chart import ChartTraining
from wfm_core.train.objectives.labelled import LabelledTraining
from wfm_core.train.runner import begin, make_trainer, steps_done, train


def finetune(config: Finetuning | Scenes, out: Path, checkpoint: dict | None, command: str) -> dict:
    """Train in the existing folder `out`, or go on from its last `checkpoint`; returns the figures.

    Raises `WfmError`.
    """
    started = time.monotonic()
    begin(config, out)
    resume = checkpoint is not None
    material = scenes.gather(config) if isinstance(config, Scenes) else data.gather(config, out, resume)
    print(f"split {material.split}", flush=True)
    of_charts = {} if material.distances is None else {"distances": material.distances}
    training = (ChartTraining if of_charts else LabelledTraining)(
        config,
        material.model,
        material.feed.modality,
        material.per_epoch // config.accumulate,
        material.scene,
        material.weights,
        material.labels,
        material.dense,
        **of_charts,
    )
    first = steps_done(checkpoint)
    trainer = make_trainer(
        config,
        out,
        config.epochs * material.per_epoch // config.accumulate,
        first,
        config.validate_every * material.per_epoch,
        config.accumulate,
        validates=len(material.validation_label) > 0,
        log_every=material.log_every,
    )
    train(trainer, training, material.batches(first * config.accumulate), material.validation, resume)
    return write_results(out, material, training, command, started)
