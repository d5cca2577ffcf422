# SPDX-License-Identifier: GPL-3.0-or-later
"""The predictive objective: its masks, its figures, what it learns, and the teacher through a whole run."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pretrain_recipe import fresh_training, tiny_config, tiny_file

from wfm_core.bundle.foundation import load_foundation
from wfm_core.train.objectives.predictive import PredictivePretraining
from wfm_core.train.pretrain.starting import start_from

SETTINGS = {"image": {"signal": {"kind": "iq_rms"}}, "iq": {"signal": {"kind": "iq_rms"}}}
INDEX = torch.arange(8)


def training_of(folder, *overrides):
    return fresh_training(tiny_config(folder, "objective=predictive", *overrides), SETTINGS, PredictivePretraining)


def waves(seed: int) -> dict[str, torch.Tensor]:
    """Windows each token of which tells all others: a tone on two antennas, and stripes, of -4 to 4 cycles a token."""
    generator = torch.Generator().manual_seed(seed)
    cycles = torch.randint(-4, 5, (8, 1), generator=generator) / 16
    phase = torch.rand(8, 1, generator=generator)
    tone = torch.exp(2j * torch.pi * (cycles * torch.arange(128) + phase)).to(torch.complex64)
    stripes = tone.real[:, :32].view(8, 1, 1, 32).expand(-1, -1, 32, -1)
    return {"image": stripes, "iq": tone.unsqueeze(1).expand(-1, 2, -1)}


def test_masks_are_blocks_of_each_window_s_own(tmp_path):
    training = training_of(tmp_path, "image.size=[128,64]", "mask_ratio.image=0.5", "mask_ratio.iq=0.25")
    image, iq = torch.zeros(8, 1, 128, 64), torch.zeros(8, 2, 128, dtype=torch.complex64)
    masks = {"image": training.masks("image", image, INDEX, 1), "iq": training.masks("iq", iq, INDEX, 1)}
    assert masks["image"].sum(1).tolist() == [16] * 8 and masks["iq"].sum(1).tolist() == [4] * 8
    assert torch.equal(training.masks("iq", iq[2:4], INDEX[2:4], 1), masks["iq"][2:4])
    assert not torch.equal(training.masks("iq", iq, INDEX, 2), masks["iq"])
    assert len(masks["image"].unique(dim=0)) == 8


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_it_learns_and_does_not_collapse(tmp_path):
    training = training_of(tmp_path, "predictive.teacher_decay=[0.97, 0.97]")
    optimizer = torch.optim.Adam([p for p in training.parameters() if p.requires_grad], 3e-3)
    losses = []
    for step in range(60):
        optimizer.zero_grad()
        loss = training.training_step((waves(step), INDEX + 8 * step), 0)
        loss.backward()
        optimizer.step()
        training.follow(step + 1)
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])
    with torch.no_grad():
        figures = training.held_out_figures(waves(1000), INDEX)
    for modality in ("image", "iq"):
        assert figures[f"val_loss_{modality}"] < 0.8 * figures[f"val_mean_{modality}"], modality
        assert figures[f"val_spread_{modality}"] > 0.3, modality


def test_the_loss_and_the_mean_s_loss_are_their_definitions(tmp_path):
    windows = waves(1)
    for kind in ("smooth_l1", "mse"):
        training = training_of(tmp_path, f"predictive.loss={kind}")
        figures = {name: figure.detach() for name, figure in training.held_out_figures(windows, INDEX).items()}
        for modality, x in windows.items():
            mask = training.masks(modality, x, INDEX, training.config.seed + 1)
            wanted = training.predictive.outputs(modality, x)
            _, predicted = training.predictive.predict(modality, x, mask)
            for name, error in (
                ("loss", predicted - wanted[mask].view_as(predicted)),
                ("mean", (wanted.mean(0) - wanted)[mask]),
            ):
                error = error.detach().abs()
                expected = error**2 if kind == "mse" else torch.where(error < 1, error**2 / 2, error - 0.5)
                assert float(figures[f"val_{name}_{modality}"]) == pytest.approx(float(expected.mean()), rel=1e-4)


def test_the_teacher_s_decay_goes_from_the_first_to_the_last(tmp_path):
    training = training_of(tmp_path, "predictive.teacher_decay=[0.5, 1.0]")
    steps, seen = training.config.steps, []
    training.predictive.follow = seen.append
    for step in (0, steps // 2, steps):
        training.follow(step)
    assert seen == pytest.approx([0.5, 0.75, 1.0])


RUN = ["objective=predictive", "epochs=20", "predictive.teacher_decay=[0.9, 1.0]", "deterministic=true"]
RUN += ["checkpoint_minutes=0.001", "modalities=[iq]"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with a run that was killed and went on, and one that was not: "killed" and "whole"."""
    folder = tmp_path_factory.mktemp("predictive")
    recipe = str(tiny_file(folder))
    stopped = [sys.executable, str(Path(__file__).parents[1] / "pretrain_stopped.py"), "killed", str(folder / "killed")]
    assert subprocess.run([*stopped, recipe, *RUN], capture_output=True, timeout=600).returncode == -9
    command = [sys.executable, "-m", "wfm_core.cli.pretrain", "--out"]
    for arguments in (["killed", "--resume"], ["whole", "--config", recipe, *RUN]):
        done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-2000:]
    return folder


def state(folder, name):
    return torch.load(folder / name / "checkpoints/last.ckpt", weights_only=True)["state_dict"]


def test_a_killed_run_ends_with_the_same_student_and_teacher(runs):
    killed, whole = state(runs, "killed"), state(runs, "whole")
    assert all(torch.equal(weight, killed[name]) for name, weight in whole.items())
    weight = "encoder.blocks.0.attn.qkv.weight"
    assert not torch.equal(whole[f"predictive.model.{weight}"], whole[f"predictive.teacher.{weight}"])


def test_the_foundation_is_the_teacher_and_the_next_run_s_teacher_begins_as_its_student(runs, tmp_path):
    foundation = load_foundation(runs / "whole").model.state_dict()
    for name, weight in foundation.items():
        assert torch.equal(weight, state(runs, "whole")[f"predictive.teacher.{name}"].half().float()), name
    training = training_of(tmp_path, "modalities=[iq]", f"init={runs / 'whole'}", "predictive.keep=student")
    start_from(training.config, training)
    for name, weight in foundation.items():
        assert torch.equal(weight, training.predictive.teacher.state_dict()[name])
        assert torch.equal(weight, training.kept.state_dict()[name])


def test_the_run_leaves_curves_with_the_spread(runs):
    header = next((runs / "whole" / "logs").glob("*/metrics.csv")).read_text().splitlines()[0].split(",")
    assert {"train_loss_iq", "train_spread_iq", "val_loss_iq", "val_mean_iq", "val_spread_iq"} <= set(header)
    assert (runs / "whole/pictures/curves.png").stat().st_size > 5000
