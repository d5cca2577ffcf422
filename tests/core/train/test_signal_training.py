# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of single signals, from the command to a bundle that names them."""

import json
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.bundle import read_model_folder
from wfm_core.cli.finetune import main
from wfm_core.configs.finetuning import Signals, load_finetuning
from wfm_core.signal.found import SAMPLES
from wfm_core.signal.observe import observe
from wfm_core.synth.signals.catalogue import LABELS
from wfm_core.train.signals.shards import RECORD
from wfm_core.train.signals.training import SignalTraining, fewer

SMALL = (
    "shards=1", "crops=32", "validation_crops=16", "finder_share=0.2", "batch=8", "steps=3", "warmup_steps=1",
    "validate_every=2", "encoder={width: 32, depth: 1, heads: 2, mlp_hidden: 32}", "threads=1", "trees=null",
)  # fmt: skip


@pytest.mark.slow
def test_a_run_makes_its_crops_and_leaves_a_model_that_loads(tmp_path, capsys):
    out = tmp_path / "run"
    left_out = "leave_out=[dab, zigbee]"
    assert main(["--config", "signals.yaml", "--out", str(out), *SMALL, left_out]) == 0
    assert len(np.load(out / "crops" / "00000.npy", mmap_mode="r")) == 32
    figures = json.loads((out / "figures.json").read_text())
    expected = [label for label in LABELS if label not in ("dab", "zigbee")]
    named = int((np.load(out / "crops" / "validation.npy", mmap_mode="r")["label"] >= 0).sum())
    assert 0 < named <= 16, "what has no name has no right answer"
    assert figures["labels"] == expected and figures["windows"] == {"train": 32, "test": named}
    assert {"mean_class_accuracy", "mean_class_accuracy_iq_alone", "mean_class_accuracy_image_alone"} <= set(figures)
    assert (out / "confusion.png").exists()
    bundle = load_bundle(str(out))
    assert bundle.contract.modality == "signal" and bundle.contract.samples == SAMPLES
    outputs = bundle.infer(observe(np.ones(5000), 1e4, 0.25, 20.0, 1e6)[None, None])
    assert outputs["classification"].shape == (1, len(expected))
    np.testing.assert_allclose(outputs["classification"].sum(), 1, atol=1e-3)
    made = (out / "crops" / "00000.npy").stat().st_mtime_ns
    assert main(["--config", "signals.yaml", "--out", str(out), "--resume", *SMALL, left_out, "steps=5"]) == 0
    assert (out / "crops" / "00000.npy").stat().st_mtime_ns == made
    assert "mean_class_accuracy" in capsys.readouterr().out


def test_trees_grow_on_files_of_their_own_and_go_into_the_bundle(tmp_path, monkeypatch):
    out = tmp_path / "run"
    draw = partial(random_shard, np.random.default_rng(0))
    monkeypatch.setattr("wfm_core.train.signals.batches.make_shard", draw)
    (out / "crops").mkdir(parents=True)
    for number in range(3):
        draw(out / "crops" / f"{number:05d}.npy", 0, 64, 0.5)
    trees = "trees={shards: 2, rounds: 3, leaves: 4, depth: 3, learning_rate: 0.3, least: 2, features: 1.0, bins: 15}"
    options = [*SMALL, "shards=3", "crops=64", "token_dropout=0.5", trees]
    assert main(["--config", "signals.yaml", "--out", str(out), *options]) == 0
    contract, weights = read_model_folder(out)
    assert (contract.trees.rounds, contract.trees.leaves, contract.trees.depth) == (3, 4, 3)
    grown = weights["opinion.trees.threshold"].clone()
    assert grown.dtype == torch.int16 and grown.any()
    bundle = load_bundle(str(out))
    assert bundle.contract.tokens(1) == 1 + 80 + 64 + 3 + 4 + 4 + 1
    assert bundle.infer(observe(np.ones(5000), 1e4, 0.25, 20.0, 1e6)[None, None])["classification"].shape[0] == 1
    assert main(["--config", "signals.yaml", "--out", str(out), "--resume", *options, "steps=5"]) == 0
    assert torch.equal(read_model_folder(out)[1]["opinion.trees.threshold"], grown)


def test_trees_of_an_earlier_model_go_on(tmp_path, monkeypatch, capsys):
    draw = partial(random_shard, np.random.default_rng(0))
    monkeypatch.setattr("wfm_core.train.signals.batches.make_shard", draw)
    sizes = "leaves: 4, depth: 3, learning_rate: 0.3, least: 2, features: 1.0, bins: 15"
    run = {name: tmp_path / name for name in ("first", "second", "third")}
    for out in run.values():
        (out / "crops").mkdir(parents=True)
        for number in range(3):
            draw(out / "crops" / f"{number:05d}.npy", 0, 64, 0.5)
    options = [*SMALL, "shards=3", "crops=64"]

    def train(name, trees):
        return main(["--config", "signals.yaml", "--out", str(run[name]), *options, *trees])

    assert train("first", [f"trees={{shards: 2, rounds: 2, {sizes}}}"]) == 0
    began = f"init={run['first']}"
    assert train("second", [began, f"trees={{shards: 2, go_on: true, rounds: 5, {sizes}}}"]) == 0
    contract, weights = read_model_folder(run["second"])
    before = read_model_folder(run["first"])[1]["opinion.trees.value"]
    after = weights["opinion.trees.value"]
    assert contract.trees.rounds == 5 and len(after) == 5 * len(before) // 2
    assert torch.equal(after[: len(before)], before) and after[len(before) :].any()
    # what goes on corrects what is there
    assert after[len(before) :].abs().max() < before.abs().max() * 1.5
    assert train("third", [began, f"trees={{shards: 2, go_on: true, rounds: 2, {sizes}}}"]) != 0
    assert "fewer than trees.rounds, 2" in capsys.readouterr().err
    assert train("third", [f"trees={{shards: 2, go_on: true, rounds: 5, {sizes}}}"]) != 0
    assert "trees.go_on without init" in capsys.readouterr().err


def random_shard(rng, path, seed, count, finder_share, labels=None):
    """Crops of noise, whose bandwidth says the class."""
    rows = np.zeros(count, RECORD)
    rows["label"] = rng.integers(0, 3, count)
    rows["numbers"] = rng.normal(0, 0.1, rows["numbers"].shape)
    rows["numbers"][:, 0] += rows["label"]
    np.save(path, rows)


def test_left_out_tokens_are_of_images_and_iq_alone():
    tokens = torch.arange(2 * 11.0).view(2, 11, 1).expand(-1, -1, 4)
    kept = fewer(tokens, 6, 0.5)
    assert kept.shape == (2, 1 + 3 + 4, 4)
    torch.testing.assert_close(kept[:, 0], tokens[:, 0])
    torch.testing.assert_close(kept[:, 4:], tokens[:, 7:])
    assert all(set(row.tolist()) < set(range(1 + 11 * n, 7 + 11 * n)) for n, row in enumerate(kept[:, 1:4, 0]))


def test_the_configuration_is_checked():
    config = load_finetuning("signals.yaml", {"task": "classification", "seed": 5}, list(SMALL))
    assert isinstance(config, Signals) and config.seed == 5 and config.shards == 1
    with pytest.raises(WfmError, match="trees.shards 100 of 1 shards"):
        load_finetuning(
            "signals.yaml",
            {},
            [
                *SMALL,
                "trees={shards: 100, rounds: 1, leaves: 2, depth: 1, learning_rate: 1, least: 1, features: 1, bins: 2}",
            ],
        )
    with pytest.raises(WfmError, match="view_dropout"):
        load_finetuning("signals.yaml", {}, ["view_dropout=0.7"])
    with pytest.raises(WfmError, match="activity"):
        load_finetuning("signals.yaml", {"task": "activity"}, [])


def test_what_has_no_name_shall_be_as_likely_of_any_class():
    training = SignalTraining.__new__(SignalTraining)
    torch.nn.Module.__init__(training)
    training.config = SimpleNamespace(label_smoothing=0.1)
    logits, target = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.1, 0.0]]), torch.tensor([0, 2])
    expected = torch.nn.functional.cross_entropy(logits, target, label_smoothing=0.1)
    torch.testing.assert_close(training.loss(logits, target), expected)
    nameless = torch.tensor([-1, -1])
    even = training.loss(torch.zeros(2, 3), nameless)
    assert even < training.loss(logits, nameless)
    mixed = training.loss(torch.cat([logits, logits]), torch.cat([target, nameless]))
    torch.testing.assert_close(mixed, (expected + training.loss(logits, nameless)) / 2)
