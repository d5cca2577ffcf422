# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of `file_mutator` that are a training run's folder, which `--resume` and reports read again."""

import random
from collections.abc import Callable
from pathlib import Path

import torch
import yaml
from pretrain_recipe import fresh_training, measured_mixtures, tiny_config

from wfm_core.configs.pretraining import load_pretraining
from wfm_core.train.checkpoints import FOLDER, LAST
from wfm_core.train.pretrain.results import load_autoencoder

Damage = Callable[[bytes, random.Random], bytes]


class Run:
    """The checkpoint of a run is damaged. `damages`: how archives are, and texts."""

    def __init__(self, folder: Path, damages: tuple[Damage, Damage]):
        config = tiny_config(folder)
        mixtures = measured_mixtures(config)
        settings = {"sample_rate": {"min": 0.25e6, "max": 61.44e6}}
        settings |= {modality: mixture.settings for modality, mixture in mixtures.items()}
        training = fresh_training(config, settings)
        state = {"state_dict": training.state_dict(), config.CHECKPOINT_KEY: config.fixed_settings(), "global_step": 3}
        (folder / FOLDER).mkdir()
        torch.save(state, folder / FOLDER / LAST)
        for name, content in (("config", config.model_dump(mode="json")), ("statistics", settings)):
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        self.run, self.path, self.damage = folder, folder / FOLDER / LAST, damages[0]
        self.good = self.path.read_bytes()

    def read(self) -> None:
        load_autoencoder(self.run, load_pretraining(str(self.run / "config.yaml")))


class RunConfig(Run):
    """And its configuration, which a person may have changed."""

    def __init__(self, folder: Path, damages: tuple[Damage, Damage]):
        super().__init__(folder, damages)
        self.path, self.damage = folder / "config.yaml", damages[1]
        self.good = self.path.read_bytes()


class RunStatistics(Run):
    def __init__(self, folder: Path, damages: tuple[Damage, Damage]):
        super().__init__(folder, damages)
        self.path, self.damage = folder / "statistics.yaml", damages[1]
        self.good = self.path.read_bytes()


RUN_KINDS = (Run, RunConfig, RunStatistics)
