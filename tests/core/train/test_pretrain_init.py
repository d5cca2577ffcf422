# SPDX-License-Identifier: GPL-3.0-or-later
"""Pretraining that goes on from a foundation: what it takes over, what stays fresh, what it refuses."""

import pytest
import safetensors.torch
import torch
import yaml
from pretrain_recipe import fresh_training, tiny_config, tiny_file

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import load_foundation
from wfm_core.cli.pretrain import main
from wfm_core.train.pretrain.results import describe
from wfm_core.train.pretrain.starting import DECODER, adopt_statistics, start_from


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A short run of both modalities."""
    folder = tmp_path_factory.mktemp("init")
    threads = torch.get_num_threads()
    assert main(["--config", str(tiny_file(folder)), "--out", str(folder / "first"), "epochs=1", "seed=5"]) == 0
    torch.set_num_threads(threads)
    return folder / "first"


def training_from(first, folder, *overrides):
    """A fresh training module, and the same after `start_from`."""
    config = tiny_config(folder, *overrides)
    settings = yaml.safe_load((first / "statistics.yaml").read_text())
    fresh, started = (fresh_training(config, settings) for _ in range(2))
    start_from(str(first), started, describe(config, settings))
    return fresh.autoencoder.state_dict(), started.autoencoder.state_dict()


def test_encoder_and_decoder_are_taken_over(first, tmp_path):
    fresh, started = training_from(first, tmp_path)
    foundation = load_foundation(first).model.state_dict()
    decoder = safetensors.torch.load_file(first / DECODER)
    assert {f"model.{name}" for name in foundation} | set(decoder) == set(started)
    for name, weight in started.items():
        expected = foundation[name.removeprefix("model.")] if name.startswith("model.") else decoder[name].float()
        assert torch.equal(weight, expected), name
    assert not torch.equal(fresh["mask_token"], started["mask_token"])


def test_a_decoder_of_another_size_stays_fresh(first, tmp_path):
    fresh, started = training_from(first, tmp_path, "decoder.depth=2")
    assert torch.equal(fresh["mask_token"], started["mask_token"])
    assert not torch.equal(fresh["model.cls_token"], started["model.cls_token"])


def test_one_modality_alone_can_go_on(first, tmp_path):
    _, started = training_from(first, tmp_path, "modalities=[iq]")
    assert torch.equal(started["model.iq.scale"], load_foundation(first).model.iq.scale)
    assert not any(name.startswith("model.image") for name in started)


@pytest.mark.parametrize("override, named", [("encoder.depth=3", "encoder"), ("affine=after", "affine")])
def test_another_encoder_is_refused_by_name(first, tmp_path, override, named):
    with pytest.raises(WfmError, match=f"its {named} is .* the configuration wants"):
        training_from(first, tmp_path, override)


def test_more_antennas_than_the_foundation_has_are_refused(first, tmp_path):
    with pytest.raises(WfmError, match=r"iq.antenna has shape \[2, 32\], the configuration wants \[4, 32\]"):
        training_from(first, tmp_path, "iq.antennas=[1, 2, 4]", "data.windows=24")


def test_statistics_come_along_and_the_shape_of_pictures_does_not(first):
    there = load_foundation(first).description["modalities"]["image"]["signal"]
    measured = {"kind": "spectrogram", "fft_size": 8, "minimum": -1.0, "maximum": 1.0, "mean": 0.1, "std": 0.2}
    settings = {"sample_rate": None, "image": {"signal": dict(measured), "cache.h5": {"mean": 3.0}}}
    adopt_statistics(str(first), settings)
    expected = {key: there[key] for key in ("minimum", "maximum", "mean", "std")}
    assert settings["image"]["signal"] == {"kind": "spectrogram", "fft_size": 8, **expected}
    assert settings["image"]["cache.h5"] == {"mean": 3.0}


def test_a_run_goes_on_from_a_foundation(first, tmp_path):
    threads = torch.get_num_threads()
    out = tmp_path / "second"
    arguments = ["--config", str(tiny_file(tmp_path)), "--out", str(out), "epochs=1", "base_learning_rate=1e-9"]
    assert main([*arguments, f"init={first}"]) == 0
    torch.set_num_threads(threads)
    one, two = load_foundation(first), load_foundation(out)
    for name, weight in one.model.state_dict().items():
        torch.testing.assert_close(two.model.state_dict()[name], weight, atol=1e-4, rtol=0, msg=name)
    statistics = [one.description["modalities"][name]["signal"] for name in ("image", "iq")]
    assert statistics == [two.description["modalities"][name]["signal"] for name in ("image", "iq")]
