# SPDX-License-Identifier: GPL-3.0-or-later
"""Muon for the blocks' matrices beside AdamW for the rest: what each steps on, rates, checkpoints."""

import pytest
import torch
from pretrain_recipe import fresh_training, tiny_config, tiny_file

from wfm_core.base.errors import WfmError
from wfm_core.cli.pretrain import main
from wfm_core.train.muon import MuonAndAdamW
from wfm_core.train.optimizers import warm_up_and_cosine

SETTINGS = {"image": {"signal": {"kind": "iq_rms"}}, "iq": {"signal": {"kind": "iq_rms"}}}
DECAYED = 0.1

pytestmark = pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch before 2.9 has no Muon")


def pair(rate=0.1):
    """A matrix in the hands of Muon and another one in those of AdamW, both zero, and their optimizer."""
    inside, outside = (torch.nn.Parameter(torch.zeros(8, 16)) for _ in range(2))
    groups = [{"params": [inside, outside], "weight_decay": DECAYED}]
    return inside, outside, MuonAndAdamW(groups, rate, (0.9, 0.95), [inside])


def give_gradients(step, *parameters):
    for parameter in parameters:
        generator = torch.Generator().manual_seed(step)
        parameter.grad = torch.randn(parameter.shape, generator=generator) * torch.logspace(0, -3, 8).unsqueeze(1)


def test_all_directions_of_a_matrix_learn_alike_and_steps_are_as_large_as_those_of_adamw():
    inside, outside, optimizer = pair()
    give_gradients(1, inside, outside)
    optimizer.step()
    strength = torch.linalg.svdvals(inside.detach())
    assert strength.max() < 4 * strength.min(), "of a gradient whose directions differ by a factor of 1000"
    assert torch.allclose(outside.detach().abs(), torch.tensor(0.1), rtol=1e-3)
    assert 0.1 * 0.1 < inside.detach().square().mean().sqrt() < 0.1 * 0.3, "0.2 of the rate, about"


def test_the_blocks_matrices_are_muons_and_everything_has_the_rate_of_the_schedule(tmp_path):
    training = fresh_training(tiny_config(tmp_path, "optimizer=muon", "weight_decay=0.05"), SETTINGS)
    plans = training.configure_optimizers()
    optimizer, schedule = plans["optimizer"], plans["lr_scheduler"]["scheduler"]
    by_muon = {id(p) for group in optimizer.param_groups if "ns_steps" in group for p in group["params"]}
    everything = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(everything) == sorted(id(p) for p in training.parameters()), "each once"
    for name, parameter in training.named_parameters():
        in_block = name.startswith("autoencoder.model.encoder.blocks") and parameter.ndim == 2
        assert (id(parameter) in by_muon) == in_block, name
    for _ in range(5):
        rates = {group["lr"] for group in optimizer.param_groups}
        assert rates == {schedule.get_last_lr()[0]}
        optimizer.step()
        schedule.step()


def test_a_checkpoint_goes_on_as_if_nothing_had_happened():
    def steps(parts, first, last):
        inside, outside, optimizer, schedule = parts
        for step in range(first, last):
            give_gradients(step, inside, outside)
            optimizer.step()
            schedule.step()

    def fresh():
        *parameters, optimizer = pair()
        return *parameters, optimizer, warm_up_and_cosine(optimizer, 2, 10)

    through, first, second = fresh(), fresh(), fresh()
    steps(through, 0, 8)
    steps(first, 0, 4)
    for ours, theirs in zip(second[:2], first[:2], strict=True):
        ours.data.copy_(theirs.data)
    for ours, theirs in zip(second[2:], first[2:], strict=True):
        ours.load_state_dict(theirs.state_dict())
    steps(second, 4, 8)
    assert all(torch.equal(a, b) for a, b in zip(through[:2], second[:2], strict=True))


def test_a_run_that_goes_on_keeps_its_momenta(tmp_path):
    run = tmp_path / "run"
    recipe = ["--config", str(tiny_file(tmp_path)), "--out", str(run)]
    assert main([*recipe, "optimizer=muon", "epochs=3"]) == 0
    assert main(["--out", str(run), "--resume", "epochs=6"]) == 0
    assert (run / "weights.safetensors").exists()
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    momenta = checkpoint["optimizer_states"][0]["parts"][0]["state"]
    assert checkpoint["global_step"] == 12 and all(one["momentum_buffer"].any() for one in momenta.values())


def test_an_older_torch_is_named(monkeypatch):
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(WfmError, match="expected torch 2.9 or later, or adam"):
        pair()
