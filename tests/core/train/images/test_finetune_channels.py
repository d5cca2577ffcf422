# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-finetune from a foundation whose image side makes tokens of each channel."""

import copy

import numpy as np
import pytest
import torch
import yaml
from finetune_sets import DESCRIPTION, FAST, spots, tiny_foundation, tones

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.bundle import export_bundle, read_model_folder
from wfm_core.bundle.assemble import fitted
from wfm_core.bundle.foundation import load_foundation
from wfm_core.cli.finetune import main
from wfm_core.configs.finetuning import load_finetuning
from wfm_core.data.dataset import open_dataset, write_dataset
from wfm_core.model import pool
from wfm_core.signal import build_preprocessor
from wfm_core.train.finetune.starting import choose_feed, start_model
from wfm_core.train.optimizers import layer_groups
from wfm_core.train.probe.features import features
from wfm_core.train.regimes import REGIMES, apply_regime

finetune_command = main.__wrapped__  # raises, where the program prints

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*treespec")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A folder with the foundation `apart`, which knows up to 8 channels, and the data sets `tones.h5`, `spots.h5`."""
    folder = tmp_path_factory.mktemp("sets")
    modalities = copy.deepcopy(DESCRIPTION["modalities"])
    modalities["image"] |= {"channels": 8, "per_channel": True}
    tiny_foundation(folder / "apart", modalities=modalities)
    tones(folder / "tones.h5", sources=3)
    spots(folder / "spots.h5")
    return folder


def run(sets, data, out, *arguments):
    given = ["--data", str(sets / data), "--init", str(sets / "apart"), "--out", str(out), *arguments]
    finetune_command([*given, *FAST, "epochs=1"])
    return out


@pytest.mark.parametrize("channels", ["mixed", "apart"])
def test_a_model_starts_as_the_foundation_and_keeps_its_vectors(sets, channels):
    dataset, foundation = open_dataset(sets / "spots.h5"), load_foundation(sets / "apart")
    given = {"task": "activity", "data": "spots.h5", "init": "apart"}
    config = load_finetuning(None, given, ["image_size=[16,48]", f"channels={channels}"])
    feed = choose_feed(foundation, dataset, config)
    model = start_model(foundation, feed, dataset.labels, config)
    names = {name for name, _ in model.image.named_parameters()}
    assert names == {"scale", "shift", "channel", "projection.weight", "projection.bias"}
    assert feed.shape == (3, 16, 48) and torch.equal(model.image.channel, foundation.model.image.channel[:3])
    pixels = build_preprocessor(feed.signal)(torch.from_numpy(dataset.read([0, 1])))
    torch.testing.assert_close(model.embed_image(pixels, "mean"), foundation.model.embed_image(pixels, "mean"))


@pytest.mark.parametrize("regime", REGIMES)
def test_the_vectors_train_in_every_regime_at_the_rate_of_inputs(sets, regime):
    model = copy.deepcopy(load_foundation(sets / "apart").model)
    assert {"image.channel", "image.projection.weight"} <= set(apply_regime(model, regime))
    rates = {id(p): group["lr"] for group in layer_groups(model, 1.0, 0.5, 0.0) for p in group["params"]}
    assert rates[id(model.image.channel)] == rates[id(model.image.projection.weight)] == 0.5**3


@pytest.mark.parametrize("regime", ["lp", "ft2", "lora"])
def test_a_bundle_of_three_channels_computes_what_was_trained(sets, tmp_path, regime):
    out = run(sets, "spots.h5", tmp_path / "run", "--regime", regime, "--split", "stratified", "image_size=[16,32]")
    contract, weights = read_model_folder(out)
    assert contract.raw["image"] == {"channels": 3, "size": [16, 32], "per_channel": True}
    assert weights["image.channel"].shape == (3, 32) and "image.adapter.weight" not in weights
    began = load_foundation(sets / "apart").model.image.channel[:3]
    assert not torch.equal(weights["image.channel"].float(), began), "it trains"
    bundle = load_bundle(export_bundle(out, tmp_path), device="cpu", dtype="fp32")
    pixels = open_dataset(sets / "spots.h5").read([0, 5])
    network, task = fitted(contract, weights, "test"), contract.tasks["activity"]
    embedding = network.embed_image(build_preprocessor(contract.signal)(torch.from_numpy(pixels)), task.pooling)
    wanted = (network.heads["activity"](embedding) / task.temperature).softmax(1).detach().numpy()
    np.testing.assert_allclose(bundle.infer_image(pixels)["activity"], wanted, atol=1e-5)
    assert bundle.contract.input_shape == (3, 20, 24)


@pytest.mark.parametrize(
    ("regime", "pooling", "parts"), [("lp", "channels", 3), ("scratch", "rows", 6), ("lp", "grid", 18)]
)
def test_a_head_that_sees_each_channel_apart(sets, tmp_path, regime, pooling, parts):
    given = ["--regime", regime, "--split", "stratified", "image_size=[16,32]", f"pooling={pooling}"]
    out = run(sets, "spots.h5", tmp_path / "run", *given)
    contract, weights = read_model_folder(out)
    assert contract.tasks["activity"].pooling == pooling
    assert contract.embedding_widths == {"embedding_image": parts * 32}
    assert weights["heads.activity.linear.weight"].shape[1] == parts * 32
    bundle = load_bundle(export_bundle(out, tmp_path), device="cpu", dtype="fp32")
    pixels = open_dataset(sets / "spots.h5").read([0, 5])
    network, task = fitted(contract, weights, "test"), contract.tasks["activity"]
    tokens = network.encode_image(build_preprocessor(contract.signal)(torch.from_numpy(pixels)))
    embedding = pool(tokens, pooling, columns=2, channels=3)
    wanted = (network.heads["activity"](embedding) / task.temperature).softmax(1).detach().numpy()
    found = bundle.infer_image(pixels)
    np.testing.assert_allclose(found["activity"], wanted, atol=1e-5)
    np.testing.assert_allclose(found["embedding_image"], embedding.detach().numpy(), atol=1e-5)


def test_channels_that_share_tokens_are_one_to_a_head(sets, tmp_path):
    tiny_foundation(tmp_path / "shared")
    given = ["--init", str(tmp_path / "shared"), "--split", "stratified", "image_size=[16,32]", "pooling=rows"]
    out = run(sets, "spots.h5", tmp_path / "run", *given)
    bundle = load_bundle(export_bundle(out, tmp_path), device="cpu", dtype="fp32")
    found = bundle.infer_image(open_dataset(sets / "spots.h5").read([0, 5]))
    assert found["embedding_image"].shape == (2, 2 * 32), "mean and deviation of the only row"


def test_windows_of_iq_have_no_rows(sets, tmp_path):
    with pytest.raises(
        WfmError, match="pooling rows of iq windows, whose tokens are of no image; expected cls or mean"
    ):
        run(sets, "tones.h5", tmp_path / "other", "--modality", "iq", "pooling=rows")


def test_spectrograms_of_two_antennas_are_one_channel(sets, tmp_path):
    out = run(sets, "tones.h5", tmp_path / "run", "--modality", "image", "--freeze-inputs")
    bundle = load_bundle(str(out), device="cpu", dtype="fp32")
    assert bundle.contract.image_channels == 1 and bundle.contract.antennas == 2
    assert bundle.infer(open_dataset(sets / "tones.h5").read_iq([0, 1]))["custom"].shape == (2, 2)


def test_more_channels_than_vectors_are_named(sets, tmp_path):
    images = np.random.default_rng(1).random((24, 9, 20, 24), dtype=np.float32)
    signal = {"kind": "standard_image", "size": [32, 32], "minimum": 0.0, "maximum": 1.0}
    signal |= {"mean": [0.5] * 9, "std": [0.2] * 9}
    label = np.arange(24) % 2
    common = {"task": "activity", "signal": signal, "provenance": {"reader": "test"}}
    write_dataset(tmp_path / "nine.h5", "csi", images, label, labels=["a", "b"], **common)
    with pytest.raises(WfmError, match="nine.h5: images of 9 channels; expected 1 to 8, for which the foundation has"):
        run(sets, tmp_path / "nine.h5", tmp_path / "run", "--split", "stratified")


def test_features_are_of_all_channels_together(sets):
    foundation = load_foundation(sets / "apart")
    images = torch.randn(2, 3, 48, 16)
    found = features(foundation, "image", images, "mean", torch.device("cpu"))
    np.testing.assert_allclose(found, foundation.model.embed_image(images, "mean").numpy(), atol=1e-6)
    apart = features(foundation, "image", images, "channels", torch.device("cpu"))
    assert apart.shape == (2, 3 * 32)
    np.testing.assert_allclose(apart.reshape(2, 3, 32).mean(1), found, atol=1e-6)
    many = features(foundation, "image", torch.randn(2, 9, 16, 16), "mean", torch.device("cpu"))
    assert many.shape == (2, 9 * 32)


def test_what_is_written_of_it_is_read_again(sets):
    description = yaml.safe_load((sets / "apart" / "foundation.yaml").read_text())
    assert description["modalities"]["image"]["per_channel"] is True
    assert load_foundation(sets / "apart").random(3).model.image.max_channels == 8
