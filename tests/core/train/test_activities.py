# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of activities, from the command to a bundle that answers; and the heads that are fitted."""

import json

import numpy as np
import pytest
import torch
from finetune_sets import DESCRIPTION, tiny_foundation

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.cli.finetune import main
from wfm_core.configs.finetuning import Activities, load_finetuning
from wfm_core.synth.csi.activities import ACTIVITIES
from wfm_core.synth.csi.sensing import NAMED, UNKNOWN
from wfm_core.train.activities.batches import LinkBatches
from wfm_core.train.activities.heads import MOTION, PRESENCE, SEEN, fit_head, targets

SMALL = (
    "batch=8", "steps=3", "warmup_steps=1", "validate_every=2", "head_windows=48", "validation_windows=40",
    "packets=128", "grids={intel5300-20: 1.0}",
)  # fmt: skip


def of_channels(folder):
    image = DESCRIPTION["modalities"]["image"] | {"channels": 8, "per_channel": True}
    return tiny_foundation(folder, modalities={"image": image})


@pytest.mark.slow
def test_a_run_leaves_a_model_that_loads_and_goes_on(tmp_path, capsys):
    out, init = tmp_path / "run", of_channels(tmp_path / "tiny")
    assert main(["--config", "activity.yaml", "--out", str(out), "--init", str(init), *SMALL]) == 0
    figures = json.loads((out / "figures.json").read_text())
    assert figures["labels"] == list(NAMED) and np.sum(figures["confusion"]) == 40
    assert all(set(figures[task]) == {"false_alarms", "recall"} for task in (PRESENCE, MOTION))
    assert (out / "confusion.png").exists()
    bundle = load_bundle(str(out))
    outputs = bundle.infer_image(np.random.default_rng(0).random((2, 1, 52, 128), np.float32))
    assert {name: value.shape[1] for name, value in outputs.items() if name in bundle.contract.tasks} == {
        "activity": len(NAMED), PRESENCE: 2, MOTION: 2,
    }  # fmt: skip
    assert (
        main(["--config", "activity.yaml", "--out", str(out), "--resume", "--init", str(init), *SMALL, "steps=4"]) == 0
    )
    assert "mean_class_accuracy" in capsys.readouterr().out


def small(*more: str) -> Activities:
    config = load_finetuning("activity.yaml", {}, [*SMALL, *more])
    assert isinstance(config, Activities)
    return config


def test_batches_are_seeded():
    config = small("replays=1", "receivers=2")
    once, again = iter(LinkBatches(config)), iter(LinkBatches(config))
    for _ in range(3):
        ((image, numbers), label), ((same, _), _) = next(once), next(again)
        assert len(image) == len(numbers) == len(label) == 8 and int(label.min()) >= 0
        assert torch.equal(image, same)


def test_an_earlier_batch_comes_again_and_otherwise():
    batches = iter(LinkBatches(small("replays=1")))
    ((first, _), label), ((second, _), other) = next(batches), next(batches)
    assert torch.equal(label, other), "the only earlier one"
    torch.testing.assert_close(first[:, 1], second[:, 1], atol=0.5, rtol=0)
    assert not torch.equal(first[:, 0], second[:, 0])
    power = [x[:, 0].square().mean((1, 2)) for x in (first, second)]
    torch.testing.assert_close(*power, atol=0.02, rtol=0.05)


def test_targets():
    nobody, walk, still = (ACTIVITIES.index(name) for name in ("empty", "walk", "still"))
    windows = {
        "activity": torch.tensor([nobody, walk, still, walk]),
        "motion": torch.tensor([0, 1, UNKNOWN, 0]),
        "whole": torch.tensor([True, True, True, False]),
    }
    assert targets(windows)[PRESENCE].tolist() == [0, 1, 1, UNKNOWN]
    assert targets(windows)[MOTION].tolist() == [0, 1, UNKNOWN, 0]


def test_a_head_sees_what_it_may():
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randn(400, 46, generator=generator)
    target = (numbers[:, SEEN[0]] + 0.3 * numbers[:, 0] > 0).long()
    target[:50] = UNKNOWN
    head = fit_head(numbers, target, SEEN)
    blind = [place for place in range(46) if place not in SEEN]
    assert not head.linear.weight[:, blind].any() and head.linear.weight[1, SEEN[0]] > 0.5
    known = target != UNKNOWN
    assert (head(numbers)[known].argmax(1) == target[known]).float().mean() > 0.85
    everything = fit_head(numbers, target)
    assert (everything(numbers)[known].argmax(1) == target[known]).float().mean() > 0.95


@pytest.mark.parametrize(
    ("change", "says"),
    [("packets=64", "packets"), ("false_alarms={breath: 0.1}", "false_alarms"), ("rates=[1]", "rates")],
)
def test_what_cannot_be_is_named(change, says):
    with pytest.raises(WfmError, match=says):
        load_finetuning("activity.yaml", {}, [change])
