# SPDX-License-Identifier: GPL-3.0-or-later
"""The pretraining configuration: what is wrong in it is named, and each option changes what it says."""

import pytest
import torch
import yaml
from pretrain_recipe import fresh_training, tiny_config, tiny_file

from wfm_core.base.errors import WfmError
from wfm_core.configs import load_config
from wfm_core.configs.pretraining import load_pretraining
from wfm_core.model.masked import SPECTRUM

SETTINGS = {"image": {"signal": {"kind": "iq_rms"}}, "iq": {"signal": {"kind": "iq_rms"}}}
INDEX = torch.arange(4)


def training_of(folder, *overrides):
    return fresh_training(tiny_config(folder, *overrides), SETTINGS)


def windows(antennas=2):
    generator = torch.Generator().manual_seed(3)
    image = torch.randn(4, 1, 32, 32, generator=generator)
    return {"image": image, "iq": torch.randn(4, antennas, 256 // antennas, dtype=torch.complex64, generator=generator)}


@pytest.mark.parametrize(
    "text, named",
    [
        ("epocs: 3", "unknown key 'epocs'; the nearest known one is 'epochs'"),
        ("data: {window: 8}", "unknown key 'data.window'; the nearest known one is 'windows'"),
        ("encoder: {widht: 8}", "unknown key 'encoder.widht'; the nearest known one is 'width'"),
        ("data: {sources: [{kind: synthetic, wieght: 2}]}", "unknown key 'data.sources.0.wieght'.*'weight'"),
        ("batch: many", "batch is 'many'"),
        ("iq: {tokens: 16.5, antennas: [1]}", "iq.tokens is 16.5"),
        ("image: {samples: 32}", "samples 32 is less than fft_size 64"),
        ("encoder: {width: 36}", "width 36 is not a multiple"),
        ("iq: {tokens: 16, antennas: [1, 3]}", "16 tokens cannot be shared out equally among 3 antennas"),
        ("batch: 7", "data.windows 16 is not a multiple of batch 7"),
        ("iq: {tokens: 16, antennas: [1, 2, 4]}", "less than a batch for each of iq.antennas"),
        ("mask_ratio: {iq: 1.0}", "mask_ratio.iq is 1.0"),
        ("objective: contrastive", "contrastive with modalities .*image.*: it is for iq alone"),
        ("data: {sources: [{kind: recordings}]}", "kind recordings with path None"),
        ("data: {sources: [{kind: synthetic, path: here}]}", "kind synthetic with path here"),
        ("data: {sources: [{kind: dataset, path: x.h5, scenes: [fm]}]}", "kind dataset with scenes: only synthetic"),
        ("data: {sources: [{kind: cache, path: x.h5}]}", "is 'cache'; .*kind dataset: .* build --from hdf5 CACHE.h5"),
        ("data: {sources: [{kind: radio}]}", "data.sources.0.kind is 'radio'.*recordings"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_in_one_sentence(tmp_path, text, named):
    with pytest.raises(WfmError, match=named) as caught:
        load_pretraining(str(tiny_file(tmp_path, text)))
    assert "\n" not in str(caught.value)


def test_a_key_that_is_missing_is_named(tmp_path):
    path = tmp_path / "own.yaml"
    values = load_config("pretrain_smoke.yaml")
    del values["modalities"]
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(WfmError, match="the key 'modalities' is missing"):
        load_pretraining(str(path))


@pytest.mark.parametrize(
    "override, named",
    [
        ("epoch=3", "unknown key 'epoch' .*'epochs'"),
        ("data.held_ot=3", "unknown key 'data.held_ot' .*'held_out'"),
        ("dat.held_out=3", "unknown key 'dat.held_out' .*'data'"),
        ("epochs", "has no '='"),
        ("epochs=0", "epochs is 0"),
    ],
)
def test_what_is_wrong_in_an_override_is_named(tmp_path, override, named):
    with pytest.raises(WfmError, match=named):
        tiny_config(tmp_path, override)


@pytest.mark.parametrize(
    ("name", "batch"), [("paper", 160), ("authors", 256), ("cpu", 16), ("smoke", 16), ("contrastive", 64)]
)
def test_every_recipe_is_whole(name, batch):
    config = load_pretraining(f"pretrain_{name}.yaml")
    assert config.batch == batch and config.warmup_epochs < config.epochs


def test_the_paper_s_recipe_is_the_paper_s():
    """arXiv 2511.15162: 800 epochs of 6400 samples, 40 of warm-up, ratio 0.7, decoder half as wide and deep."""
    config = load_pretraining("pretrain_paper.yaml")
    assert (config.epochs, config.warmup_epochs) == (800, 40)
    assert len(config.modalities) * config.data.windows == 6400
    assert config.mask_ratio == {"image": 0.7, "iq": 0.7}
    assert (config.encoder.width, config.encoder.depth, config.encoder.heads) == (256, 8, 8)
    assert (config.decoder.width, config.decoder.depth, config.decoder.heads) == (128, 4, 16)
    assert config.affine == "before"
    assert config.spectrum_weight == 0 and not config.normalise_targets


def test_the_authors_recipe_is_their_code_s():
    """Their public pretraining code, preset small: 1e-3 for each 256 windows, of both modalities, in two batches."""
    config = load_pretraining("pretrain_authors.yaml")
    assert config.learning_rate == pytest.approx(1e-3 * (256 + 256) * 2 / 256)
    assert (config.betas, config.weight_decay, config.gradient_clip) == ((0.9, 0.95), 0.05, None)
    assert (config.epochs, config.batch, config.mask_ratio) == (400, 256, {"image": 0.75, "iq": 0.5})
    for sizes, expected in ((config.encoder, (256, 8, 8, 1024)), (config.decoder, (128, 4, 16, 512))):
        assert (sizes.width, sizes.depth, sizes.heads, sizes.mlp_hidden) == expected
        assert (sizes.norm_eps, sizes.final_norm_eps) == (1e-6, 1e-5)
    assert config.affine == "after" and config.decoder_antennas and not config.spectrum_weight
    assert (config.image.fft_size, config.image.hop, config.image.size) == (1024, 512, (224, 224))
    assert config.iq.tokens == 256


@pytest.mark.parametrize("override", ["modalities=[iq]", "modalities=[image]"])
def test_pcgrad_needs_two_modalities(tmp_path, override):
    with pytest.raises(WfmError, match="pcgrad with objective masked and modalities .*between the two modalities"):
        tiny_config(tmp_path, "pcgrad=true", override)


def test_the_learning_rate_grows_with_the_batch(tmp_path):
    one = tiny_config(tmp_path, "base_learning_rate=1e-3", "batch=8")
    other = tiny_config(tmp_path, "base_learning_rate=1e-3", "batch=16", "data.windows=32")
    assert one.learning_rate == pytest.approx(1e-3 * 8 / 256)
    assert other.learning_rate == pytest.approx(2 * one.learning_rate)


@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.75])
@pytest.mark.parametrize("modality, tokens", [("image", 4), ("iq", 16)])
def test_each_modality_has_its_mask_ratio(tmp_path, modality, tokens, ratio):
    training = training_of(tmp_path, f"mask_ratio.{modality}={ratio}")
    masks = {name: training.masks(name, x, INDEX, 1) for name, x in windows().items()}
    assert (masks[modality].sum(1) == ratio * tokens).all()
    other, length = ("iq", 16) if modality == "image" else ("image", 4)
    assert (masks[other].sum(1) == round(0.7 * length)).all()


@pytest.mark.parametrize("modality, other", [("image", "iq"), ("iq", "image")])
def test_one_modality_alone_has_one_side_and_one_loss(tmp_path, modality, other):
    training = training_of(tmp_path, f"modalities=[{modality}]", "spectrum_weight=0")
    assert getattr(training.model, other) is None
    assert set(training.losses({modality: windows()[modality]}, INDEX, 1)) == {modality}


@pytest.mark.parametrize("modality", ["image", "iq"])
def test_normalised_targets_have_mean_0_and_variance_1_in_each_token(tmp_path, modality):
    x = 3 * windows()[modality] + 1
    plain = training_of(tmp_path).autoencoder.targets(modality, x)
    normalised = training_of(tmp_path, f"normalise_targets=[{modality}]").autoencoder.targets(modality, x)
    assert plain.var(2, correction=0).mean() > 4
    torch.testing.assert_close(normalised.mean(2), torch.zeros(plain.shape[:2]), atol=1e-5, rtol=0)
    torch.testing.assert_close(normalised.var(2), torch.ones(plain.shape[:2]), atol=1e-3, rtol=0)


def test_the_affine_after_the_positions_scales_them_too(tmp_path):
    placed = {}
    for affine in ("before", "after"):
        side = training_of(tmp_path, f"affine={affine}").model.iq
        x = windows()["iq"]
        torch.nn.init.constant_(side.scale, 0.0)
        torch.nn.init.constant_(side.shift, 0.0)
        placed[affine] = side.place(side.values(x), side.places(x))
    assert placed["before"].abs().max() > 0.5, "the positions are added to the scaled tokens"
    assert placed["after"].abs().max() == 0, "the positions are scaled with the tokens"


def test_antenna_vectors_in_the_decoder_can_be_left_out(tmp_path):
    assert training_of(tmp_path).autoencoder.decoder_antenna.shape == (2, 32)
    assert training_of(tmp_path, "decoder_antennas=false").autoencoder.decoder_antenna is None


def test_the_spectra_s_loss_is_weighted(tmp_path):
    assert SPECTRUM not in training_of(tmp_path, "spectrum_weight=0").losses(windows(), INDEX, 1)
    training = training_of(tmp_path, "spectrum_weight=0.25")
    losses = training.losses(windows(), INDEX, 1)
    expected = losses["image"] + losses["iq"] + 0.25 * losses[SPECTRUM]
    torch.testing.assert_close(training.total(losses), expected)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("base: x.yaml\n", "is based on '.*x.yaml', expected another file, and no circle"),
        ("base: [x.yaml]\n", "is based on .*expected another file"),
        ("a: " + "[" * 2000, "is not YAML"),
        ("a: " + "x" * 300_000, "at most 262144 are read"),
        (b"a: \xff\xfe", "is not YAML"),
    ],
)
def test_strange_files_are_refused_in_a_sentence(tmp_path, monkeypatch, text, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(WfmError, match=sentence) as refused:
        load_config("x.yaml")
    assert "\n" not in str(refused.value)


def test_an_override_that_is_no_yaml_is_refused_in_a_sentence():
    with pytest.raises(WfmError, match="the override seed=.* is not YAML"):
        load_config("interference.yaml", ["seed=[[["])
