# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretraining step: both modalities in one, two processes as one, and the contrastive objective."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pretrain_recipe import fresh_training, measured_mixtures, tiny_config

from wfm_core.model.masking import random_masks
from wfm_core.train.objectives.contrastive import ContrastivePretraining
from wfm_core.train.pretrain.sets import Batches, WindowSets


@pytest.fixture
def step(tmp_path):
    """A training module, and the windows and numbers of a step."""
    config = tiny_config(tmp_path)
    mixtures = measured_mixtures(config)
    training = fresh_training(config, {name: mixture.settings for name, mixture in mixtures.items()})
    sets = {name: WindowSets(config, mixture) for name, mixture in mixtures.items()}
    # the second batch: windows of two antennas
    return training, next(iter(Batches(sets, config, first=1)))


def gradients(training):
    return {name: p.grad.clone() for name, p in training.named_parameters() if p.grad is not None}


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_the_step_s_gradient_is_the_sum_of_two_backward_passes(step):
    training, batch = step
    training.training_step(batch, 0).backward()
    together = gradients(training)
    assert set(together) == {name for name, _ in training.named_parameters()}
    apart = []
    windows, index = batch
    for modality, x in windows.items():
        training.zero_grad()
        mask = training.masks(modality, x, index, training.config.seed)
        training.autoencoder(modality, x, mask).backward()
        apart.append(gradients(training))
    for name, gradient in together.items():
        expected = sum(one[name] for one in apart if name in one)
        assert (gradient - expected).norm() <= 1e-5 * expected.norm(), name
    # encoder and decoder serve both
    for shared in ("autoencoder.mask_token", "autoencoder.model.cls_token"):
        assert all(one[shared].norm() > 0 for one in apart)


def test_masks_differ_by_modality_and_follow_the_windows_numbers(step):
    training, (windows, index) = step
    masks = training.masks("iq", windows["iq"], index, 1)
    assert torch.equal(masks[3:5], training.masks("iq", windows["iq"], index[3:5], 1))
    assert not torch.equal(masks, training.masks("iq", windows["iq"], index + 8, 1))
    long_image = random_masks(index, 16, 0.7, 2 * 1)
    assert not torch.equal(masks, long_image), "as many tokens, and the same numbers"


@pytest.mark.parametrize("modality", ["image", "iq"])
def test_the_mean_s_figure_is_that_of_predicting_the_mean(step, modality):
    """The mean of each pixel of an image, but of each value of an IQ token wherever it stands."""
    training, (windows, index) = step
    training.measure_mean(modality, [windows[modality]])
    figures = training.held_out_figures(windows, index)
    mask = training.masks(modality, windows[modality], index, training.config.seed + 1)
    total, count = 0.0, 0
    targets = training.autoencoder.targets(modality, windows[modality])
    for window, hidden in zip(targets, mask, strict=True):
        for token in hidden.nonzero().flatten().tolist():
            mean = targets[:, token].mean(0) if modality == "image" else targets.flatten(0, 1).mean(0)
            total += float((window[token] - mean).square().sum())
            count += window.size(1)
    assert float(figures[f"val_mean_{modality}"]) == pytest.approx(total / count, rel=1e-4)


@pytest.mark.parametrize("overrides", [[], ["pcgrad=true"]], ids=["summed", "pcgrad"])
def test_two_processes_and_one_have_the_same_gradients(tmp_path, overrides):
    """One step on the same 32 windows of each modality; the masks go by the windows' numbers."""
    config = tmp_path / "tiny.yaml"
    tiny_config(tmp_path)
    launch = [sys.executable, str(Path(__file__).parent / "pretrain_gradients.py"), str(config)]
    ranks = [
        subprocess.Popen([*launch, str(rank), "2", str(tmp_path), *overrides], stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    alone = subprocess.run(
        [*launch, "0", "1", str(tmp_path), *overrides], stderr=subprocess.PIPE, text=True, timeout=120
    )
    assert alone.returncode == 0, alone.stderr
    for process in ranks:
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint
    one, two = (torch.load(tmp_path / f"gradients-{world}.pt", weights_only=True) for world in (1, 2))
    assert set(one) == set(two)
    for name, expected in one.items():
        assert expected.norm() > 0, name
        assert (two[name] - expected).norm() <= 1e-5 * expected.norm(), name


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_the_contrastive_objective_learns_to_tell_tones_apart(tmp_path):
    config = tiny_config(tmp_path, "objective=contrastive", "modalities=[iq]", "iq.antennas=[1]")
    settings = {"iq": {"signal": {"kind": "iq_rms"}}}
    training = fresh_training(config, settings, ContrastivePretraining)
    frequencies = torch.linspace(-0.4, 0.4, 8).unsqueeze(1)
    tones = torch.exp(2j * math.pi * frequencies * torch.arange(256)).unsqueeze(1).to(torch.complex64)
    optimizer = torch.optim.Adam(training.parameters(), 3e-3)
    for step in range(60):
        optimizer.zero_grad()
        training.training_step(({"iq": tones}, torch.arange(8) + 8 * step), 0).backward()
        optimizer.step()
    with torch.no_grad():
        figures = training.held_out_figures({"iq": tones}, torch.arange(8))
    assert float(figures["val_mean_iq"]) == pytest.approx(math.log(15)), "one of the other 15 views at random"
    assert float(figures["val_loss_iq"]) < 0.6 * math.log(15)
