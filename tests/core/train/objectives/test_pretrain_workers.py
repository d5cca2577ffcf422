# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that render windows beside the training: the same windows, and an end that is named."""

import os
import signal

import pytest
import torch
from pretrain_recipe import CPU, measured_mixtures, tiny_config, tiny_file

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import load_foundation
from wfm_core.cli.pretrain import main
from wfm_core.train.pretrain.causes import Known
from wfm_core.train.pretrain.sets import WindowSets
from wfm_core.train.pretrain.workers import Workers, rendered

ASKED = ["objective=causes", "data.sources=[{kind: synthetic}, {kind: links, modalities: [iq]}]", "data.workers=2"]


def same(ours, theirs):
    assert isinstance(ours, Known) and torch.equal(ours.windows, theirs.windows)
    assert ours.causes.keys() == theirs.causes.keys()
    return all(
        torch.equal(ours.causes[name].nan_to_num(-9), theirs.causes[name].nan_to_num(-9)) for name in ours.causes
    )


def test_they_give_the_windows_that_the_training_would_make_and_a_dead_one_is_named(tmp_path):
    config = tiny_config(tmp_path, *ASKED, "data.passes={image: 2, iq: 1}")
    mixtures = measured_mixtures(config)
    settings = {modality: mixture.settings for modality, mixture in mixtures.items()}
    with Workers(config, settings) as workers:
        for modality, mixture in mixtures.items():
            plain, fed = WindowSets(config, mixture), WindowSets(config, mixture)
            fed.workers = workers
            for step in range(config.steps):
                assert same(fed.batch(step), plain.batch(step)), (modality, step)
        for process in list(workers._pool._processes.values()):
            os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(WfmError, match="a process that renders windows has ended.*fewer data.workers"):
            rendered(workers.submit("iq", 0, 0, 8, 0), CPU)


def test_a_run_with_workers_ends_with_a_foundation(tmp_path):
    recipe = ["--config", str(tiny_file(tmp_path)), "--out", str(tmp_path / "run")]
    assert main([*recipe, *ASKED, "objective={masked: 1, causes: 1}", "epochs=4"]) == 0
    assert (tmp_path / "run" / "weights.safetensors").exists()


@pytest.mark.slow
def test_compiled_blocks_learn_as_plain_ones(tmp_path):
    """With rounding of their own."""
    losses = []
    for name, more in (("plain", []), ("compiled", ["compile=true"])):
        recipe = ["--config", str(tiny_file(tmp_path)), "--out", str(tmp_path / name)]
        assert main([*recipe, "precision=32-true", *more]) == 0
        weights = torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        losses.append(weights)
    assert losses[0].keys() == losses[1].keys()
    assert all(torch.allclose(losses[0][key], losses[1][key], atol=1e-3) for key in losses[0])


@pytest.mark.slow
def test_the_recipe_for_a_gpu_runs_where_there_is_none(tmp_path):
    """All of it but its size, its number format and compiled blocks."""
    small = ["encoder={width: 32, depth: 1, heads: 2, mlp_hidden: 64}", "batch=16", "data.windows=240", "epochs=4"]
    small += [
        "data.held_out=16",
        "data.workers=1",
        "warmup_epochs=1",
        "compile=false",
        "precision=32-true",
        "threads=1",
    ]
    assert main(["--config", "pretrain_gpu.yaml", "--out", str(tmp_path / "run"), *small, "threads=1"]) == 0
    modalities = load_foundation(tmp_path / "run").description["modalities"]
    assert modalities["iq"]["measures"] and modalities["image"]["per_channel"]
