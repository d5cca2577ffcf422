# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretraining configuration that is small enough for tests."""

import torch

from wfm_core.configs.pretraining import Pretraining, load_pretraining
from wfm_core.train.objectives.masked import MaskedPretraining
from wfm_core.train.pretrain.mixture import Mixture, open_sources
from wfm_core.train.pretrain.results import describe

TINY = """
base: pretrain_smoke.yaml
name: tiny
encoder: {width: 32, depth: 2, heads: 2, mlp_hidden: 64}
decoder: {width: 32, depth: 1, heads: 2, mlp_hidden: 64}
predictive: {predictor: {width: 16, depth: 1, heads: 2, mlp_hidden: 32}}
image: {samples: 1024, fft_size: 64, hop: 64, size: [32, 32]}
iq: {tokens: 16, antennas: [1, 2]}
data: {windows: 16, passes: 2, held_out: 16}
epochs: 6
warmup_epochs: 1
batch: 8
threads: 1
validate_every: 4
"""
CPU = torch.device("cpu")


def tiny_file(folder, text: str = ""):
    """The configuration as a file in `folder`; `text` is YAML that is laid over it."""
    path = folder / "tiny.yaml"
    path.write_text(TINY)
    if not text:
        return path
    over = folder / "over.yaml"
    over.write_text(f"base: {path}\n{text}\n")
    return over


def tiny_config(folder, *overrides: str) -> Pretraining:
    return load_pretraining(str(tiny_file(folder)), list(overrides))


def measured_mixtures(config: Pretraining) -> dict[str, Mixture]:
    """The mixture of each modality with its statistics measured."""
    mixtures = {}
    for modality in config.modalities:
        mixture = mixtures[modality] = Mixture(config, modality, open_sources(config), CPU)
        mixture.use(mixture.measure(config.seed))
    return mixtures


def fresh_training(config: Pretraining, settings: dict[str, dict], kind=MaskedPretraining):
    """A training module whose weights are a function of the configuration's seed."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        return kind(config, describe(config, settings))
