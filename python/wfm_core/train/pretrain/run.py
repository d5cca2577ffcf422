# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretraining run: sources and an objective for the trainer of `train.runner`.

The folder holds config.yaml, statistics.yaml, versions.yaml, logs/ and tensorboard/, checkpoints/ (last and
best), pictures/, and at the end the foundation itself: weights.safetensors and foundation.yaml.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import lightning
import torch
import yaml
from torch import Tensor
from torch.utils.data import DataLoader

from wfm_core.base.errors import WfmError
from wfm_core.configs.pretraining import Pretraining
from wfm_core.model import WirelessModel
from wfm_core.model.measures import window_measures
from wfm_core.train.checkpoints import read_statistics
from wfm_core.train.objectives.masked import MaskedPretraining
from wfm_core.train.objectives.mixed import build_objective
from wfm_core.train.objectives.pretraining import NotFinite
from wfm_core.train.pretrain.causes import Known, as_batch
from wfm_core.train.pretrain.mixture import Mixture, open_sources, sample_rates
from wfm_core.train.pretrain.results import describe, write_results
from wfm_core.train.pretrain.sets import Batches, WindowSets
from wfm_core.train.pretrain.starting import adopt_statistics, start_from
from wfm_core.train.pretrain.stopped import stopped
from wfm_core.train.pretrain.workers import Workers
from wfm_core.train.runner import begin, make_trainer, steps_done, train

MEAN_WINDOWS = 256
"""Windows whose mean is the baseline of the masked losses."""
MEASURED_WINDOWS = 1024
"""Windows by which what is measured of IQ is scaled."""


def pretrain(config: Pretraining, out: Path, checkpoint: dict | None, command: str) -> dict[str, float]:
    """Train in the folder `out`, or go on from its last `checkpoint`; returns the last weights' held-out figures."""
    begin(config, out)
    first = steps_done(checkpoint)
    trainer = make_trainer(
        config,
        out,
        config.steps,
        first,
        config.validate_every,
        processes=_processes(config),
        deterministic=config.deterministic,
        best="val_loss",
    )
    sets = _sets(config, trainer)
    settings = _use_statistics(sets, out / "statistics.yaml", config, trainer, checkpoint is not None)
    training = build_objective(config, describe(config, settings))
    if checkpoint is None and config.init:
        start_from(config, training)
    if config.compile:
        for block in training.model.encoder.blocks:
            block.compile(dynamic=True)
    held_out = _held_out(config, sets)
    with _workers(config, sets, settings, trainer.world_size):
        if checkpoint is None:
            _fit_measures(training.model, config, sets)
        if checkpoint is None and training.masked is not None:
            _measure_means(training.masked, config, sets)
        batches = Batches(sets, config, first)
        loaders = DataLoader(batches, batch_size=None), DataLoader(held_out, batch_size=None)
        try:
            train(trainer, training, *loaders, resume=checkpoint is not None)
        except NotFinite as stop:
            raise stopped(stop, batches, out) from stop
    if not trainer.is_global_zero:
        return {}
    return write_results(out, config, training, held_out, settings, command)


def _processes(config: Pretraining) -> tuple[int, int]:
    """Processes on a host and hosts: torchrun's where it started us, else the configuration's. Raises `WfmError`."""
    devices, hosts = config.devices, config.hosts
    if "TORCHELASTIC_RUN_ID" in os.environ:
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        hosts = int(os.environ["WORLD_SIZE"]) // devices
    if config.batch % (devices * hosts):
        raise WfmError(f"batch {config.batch} cannot be shared out among {devices * hosts} processes; change batch")
    if devices * hosts > 1 and not config.equal_exposure:
        raise WfmError(
            f"equal_exposure false with {devices * hosts} processes; expected one process, or equal_exposure"
        )
    return devices, hosts


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


def _workers(config: Pretraining, sets: dict[str, WindowSets], settings: dict, world: int) -> AbstractContextManager:
    """Give `sets` the processes that render for them from now on, where the configuration asks for any."""
    if not config.data.workers:
        return nullcontext()
    workers = Workers(config, settings, world)
    for one in sets.values():
        one.workers = workers
    return workers


def _held_out(config: Pretraining, sets: dict[str, WindowSets]) -> list[tuple]:
    """Validation batches as training has them (see `as_batch`)."""
    windows = {modality: one.held_out() for modality, one in sets.items()}
    batches = [dict(zip(windows, parts, strict=True)) for parts in zip(*windows.values(), strict=True)]
    index = torch.arange(len(batches) * config.batch).view(len(batches), -1)
    return [as_batch(*batch) for batch in zip(batches, index, strict=True)]


def _measure_means(training: MaskedPretraining, config: Pretraining, sets: dict[str, WindowSets]) -> None:
    for modality in training.config.modalities:
        training.measure_mean(modality, _first_windows(sets[modality], config, MEAN_WINDOWS))


def _fit_measures(model: WirelessModel, config: Pretraining, sets: dict[str, WindowSets]) -> None:
    """Scale what is measured of IQ windows, unless the foundation that the run goes on from has it scaled."""
    if "iq" in sets and model.iq.measures is not None and not model.iq.measures.is_fitted():
        windows = _first_windows(sets["iq"], config, MEASURED_WINDOWS)
        model.iq.measures.fit(torch.cat([window_measures(x) for x in windows]).to(model.cls_token.device))


def _first_windows(one: WindowSets, config: Pretraining, count: int) -> list[Tensor]:
    """Batches of about so many windows, of the first epoch at most."""
    batches = min(config.steps_per_epoch, -(-count // config.batch))
    windows = [one.batch(step) for step in range(batches)]
    return [x.windows if isinstance(x, Known) else x for x in windows]
