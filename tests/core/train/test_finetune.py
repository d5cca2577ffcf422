# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-finetune on labelled data sets: runs, what they leave, resuming, and what is refused."""

import json

import numpy as np
import pytest
import torch
import yaml
from finetune_sets import DESCRIPTION, FAST, spots, tiny_foundation, tones
from safetensors.torch import load_file

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.bundle import export_bundle, read_model_folder
from wfm_core.bundle.foundation import load_foundation
from wfm_core.cli.finetune import main
from wfm_core.configs.finetuning import load_finetuning
from wfm_core.data.dataset import open_dataset, write_dataset
from wfm_core.signal import build_preprocessor
from wfm_core.train.finetune.data import prepare
from wfm_core.train.finetune.starting import choose_feed, start_model
from wfm_core.train.objectives.labelled import LabelledTraining, predict
from wfm_core.train.regimes import apply_regime

finetune_command = main.__wrapped__  # raises, where the program prints

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*treespec")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A folder with a foundation `tiny` and the data sets `tones.h5`, `spots.h5` and `places.h5`."""
    folder = tmp_path_factory.mktemp("sets")
    tiny_foundation(folder / "tiny")
    tones(folder / "tones.h5")
    spots(folder / "spots.h5")
    spots(folder / "places.h5", "position", windows=96)
    return folder


def command(sets, data, out, *arguments):
    return ["--data", str(sets / data), "--init", str(sets / "tiny"), "--out", str(out), *arguments, *FAST]


def training_side_probabilities(run):
    """Of the test windows, from the last checkpoint: adapters and LoRA not merged, nothing exported."""
    config = load_finetuning(str(run / "config.yaml"), {})
    dataset, foundation = open_dataset(config.data), load_foundation(config.init)
    feed = choose_feed(foundation, dataset, config)
    model = start_model(foundation, feed, dataset.labels, config)
    apply_regime(model, config.regime, rank=config.lora_rank, alpha=config.lora_alpha)
    training = LabelledTraining(config, model, feed.modality, 1)
    state = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    training.load_state_dict(state)
    test = np.array(json.loads((run / "split.json").read_text())["test"])
    logits, _ = predict(training, [(prepare(dataset, feed, run)[test], None)])
    temperature = yaml.safe_load((run / "contract.yaml").read_text())["tasks"][config.task]["temperature"]
    return dataset, test, (logits / temperature).softmax(1).numpy()


def test_linear_probing_of_iq_leaves_a_model_folder(sets, tmp_path, capsys):
    run = tmp_path / "run"
    finetune_command(command(sets, "tones.h5", run, "--task", "pitch", "--regime", "lp", "epochs=12"))
    figures = json.loads((run / "figures.json").read_text())
    assert figures["mean_class_accuracy"] > 0.9, "a low tone and a high one"
    low, high = figures["mean_class_accuracy_interval"]
    assert 0 <= low <= figures["mean_class_accuracy"] <= high <= 1
    assert figures["data"]["real"] is False and figures["task"] == "pitch"
    said = capsys.readouterr().out
    assert figures["split"] in said and "group:source, seed 1" in said
    split = json.loads((run / "split.json").read_text())
    assert split["description"] == figures["split"]
    source = open_dataset(sets / "tones.h5").groups["source"]
    recordings = [set(source[split[side]]) for side in ("train", "validation", "test")]
    assert all(recordings) and sum(map(len, recordings)) == len(set.union(*recordings)), "a recording is on one side"
    for picture in ("confusion.png", "embeddings.png"):
        assert (run / picture).read_bytes().startswith(b"\x89PNG")
    _, weights = read_model_folder(run)
    pretrained = load_foundation(sets / "tiny").model.state_dict()
    for name, tensor in pretrained.items():
        if name.startswith("encoder.blocks."):
            assert torch.equal(weights[name], tensor), f"{name} is frozen"
    assert not torch.equal(weights["iq.projection.weight"], pretrained["iq.projection.weight"])
    dataset, test, expected = training_side_probabilities(run)
    bundle = wfm_core.load_bundle(export_bundle(run, tmp_path), device="cpu", dtype="fp32")
    assert bundle.contract.sample_rate_max == 1.5e6 and bundle.contract.antennas == 2
    assert bundle.contract.signal == DESCRIPTION["modalities"]["iq"]["signal"], "the encoder knows these statistics"
    np.testing.assert_allclose(bundle.infer(dataset.read_iq(test))["pitch"], expected, atol=1e-5)
    assert figures["accuracy"] == pytest.approx(np.mean(expected.argmax(1) == dataset.label[test]))


@pytest.mark.parametrize("regime", ["lp", "lora", "scratch"])
def test_what_is_measured_of_windows_stays_scaled_as_it_was(sets, tmp_path, regime):
    measured = {"modalities": {"iq": {**DESCRIPTION["modalities"]["iq"], "measures": True}}}
    tiny_foundation(tmp_path / "measured", **measured)
    arguments = command(sets, "tones.h5", tmp_path / "run", "--task", "pitch", "--regime", regime, "epochs=2")
    finetune_command([*arguments, "--init", str(tmp_path / "measured")])
    contract, weights = read_model_folder(tmp_path / "run")
    before = load_foundation(tmp_path / "measured").model.iq.measures
    assert contract.iq_measures and torch.equal(weights["iq.measures.mean"].float(), before.mean)
    assert weights["iq.measures.tokens.weight"].any(), "and what they say is learnt"
    bundle = wfm_core.load_bundle(export_bundle(tmp_path / "run", tmp_path), device="cpu", dtype="fp32")
    assert bundle.infer(open_dataset(sets / "tones.h5").read_iq(np.arange(3)))["pitch"].shape == (3, 2)


def test_lora_on_images_of_other_channels_and_size(sets, tmp_path):
    run = tmp_path / "run"
    options = ["--regime", "lora", "--split", "stratified", "pooling=mean", "image_size=[16,32]", "lora_rank=4"]
    finetune_command(command(sets, "spots.h5", run, *options, "epochs=3"))
    dataset, test, expected = training_side_probabilities(run)
    bundle = wfm_core.load_bundle(export_bundle(run, tmp_path), device="cpu", dtype="fp32")
    assert bundle.contract.image_size == (16, 32) and bundle.contract.input_shape == (3, 20, 24)
    np.testing.assert_allclose(bundle.infer_image(dataset.read(test))["activity"], expected, atol=1e-5)
    contract = yaml.safe_load((run / "contract.yaml").read_text())
    assert contract["origin"]["init"]["name"] == "tiny" and contract["origin"]["regime"] == "lora"
    assert contract["origin"]["split"].startswith("stratified")
    assert contract["tasks"]["activity"]["open_set_threshold"] > 0


def test_channels_apart_start_as_their_mean_and_part(sets, tmp_path):
    run, image = tmp_path / "run", open_dataset(sets / "spots.h5").read([0])
    options = ["--regime", "lp", "--split", "stratified", "pooling=mean", "image_size=[16,32]", "channels=apart"]
    foundation, dataset = load_foundation(sets / "tiny"), open_dataset(sets / "spots.h5")
    config = load_finetuning(None, {"task": "activity", "data": "spots.h5", "init": "tiny"}, options[4:])
    feed = choose_feed(foundation, dataset, config)
    started = start_model(foundation, feed, dataset.labels, config)
    mixed = start_model(foundation, feed, dataset.labels, config.model_copy(update={"channels": "mixed"}))
    pixels = build_preprocessor(feed.signal)(torch.from_numpy(image))
    torch.testing.assert_close(started.encode_image(pixels), mixed.encode_image(pixels))
    finetune_command(command(sets, "spots.h5", run, *options, "epochs=3"))
    kernels = load_file(run / "weights.safetensors")["image.projection.weight"].unflatten(1, (3, -1))
    assert not torch.allclose(kernels[:, 0], kernels[:, 1], atol=1e-3)
    dataset, test, expected = training_side_probabilities(run)
    bundle = wfm_core.load_bundle(export_bundle(run, tmp_path), device="cpu", dtype="fp32")
    np.testing.assert_allclose(bundle.infer_image(dataset.read(test))["activity"], expected, atol=1e-5)


def test_spectrograms_of_iq_when_asked_for(sets, tmp_path):
    run = tmp_path / "run"
    finetune_command(command(sets, "tones.h5", run, "--modality", "image", "--freeze-inputs", "epochs=1"))
    bundle = wfm_core.load_bundle(str(run), device="cpu", dtype="fp32")
    assert bundle.contract.modality == "image" and bundle.contract.input == "iq"
    weights = bundle.infer(open_dataset(sets / "tones.h5").read_iq([0, 1]))
    assert weights["custom"].shape == (2, 2)
    pretrained = load_foundation(sets / "tiny").model.state_dict()
    _, tuned = read_model_folder(run)
    for name in ("cls_token", "image.projection.weight", "image.scale"):
        assert torch.equal(tuned[name], pretrained[name]), "the inputs were to be frozen"


def test_positions_are_metres_in_the_scene(sets, tmp_path):
    run = tmp_path / "run"
    finetune_command(command(sets, "places.h5", run, "--regime", "full", "layer_decay=1.0", "epochs=25"))
    figures = json.loads((run / "figures.json").read_text())
    dataset = open_dataset(sets / "places.h5")
    test = json.loads((run / "split.json").read_text())["test"]
    bundle = wfm_core.load_bundle(str(run), device="cpu", dtype="fp32")
    metres = bundle.infer_image(dataset.read(test))["position"]
    errors = np.linalg.norm(metres - dataset.label[test], axis=1)
    assert figures["mean_m"] == pytest.approx(errors.mean(), rel=1e-4)
    assert figures["median_m"] == pytest.approx(np.median(errors), rel=1e-4)
    centre = np.linalg.norm(dataset.label[test] - dataset.label.mean(0), axis=1).mean()
    assert figures["mean_m"] < 0.7 * centre, "nearer than the middle of all places"
    np.testing.assert_allclose(metres[:, 2], 1.5, atol=1e-5, err_msg="a flat axis of the scene")
    assert (run / "cdf.png").exists()


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(sets, tmp_path, monkeypatch):
    options = ["--regime", "ft2", "blocks=1", "epochs=4", "batch=8", "accumulate=2", "checkpoint_minutes=0.00001"]
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    arguments = command(sets, "tones.h5", stopped)[: -len(FAST)]
    fast = [text for text in FAST if not text.startswith("batch")]
    finetune_command([*command(sets, "tones.h5", whole)[: -len(FAST)], *options, *fast])
    step, calls = LabelledTraining.training_step, []

    def failing(self, batch, number):
        calls.append(number)
        if len(calls) == 12:
            raise RuntimeError("power cut")
        return step(self, batch, number)

    monkeypatch.setattr(LabelledTraining, "training_step", failing)
    with pytest.raises(RuntimeError, match="power cut"):
        finetune_command([*arguments, *options, *fast])
    monkeypatch.undo()
    done = torch.load(stopped / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]
    assert done == 5, "the 12th batch is the second one of the 6th step"
    finetune_command(["--out", str(stopped), "--resume"])
    expected, resumed = read_model_folder(whole)[1], read_model_folder(stopped)[1]
    for name, tensor in expected.items():
        torch.testing.assert_close(resumed[name], tensor, atol=1e-6, rtol=1e-5, msg=name)


def refused(arguments, match):
    with pytest.raises(WfmError, match=match):
        finetune_command(arguments)


def test_what_does_not_fit_is_named(sets, tmp_path):
    run = tmp_path / "run"
    refused(command(sets, "spots.h5", run, "--modality", "iq"), "holds csi, which cannot feed modality iq")
    tiny_foundation(tmp_path / "iq_only", modalities={"iq": DESCRIPTION["modalities"]["iq"]})
    arguments = ["--data", str(sets / "spots.h5"), "--init", str(tmp_path / "iq_only"), "--out", str(run)]
    refused(arguments, "feeds modality image, but tiny was pretrained on iq alone")
    refused(command(sets, "spots.h5", run, "--task", "my task"), "task 'my task' cannot be the name of an output")
    refused(command(sets, "spots.h5", run, "image_size=[20,32]"), "images of 20x32 pixels; expected multiples of 16")
    refused(command(sets, "spots.h5", run, "epoch=3"), "unknown key 'epoch' in an override; did you mean 'epochs'")
    refused(command(sets, "tones.h5", run, "--split", "group:sorce"), "unknown group 'sorce'.*nearest.*'source'")
    tones(tmp_path / "wide.h5", antennas=5, sources=2)
    refused(command(tmp_path, "wide.h5", run, "--init", str(sets / "tiny")), "5 antennas x 128.*expected 1 to 4")
    tones(tmp_path / "odd.h5", samples=120, sources=2)
    refused(command(tmp_path, "odd.h5", run, "--init", str(sets / "tiny")), "x 120 samples; expected .*multiple of 16")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "foundation.yaml").write_text((sets / "tiny" / "foundation.yaml").read_text())
    refused(command(sets, "tones.h5", run, "--init", str(tmp_path / "half")), "weights.safetensors cannot be read")


def test_labels_that_cannot_be_split_are_named(sets, tmp_path):
    dataset = open_dataset(sets / "spots.h5")
    for label, match in (([0] * 46 + [1, 2], "classes of one window: b, c"), ([0] * 48, "in one class|has one class")):
        labels = ["a", "b", "c"][: max(label) + 1]
        write_dataset(
            tmp_path / "bad.h5",
            "csi",
            dataset.read(range(48)),
            label,
            labels=labels,
            task="activity",
            signal=dataset.signal,
            provenance={},
        )
        refused(command(tmp_path, "bad.h5", tmp_path / "run", "--init", str(sets / "tiny")), match)


def test_a_run_folder_is_not_overwritten_and_resumes_only_itself(sets, tmp_path):
    run = tmp_path / "run"
    arguments = command(sets, "spots.h5", run, "epochs=1")
    finetune_command(arguments)
    refused(arguments, "already holds a run; add --resume")
    kept = (run / "config.yaml").read_text()
    refused(["--out", str(run), "--resume", "--config", "finetune.yaml"], "leave out --config")
    refused(["--out", str(run), "--resume", "--regime", "full"], "its regime is lp, the configuration wants full")
    assert (run / "config.yaml").read_text() == kept
    split = json.loads((run / "split.json").read_text())
    (run / "split.json").write_text(json.dumps({**split, "test": split["test"][1:]}))
    refused(["--out", str(run), "--resume"], "other windows than the split")
    assert main(["--out", str(tmp_path / "none"), "--regime", "lp"]) == 1, "scenes without end are from scratch alone"


def test_without_validation_windows_there_is_no_calibration(sets, tmp_path):
    run = tmp_path / "run"
    finetune_command(command(sets, "spots.h5", run, "epochs=1", "validation_share=0", "--regime", "scratch"))
    figures = json.loads((run / "figures.json").read_text())
    assert figures["windows"]["validation"] == 0 and figures["ece_before"] == figures["ece_after"]
    assert yaml.safe_load((run / "contract.yaml").read_text())["tasks"]["activity"]["temperature"] == 1.0
