# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the authors' pretraining code: whole antennas hidden, separate decoders, exposure, the encoder's rate."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numbered_recordings import record
from pretrain_recipe import CPU, fresh_training, tiny_config, tiny_file

from wfm_core.base.errors import WfmError
from wfm_core.data.readers.own import npz
from wfm_core.train.checkpoints import read_checkpoint
from wfm_core.train.pretrain.mixture import Mixture, open_sources
from wfm_core.train.pretrain.run import pretrain
from wfm_core.train.pretrain.sets import Batches, WindowSets

SETTINGS = {"image": {"signal": {"kind": "iq_rms"}}, "iq": {"signal": {"kind": "iq_rms"}}}
INDEX = torch.arange(200)


def training_of(folder, *overrides):
    return fresh_training(tiny_config(folder, *overrides), SETTINGS)


def windows(antennas=2, count=4):
    generator = torch.Generator().manual_seed(3)
    iq = torch.randn(count, antennas, 256 // antennas, dtype=torch.complex64, generator=generator)
    return {"image": torch.randn(count, 1, 32, 32, generator=generator), "iq": iq}


@pytest.mark.parametrize("antennas", [2, 4])
def test_one_whole_antenna_of_each_window_is_hidden(tmp_path, antennas):
    training = training_of(tmp_path, "iq_mask=antenna", "iq.antennas=[2,4]")
    masks = training.masks("iq", windows(antennas, 200)["iq"], INDEX, 1)
    steps = masks.unflatten(1, (-1, antennas))  # time-major, antenna-minor
    assert torch.equal(steps.all(1), steps.any(1)) and (steps.all(1).sum(1) == 1).all()
    counts = steps.all(1).sum(0)
    assert ((counts - 200 / antennas).abs() < 5 * (200 / antennas) ** 0.5).all(), "each as often"
    assert torch.equal(masks[7:9], training.masks("iq", windows(antennas, 2)["iq"], INDEX[7:9], 1))
    assert not torch.equal(masks, training.masks("iq", windows(antennas, 200)["iq"], INDEX, 2))


def test_windows_of_one_antenna_and_images_are_hidden_at_random(tmp_path):
    training, plain = training_of(tmp_path, "iq_mask=antenna"), training_of(tmp_path)
    for modality, x in windows(1).items():
        assert torch.equal(training.masks(modality, x, INDEX[:4], 1), plain.masks(modality, x, INDEX[:4], 1))


def test_a_hidden_antenna_can_be_learnt_from_the_other_one(tmp_path):
    """Both antennas have the same random numbers: nothing but the other antenna tells the hidden one."""
    training = training_of(tmp_path, "iq_mask=antenna", "modalities=[iq]", "spectrum_weight=0")
    optimizer = torch.optim.Adam(training.parameters(), 1e-2)
    losses = []
    for step in range(150):
        x = torch.randn(16, 1, 128, dtype=torch.complex64).expand(-1, 2, -1).contiguous()
        optimizer.zero_grad()
        loss = training.losses({"iq": x}, torch.arange(16) + 16 * step, 1)["iq"]
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-10:]) / 10 < 0.8 * losses[0]


def test_separate_decoders_share_nothing(tmp_path):
    training = training_of(tmp_path, "separate_decoders=true")
    reached = {}
    for modality, x in windows().items():
        training.zero_grad()
        sum(training.losses({modality: x}, INDEX[:4], 1).values()).backward()
        reached[modality] = {name for name, p in training.named_parameters() if p.grad is not None}
    both = reached["image"] & reached["iq"]
    assert both == {name for name, p in training.named_parameters() if any(p is one for one in training.shared)}
    for part in ("decoder.iq.blocks.0.attn.qkv.weight", "to_decoder.iq.weight", "mask_token.iq"):
        assert f"autoencoder.{part}" in reached["iq"] - reached["image"]
        assert f"autoencoder.{part.replace('iq', 'image', 1)}" in reached["image"] - reached["iq"]


def test_separate_decoders_that_are_alike_are_one(tmp_path):
    one, two = training_of(tmp_path), training_of(tmp_path, "separate_decoders=true")
    state = one.autoencoder.state_dict()
    for name in two.autoencoder.state_dict():
        plain = name.replace(".image", "", 1).replace(".iq", "", 1)
        if name.startswith(("decoder.", "to_decoder.", "mask_token.")):
            state[name] = state[plain]
    two.autoencoder.load_state_dict({name: state[name] for name in two.autoencoder.state_dict()})
    for name, loss in one.losses(windows(), INDEX[:4], 1).items():
        torch.testing.assert_close(two.losses(windows(), INDEX[:4], 1)[name], loss)


def test_the_encoder_learns_at_its_own_rate(tmp_path):
    training = training_of(tmp_path, "encoder_rate_factor=0.2", "weight_decay=0.05")
    optimizer = training.configure_optimizers()["optimizer"]
    rates = {id(p): group["initial_lr"] for group in optimizer.param_groups for p in group["params"]}
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert len(rates) == len(list(training.parameters()))
    base = training.config.learning_rate
    for name, parameter in training.named_parameters():
        slow = name.startswith(("autoencoder.model.encoder.", "autoencoder.model.cls_token"))
        assert rates[id(parameter)] == pytest.approx(0.2 * base if slow else base), name
        assert (decays[id(parameter)] > 0) == (parameter.ndim > 1 and parameter.shape[0] > 1), name
    assert len(training_of(tmp_path).configure_optimizers()["optimizer"].param_groups) == 2, "as in earlier checkpoints"


class Held:
    """Stands for a mixture whose sources hold so many windows; a window is its chunk's number."""

    device, options = CPU, [1]

    def __init__(self, modality, held):
        self.modality, self.held = modality, held

    def draw(self, chunk, count, antennas, generator):
        return torch.full((count, 1), chunk)


def batches(folder, images, samples, *overrides, first=0):
    config = tiny_config(folder, "data.windows=48", "epochs=2", "iq.antennas=[1]", *overrides)
    sets = {name: WindowSets(config, Held(name, held)) for name, held in (("image", images), ("iq", samples))}
    return list(Batches(sets, config, first))


@pytest.mark.parametrize(
    ("images", "samples", "turns"),
    [
        (16, math.inf, [0, 3]),
        (17, math.inf, [0, 2, 4]),
        (1, math.inf, [0]),
        (480, math.inf, [0, 1, 2, 3, 4, 5]),
        (math.inf, math.inf, [0, 1, 2, 3, 4, 5]),
        (500, 1000, [0, 2, 4]),
        (1000, 1000, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_without_equal_exposure_a_small_set_has_its_share_of_steps(tmp_path, images, samples, turns):
    seen = batches(tmp_path, images, samples, "equal_exposure=false")
    assert len(seen) == 12 and all("iq" in windows for windows, _ in seen)
    assert [step for step, (windows, _) in enumerate(seen) if "image" in windows] == [*turns, *(6 + t for t in turns)]
    first_epoch = [int(windows["image"][0, 0]) for windows, _ in seen[:6] if "image" in windows]
    assert first_epoch == list(range(len(turns))), "one set's windows one after another, none left out"
    late = batches(tmp_path, images, samples, "equal_exposure=false", first=7)
    assert [list(windows) for windows, _ in late] == [list(windows) for windows, _ in seen[7:]]


def test_equal_exposure_is_as_many_windows_of_both(tmp_path):
    assert all(set(windows) == {"image", "iq"} for windows, _ in batches(tmp_path, 16, math.inf))


def test_what_sources_hold(tmp_path):
    np.savez(
        tmp_path / "arrays.npz",
        x=np.arange(14000, dtype=np.float32).reshape(7, 1, 40, 50),
        y=np.ones((5, 2, 300), np.complex64),
    )
    images = npz.read(tmp_path / "arrays.npz", tmp_path / "image.h5", array="x", kind="image")
    samples = npz.read(tmp_path / "arrays.npz", tmp_path / "iq.h5", array="y", kind="sample")
    record(tmp_path / "air", "a", 1000, breaks=(200,))

    def held(modality, *sources):
        config = tiny_config(tmp_path, f"data.sources=[{', '.join(sources)}]", "iq.antennas=[2]")
        return Mixture(config, modality, open_sources(config), CPU).held

    image, iq, air, endless = (
        f"{{kind: dataset, path: {images}}}",
        f"{{kind: dataset, path: {samples}}}",
        f"{{kind: recordings, path: {tmp_path / 'air'}}}",
        "{kind: synthetic}",
    )
    assert held("image", image) == 7
    assert held("iq", image, iq) == 5 * (300 // 128)
    assert held("iq", iq, air) == 5 * (300 // 128) + 200 // 128 + 800 // 128
    assert held("iq", iq, endless) == math.inf


def test_unequal_exposure_is_for_one_process(tmp_path):
    config = tiny_config(tmp_path, "equal_exposure=false", "devices=2")
    with pytest.raises(WfmError, match="equal_exposure false with 2 processes; expected one process"):
        pretrain(config, tmp_path / "out", None, "")


ALL = ["pcgrad=true", "iq_mask=antenna", "separate_decoders=true", "encoder_rate_factor=0.2", "equal_exposure=false"]
LONG = ["epochs=16", "data.passes=16", "checkpoint_minutes=0.001", "deterministic=true", "precision=bf16-mixed", *ALL]


def test_with_all_of_them_in_bfloat16_a_killed_run_ends_with_the_same_weights(tmp_path):
    recipe = str(tiny_file(tmp_path))
    stopped = [sys.executable, str(Path(__file__).parent / "pretrain_stopped.py"), "killed", str(tmp_path / "killed")]
    assert subprocess.run([*stopped, recipe, *LONG], capture_output=True, timeout=600).returncode == -9
    command = [sys.executable, "-m", "wfm_core.cli.pretrain", "--out"]
    for arguments in (["killed", "--resume"], ["whole", "--config", recipe, *LONG]):
        done = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-2000:]
    killed, whole = (
        torch.load(tmp_path / name / "checkpoints/last.ckpt", weights_only=True) for name in ("killed", "whole")
    )
    assert killed["global_step"] == whole["global_step"] == 32
    assert all(torch.equal(weight, killed["state_dict"][name]) for name, weight in whole["state_dict"].items())


def test_a_checkpoint_of_before_these_options_goes_on_without_them(tmp_path):
    config = tiny_config(tmp_path)
    fixed = {name: value for name, value in config.fixed_settings().items() if name not in config.EARLIER}
    torch.save({config.CHECKPOINT_KEY: fixed, "global_step": 3}, tmp_path / "last.ckpt")
    assert read_checkpoint(tmp_path / "last.ckpt", config)["global_step"] == 3
    with pytest.raises(WfmError, match="its separate_decoders is False, the configuration wants True"):
        read_checkpoint(tmp_path / "last.ckpt", tiny_config(tmp_path, "separate_decoders=true"))
