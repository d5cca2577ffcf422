# SPDX-License-Identifier: GPL-3.0-or-later
"""Several objectives in one step: their losses, weights, names and gradients, and a whole run of them."""

import json

import pytest
import torch
from pretrain_recipe import fresh_training, tiny_config, tiny_file

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import DECODER, load_foundation
from wfm_core.cli.pretrain import main
from wfm_core.configs.pretraining import load_pretraining
from wfm_core.train.objectives.masked import MaskedPretraining
from wfm_core.train.objectives.mixed import MixedPretraining, build_objective
from wfm_core.train.pretrain.causes import with_causes
from wfm_core.train.pretrain.results import describe, load_autoencoder
from wfm_core.train.pretrain.starting import start_from

SETTINGS = {"image": {"signal": {"kind": "iq_rms"}}, "iq": {"signal": {"kind": "iq_rms"}}}
INDEX = torch.arange(4)
BOTH = "objective={masked: 1.0, predictive: 0.5}"


def training_of(folder, *overrides):
    return fresh_training(tiny_config(folder, BOTH, *overrides), SETTINGS, MixedPretraining)


def windows():
    generator = torch.Generator().manual_seed(3)
    image = torch.randn(4, 1, 32, 32, generator=generator)
    return {"image": image, "iq": torch.randn(4, 2, 128, dtype=torch.complex64, generator=generator)}


def test_the_sum_is_weighted_and_each_part_is_what_it_is_alone(tmp_path):
    training = training_of(tmp_path)
    losses = training.losses(windows(), INDEX, 1)
    assert set(losses) == {"masked_image", "masked_iq", "masked_iq_spectrum", "predictive_image", "predictive_iq"}
    for name, part in training.parts.items():
        for target, loss in part.losses(windows(), INDEX, 1).items():
            assert torch.equal(losses[f"{name}_{target}"], loss)
    apart = training.by_modality(losses)
    spectrum = training.config.spectrum_weight * losses["masked_iq_spectrum"]
    torch.testing.assert_close(apart["image"], losses["masked_image"] + 0.5 * losses["predictive_image"])
    torch.testing.assert_close(apart["iq"], losses["masked_iq"] + spectrum + 0.5 * losses["predictive_iq"])
    torch.testing.assert_close(training.total(losses), apart["image"] + apart["iq"])
    assert set(training.watched) == {"predictive_spread_image", "predictive_spread_iq"}


def test_an_objective_sees_the_modalities_that_it_has_a_weight_for(tmp_path):
    config = tiny_config(tmp_path, "objective={masked: {image: 2.0}, causes: {iq: 0.5, image: 0.25}}")
    training = fresh_training(config, SETTINGS, MixedPretraining)
    causes = {modality: with_causes(modality, x, None).causes for modality, x in windows().items()}
    for known in causes.values():
        known["emitters"] = torch.tensor([0, 1, 2, 3])
    losses = training.losses(windows(), INDEX, 1, causes)
    assert "masked_image" in losses and not [name for name in losses if name.startswith("masked_iq")]
    apart = training.by_modality(losses)
    alone = training.parts["causes"].by_modality(training.parts["causes"].losses(windows(), INDEX, 1, causes))
    torch.testing.assert_close(apart["iq"], 0.5 * alone["iq"])
    torch.testing.assert_close(apart["image"], 2 * losses["masked_image"] + 0.25 * alone["image"])
    figures = training.held_out_figures(windows(), INDEX, causes)
    assert "val_loss_causes_iq_emitters" in figures and "val_loss_masked_iq" not in figures
    kept = config.fixed_settings()["objective"]
    assert kept == ["causes", "masked of image"]
    assert kept == tiny_config(tmp_path, "objective={causes: 1, masked: {image: 1}}").fixed_settings()["objective"]


def test_there_is_one_encoder_and_it_has_the_gradients_of_all(tmp_path):
    training = training_of(tmp_path)
    assert all(part.model is training.model for part in training.parts.values())
    gradients = []
    for wanted in (training.parts["masked"], training.parts["predictive"], None):
        training.zero_grad()
        part = wanted or training
        part.total(part.losses(windows(), INDEX, 1)).backward()
        gradients.append(training.model.encoder.blocks[0].attn.qkv.weight.grad.clone())
    torch.testing.assert_close(gradients[2], gradients[0] + 0.5 * gradients[1])
    optimized = [p for group in training.configure_optimizers()["optimizer"].param_groups for p in group["params"]]
    assert len({id(p) for p in optimized}) == len(optimized), "each parameter once"
    assert not {id(p) for p in training.parts["predictive"].predictive.teacher.parameters()} & set(map(id, optimized))


def test_held_out_figures_have_the_parts_names(tmp_path):
    figures = training_of(tmp_path).held_out_figures(windows(), INDEX)
    expected = {f"val_{kind}_predictive_{m}" for kind in ("loss", "mean", "spread") for m in ("image", "iq")}
    expected |= {f"val_{kind}_masked_{m}" for kind in ("loss", "mean") for m in ("image", "iq", "iq_spectrum")}
    assert set(figures) == expected


def test_a_plain_name_is_the_plain_objective(tmp_path):
    config = tiny_config(tmp_path)
    assert type(build_objective(config, describe(config, SETTINGS))) is MaskedPretraining
    assert config.fixed_settings()["objective"] == "masked" and "predictor" not in config.fixed_settings()


def test_a_run_may_go_on_with_other_weights_but_not_with_other_objectives(tmp_path):
    one, other = (tiny_config(tmp_path, f"objective={{predictive: {w}, masked: 1}}").fixed_settings() for w in (1, 2))
    assert one == other and one["objective"] == ["masked", "predictive"] and one["predictor"]["width"] == 16
    assert tiny_config(tmp_path).fixed_settings()["objective"] != one["objective"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("objective: jepa", "objective is 'jepa'; expected one of masked, contrastive, predictive"),
        ("objective: {}", "objective: expected one of masked, .* or several of them with their weights"),
        ("objective: [masked, predictive]", "expected one of masked, .* or several of them with their weights"),
        ("objective: {masked: 0}", "objective: weight 0: expected a positive number"),
        ("objective: {masked: 1, guess: 1}", "objective: expected one of masked, contrastive, predictive"),
        ("objective: {masked: 1, contrastive: 1}", "contrastive with modalities .*image.*: it is for iq alone"),
        ("objective: {masked: {iq: 1}}", "has no weight for image: give one, or change modalities"),
        (
            "objective: {masked: {video: 1}}",
            "objective: expected a weight for each objective, or one for each modality",
        ),
        ("objective: {masked: {}}", "objective: expected a weight for each objective, or one for each modality"),
        ("objective: {masked: {iq: -1, image: 1}}", "objective: weight -1: expected a positive number"),
        ("predictive: {blocks: [0.5, 0.2]}", r"blocks \[0.5, 0.2\]: expected the lower share first"),
        ("predictive: {teacher_decay: [0.9, 1.1]}", "predictive.teacher_decay.1 is 1.1; expected"),
        ("predictive: {loss: l1}", "predictive.loss is 'l1'; expected one of smooth_l1, mse"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, named):
    with pytest.raises(WfmError, match=named) as caught:
        load_pretraining(str(tiny_file(tmp_path, text)))
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_pcgrad_is_between_the_modalities_of_all_parts(tmp_path):
    training = training_of(tmp_path, "pcgrad=true")
    loss = training.training_step((windows(), INDEX), 0)
    training.backward(loss)
    assert all(p.grad is not None for p in training.parameters() if p.requires_grad)


def test_a_whole_run_leaves_a_foundation_that_another_goes_on_from(tmp_path, capsys):
    threads = torch.get_num_threads()
    out, recipe = tmp_path / "run", str(tiny_file(tmp_path))
    assert main(["--config", recipe, "--out", str(out), BOTH, "epochs=2", "checkpoint_minutes=0.001"]) == 0
    assert main(["--out", str(out), "--resume", "epochs=3"]) == 0
    torch.set_num_threads(threads)
    assert "masked_iq_spectrum: held-out loss" in capsys.readouterr().out
    figures = json.loads((out / "figures.json").read_text())
    assert {"val_loss_masked_iq", "val_mean_predictive_iq", "val_spread_predictive_image"} <= set(figures)
    assert (out / DECODER).exists() and (out / "pictures/reconstructions_iq.png").exists()
    config = load_pretraining(str(out / "config.yaml"))
    autoencoder, _ = load_autoencoder(out, config)
    state = torch.load(out / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    assert torch.equal(autoencoder.mask_token, state["parts.masked.autoencoder.mask_token"])
    mean = state["parts.masked.mean_image"]
    assert mean.shape == (4, 256) and mean.abs().max() > 0, "measured at the run's first start"
    foundation = load_foundation(out).model.state_dict()
    training = training_of(tmp_path, f"init={out}")
    start_from(training.config, training)
    for name, weight in foundation.items():
        assert torch.equal(training.model.state_dict()[name], weight)
    assert torch.equal(training.masked.autoencoder.mask_token, autoencoder.mask_token.half().float())


def test_a_run_whose_modalities_are_asked_for_different_things(tmp_path, capsys):
    out, recipe = tmp_path / "run", str(tiny_file(tmp_path))
    apart = "objective={masked: {image: 1}, causes: {iq: 1}}"
    assert main(["--config", recipe, "--out", str(out), apart, "epochs=1", "data.passes={image: 2, iq: 1}"]) == 0
    assert "causes_iq_emitters: held-out loss" in capsys.readouterr().out
    assert (out / "pictures/reconstructions_image.png").exists()
    assert not (out / "pictures/reconstructions_iq.png").exists(), "nothing of it was to be reconstructed"
