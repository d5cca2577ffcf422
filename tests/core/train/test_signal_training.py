# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of single signals, from the command to a bundle that names them."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.cli.finetune import main
from wfm_core.configs.finetuning import Signals, load_finetuning
from wfm_core.signal.found import SAMPLES, observe
from wfm_core.synth.signals.catalogue import LABELS
from wfm_core.train.signals.training import SignalTraining

SMALL = (
    "shards=1", "crops=32", "validation_crops=16", "finder_share=0.2", "batch=8", "steps=3", "warmup_steps=1",
    "validate_every=2", "encoder={width: 32, depth: 1, heads: 2, mlp_hidden: 32}", "threads=1",
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
    outputs = bundle.infer(observe(np.ones(5000), 1e4, 0.25, 20.0)[None, None])
    assert outputs["classification"].shape == (1, len(expected))
    np.testing.assert_allclose(outputs["classification"].sum(), 1, atol=1e-3)
    made = (out / "crops" / "00000.npy").stat().st_mtime_ns
    assert main(["--config", "signals.yaml", "--out", str(out), "--resume", *SMALL, left_out, "steps=5"]) == 0
    assert (out / "crops" / "00000.npy").stat().st_mtime_ns == made
    assert "mean_class_accuracy" in capsys.readouterr().out


def test_the_configuration_is_checked():
    config = load_finetuning("signals.yaml", {"task": "classification", "seed": 5}, list(SMALL))
    assert isinstance(config, Signals) and config.seed == 5 and config.shards == 1
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
