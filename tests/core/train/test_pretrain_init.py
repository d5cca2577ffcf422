# SPDX-License-Identifier: GPL-3.0-or-later
"""Pretraining that goes on from a foundation: what it takes over, what stays fresh, what it refuses."""

import pytest
import safetensors.torch
import torch
import yaml
from pretrain_recipe import fresh_training, tiny_config, tiny_file
from wavesfm_states import pretraining_state

from wfm_core import load_wavesfm_pretraining
from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import DECODER, load_foundation
from wfm_core.cli.pretrain import main
from wfm_core.train.pretrain.starting import adopt_statistics, start_from


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
    config = tiny_config(folder, f"init={first}", *overrides)
    settings = yaml.safe_load((first / "statistics.yaml").read_text())
    fresh, started = (fresh_training(config, settings) for _ in range(2))
    start_from(config, started)
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


def test_separate_decoders_begin_as_the_one_there_is(first, tmp_path):
    _, started = training_from(first, tmp_path, "separate_decoders=true")
    decoder = safetensors.torch.load_file(first / DECODER)
    for modality in ("image", "iq"):
        assert torch.equal(started[f"mask_token.{modality}"], decoder["mask_token"].float())
        assert torch.equal(started[f"decoder.{modality}.norm.bias"], decoder["decoder.norm.bias"].float())


def test_of_more_antennas_the_first_are_taken(first, tmp_path):
    _, started = training_from(first, tmp_path, "iq.antennas=[1]")
    assert torch.equal(started["model.iq.antenna"], load_foundation(first).model.iq.antenna[:1])
    assert torch.equal(started["decoder_antenna"], safetensors.torch.load_file(first / DECODER)["decoder_antenna"][:1])


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


def test_measures_are_scaled_where_the_foundation_has_none(first, tmp_path):
    """Nothing of the foundation changes by them; a run after that takes over their scale."""
    threads = torch.get_num_threads()
    for name, init in (("measured", first), ("after", tmp_path / "measured")):
        arguments = ["--config", str(tiny_file(tmp_path)), "--out", str(tmp_path / name), "epochs=1"]
        arguments += ["iq.measures=true", "base_learning_rate=1e-9", f"init={init}", f"seed={len(name)}"]
        assert main(arguments) == 0
    torch.set_num_threads(threads)
    measured, after = (load_foundation(tmp_path / name) for name in ("measured", "after"))
    assert measured.description["modalities"]["iq"]["measures"] is True and measured.model.iq.measures.is_fitted()
    assert torch.equal(measured.model.iq.measures.mean, after.model.iq.measures.mean)
    assert measured.model.iq.measures.tokens.weight.abs().max() < 1e-6
    with pytest.raises(WfmError, match="told what was measured .* set iq.measures=true"):
        training_from(tmp_path / "measured", tmp_path)
    iq = torch.randn(2, 2, 256, dtype=torch.complex64)
    torch.testing.assert_close(
        measured.model.embed_iq(iq), load_foundation(first).model.embed_iq(iq), atol=1e-3, rtol=0
    )


THEIRS = ["affine=after", "encoder.norm_eps=1.0e-6", "encoder.final_norm_eps=1.0e-5"]
THEIRS += ["decoder.norm_eps=1.0e-6", "decoder.final_norm_eps=1.0e-5"]
"""What a configuration for a checkpoint of the authors says; its sizes are those of `tiny_config`."""


@pytest.fixture
def theirs(tmp_path):
    """A checkpoint of the authors' pretraining as large as `tiny_config`, but for more antennas."""
    state = pretraining_state(width=32, depth=2, decoder_width=32, decoder_depth=1, grid=(2, 2), antennas=4)
    halved = {name: tensor[: len(tensor) // 2] if ".mlp.fc1" in name else tensor for name, tensor in state.items()}
    halved |= {name: tensor[:, :64] for name, tensor in halved.items() if name.endswith(".mlp.fc2.weight")}
    torch.save({"model": halved}, tmp_path / "theirs.pth")
    return tmp_path / "theirs.pth"


def training_from_theirs(folder, theirs, *overrides):
    config = tiny_config(folder, "spectrum_weight=0", f"init={theirs}", *THEIRS, *overrides)
    settings = {name: {"signal": {"kind": "iq_rms"}} for name in ("image", "iq")}
    fresh, training = (fresh_training(config, settings) for _ in range(2))
    start_from(config, training)
    return fresh, training


@pytest.mark.parametrize("modality", ["image", "iq"])
@torch.no_grad()
def test_a_checkpoint_of_the_authors_goes_on_with_its_loss(theirs, tmp_path, modality):
    _, training = training_from_theirs(tmp_path, theirs)
    module = load_wavesfm_pretraining(torch.load(theirs, weights_only=True)["model"], 2, 2)
    x = torch.randn(2, 1, 32, 32) if modality == "image" else torch.randn(2, 2, 32, dtype=torch.complex64)
    mask = torch.tensor([[True, False, True, True], [True, True, True, False]])
    torch.testing.assert_close(training.autoencoder(modality, x, mask), module(x, modality, mask)[0])


def test_one_of_another_size_is_refused_by_name(theirs, tmp_path):
    for override, named in (
        ("encoder.depth=3", "encoder is .*'depth': 2.*wants .*'depth': 3"),
        ("encoder.final_norm_eps=1.0e-6", "encoder is .*1e-05.*wants"),
        ("affine=before", "affine is after, the configuration wants before"),
        ("decoder.depth=2", "decoder is .*'depth': 1.*wants .*'depth': 2"),
        ("iq.antennas=[8]", r"iq.antenna has shape \[4, 32\], the configuration wants \[8, 32\]"),
    ):
        with pytest.raises(WfmError, match=f"init .*theirs.pth: its {named}") as refused:
            training_from_theirs(tmp_path, theirs, override)
        assert "\n" not in str(refused.value)


def test_left_over_keys_and_payloads_are_refused(theirs, tmp_path):
    state = torch.load(theirs, weights_only=True)["model"]
    torch.save(state | {"second_decoder.weight": torch.zeros(1)}, theirs)
    with pytest.raises(WfmError, match="theirs.pth: the checkpoint has left over second_decoder.weight"):
        training_from_theirs(tmp_path, theirs)
    torch.save({"model": state, "extra": pytest.skip}, theirs)
    with pytest.raises(WfmError, match="could run code that it brings"):
        training_from_theirs(tmp_path, theirs)


def test_a_run_goes_on_from_a_checkpoint_of_the_authors(theirs, tmp_path, capsys):
    threads = torch.get_num_threads()
    out = tmp_path / "run"
    arguments = ["--config", str(tiny_file(tmp_path)), "--out", str(out), "epochs=1", "base_learning_rate=1e-9"]
    assert main([*arguments, *THEIRS, "spectrum_weight=0", f"init={theirs}"]) == 0
    torch.set_num_threads(threads)
    foundation = load_foundation(out)
    assert foundation.encoder.final_norm_eps == 1e-5 and set(foundation.preprocess) == {"image", "iq"}
    state = torch.load(theirs, weights_only=True)["model"]
    assert (foundation.model.iq.antenna - state["iq_ant_embed.weight"][:2]).abs().max() < 1e-3
    assert main([*arguments, *THEIRS[1:], f"init={theirs}", "--out", str(tmp_path / "refused")]) == 1
    assert "its affine is after, the configuration wants before" in capsys.readouterr().err
