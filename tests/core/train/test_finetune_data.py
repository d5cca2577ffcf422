# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tuning's configuration, sides, batches, weights of classes and scaling of positions."""

import dataclasses

import numpy as np
import pytest
import torch
from finetune_sets import tones

from wfm_core.base.errors import WfmError
from wfm_core.configs.finetuning import load_finetuning
from wfm_core.data.dataset import open_dataset
from wfm_core.train.finetune.data import Batches, batches_per_epoch, make_sides
from wfm_core.train.objectives.labelled import LabelledTraining, Scene, class_weights


def configuration(*overrides, **given):
    return load_finetuning(None, {"task": "custom", "data": "set.h5", **given}, list(overrides))


@pytest.mark.parametrize(
    ("task", "epochs", "accumulate", "smoothing", "weighted"),
    [
        ("fingerprint", 10, 1, 0.1, False),
        ("interference", 35, 2, 0.02, True),
        ("activity", 100, 1, 0.1, False),
        ("classification", 100, 1, 0.05, True),
        ("position", 100, 1, 0.0, False),
    ],
)
def test_each_task_has_its_published_settings(task, epochs, accumulate, smoothing, weighted):
    config = configuration(task=task)
    assert (config.epochs, config.accumulate) == (epochs, accumulate)
    assert (config.label_smoothing, config.class_weights) == (smoothing, weighted)
    assert (config.batch, config.weight_decay, config.layer_decay, config.warmup_epochs) == (256, 0.05, 0.75, 5)
    assert (config.lora_rank, config.lora_alpha, config.lora_scale) == (32, 64, "sqrt")
    assert config.learning_rate == pytest.approx(1e-3 * accumulate)


def test_wrong_values_are_named():
    with pytest.raises(WfmError, match="label_smoothing is 1.5"):
        configuration("label_smoothing=1.5")
    with pytest.raises(WfmError, match="unknown key 'epoch'.*'epochs'"):
        configuration("epoch=3")
    with pytest.raises(WfmError, match="task 'embedding_iq' cannot be the name"):
        configuration(task="embedding_iq")


def test_every_window_is_seen_once_an_epoch_and_batches_go_on_from_any_number():
    windows, rows = torch.arange(50.0), np.arange(3, 40)
    config = configuration("batch=10", "accumulate=2")
    assert batches_per_epoch(len(rows), config) == 4, "37 windows: two steps of two batches of 10 at most"
    batches = iter(Batches(windows, windows, rows, config))
    first, second = ([next(batches)[0] for _ in range(4)] for _ in range(2))
    for epoch in (first, second):
        assert sorted(torch.cat(epoch).tolist()) == rows.tolist()
        assert {len(batch) for batch in epoch} == {9, 10}
    assert not torch.equal(first[0], second[0])
    later = iter(Batches(windows, windows, rows, config, first=6))
    assert torch.equal(next(later)[0], second[2])
    with pytest.raises(WfmError, match="3 training windows for 4 batches"):
        batches_per_epoch(3, configuration("accumulate=4"))


def test_training_windows_turn_round_each_by_its_own_amount():
    windows, rows = torch.arange(6 * 8.0).view(6, 1, 1, 8).expand(6, 2, 3, 8), np.arange(6)
    config = configuration("batch=6", "roll=width")
    batches = iter(Batches(windows, torch.arange(6), rows, config))
    (first, label), (second, _) = next(batches), next(batches)
    assert label.tolist() == list(range(6)) and not torch.equal(first, second)
    shifts = set()
    for batch in (first, second):
        for window, stored in zip(batch, windows, strict=True):
            shift = int(window[0, 0, 0] - stored[0, 0, 0])
            assert torch.equal(window, stored.roll(-shift, -1)), "all channels and rows alike"
            shifts.add(shift)
    assert len(shifts) > 3
    assert torch.equal(next(iter(Batches(windows, torch.arange(6), rows, config, first=1)))[0], second), "resumed"
    turned = next(iter(Batches(windows, torch.arange(6), rows, configuration("batch=6", "roll=height"))))[0]
    assert torch.equal(turned, windows[:, :, :1].expand_as(windows)), "rows are alike here"


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_training_windows_get_fresh_noise(dtype):
    windows, rows = torch.zeros(4, 1, 50, 50, dtype=dtype), np.arange(4)
    batches = iter(Batches(windows, torch.arange(4), rows, configuration("batch=4", "noise=0.5")))
    first, second = next(batches)[0], next(batches)[0]
    assert first.dtype == dtype and not torch.equal(first, second)
    assert float(first.std()) == pytest.approx(0.5, rel=0.05)
    again = iter(Batches(windows, torch.arange(4), rows, configuration("batch=4", "noise=0.5"), first=1))
    assert torch.equal(next(again)[0], second), "resumed"


def test_recordings_validate_or_test_or_train(tmp_path):
    dataset = open_dataset(tones(tmp_path / "tones.h5"))
    source = dataset.groups["source"]
    for split in (None, "group:source", "hold:source=r00,r01", "every:4"):
        sides = make_sides(dataset, configuration(split=split))
        recordings = [set(source[rows]) for rows in (sides.train, sides.validation, sides.test)]
        assert all(recordings) and sum(map(len, recordings)) == 16, split
        assert sorted([*sides.train, *sides.validation, *sides.test]) == list(range(64))
    published = make_sides(dataset, configuration(split="stratified"))
    assert "leaks" in published.description


def test_validation_falls_back_to_windows_where_one_recording_of_a_class_is_left(tmp_path):
    dataset = open_dataset(tones(tmp_path / "tones.h5", sources=2))
    sides = make_sides(dataset, configuration(split="hold:source=r00,r01"))
    assert set(dataset.label[sides.validation]) == set(dataset.label[sides.train]) == {0, 1}
    assert not set(sides.train) & set(sides.validation)


def test_a_class_of_one_training_window_is_refused_or_goes_without_validation(tmp_path):
    dataset = open_dataset(tones(tmp_path / "tones.h5", sources=4, windows=1))
    few = np.flatnonzero((dataset.label == 0) | (np.arange(8) < 4))
    label, groups = dataset.label[few], {"source": dataset.groups["source"][few]}
    small = dataclasses.replace(dataset, count=len(few), label=label, groups=groups)
    with pytest.raises(WfmError, match="no validation windows.*classes of one window: high.*validation_share=0"):
        make_sides(small, configuration(split="stratified"))
    assert len(make_sides(small, configuration("validation_share=0", split="stratified")).validation) == 0


def test_class_weights_give_every_class_the_same_say():
    weights = class_weights(np.array([0, 0, 0, 1, 3, 3]), 4)
    assert weights[[0, 1, 3]].tolist() == pytest.approx([6 / 9, 2.0, 1.0])
    assert float(weights[torch.tensor([0, 0, 0, 1, 3, 3])].mean()) == pytest.approx(1)


def test_positions_span_the_scene():
    scene = Scene([0, -2, 1.5], [60, 2, 1.5])
    metres = torch.tensor([[0, 2, 1.5], [30, 0, 1.5], [60, -2, 1.5]])
    targets = scene.targets(metres)
    assert targets.tolist() == [[-1, 1, 0], [0, 0, 0], [1, -1, 0]]
    assert torch.equal(scene.measured(targets), metres)


def test_loss_is_smoothed_and_weighted_cross_entropy_or_squared_error():
    logits, label = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), torch.tensor([0, 0, 1])
    logp = logits.log_softmax(1)
    smoothed = -(0.9 * logp.gather(1, label[:, None])[:, 0] + 0.1 * logp.mean(1))
    config = configuration("label_smoothing=0.1")
    training = LabelledTraining(config, torch.nn.Identity(), "iq", 1)
    assert float(training.loss(logits, label)) == pytest.approx(float(smoothed.mean()))
    weighted = LabelledTraining(
        configuration("label_smoothing=0"), torch.nn.Identity(), "iq", 1, weights=torch.tensor([1.0, 3.0])
    )
    own = -logp.gather(1, label[:, None])[:, 0] * torch.tensor([1.0, 1.0, 3.0])
    assert float(weighted.loss(logits, label)) == pytest.approx(float(own.sum() / 5))
    positions = LabelledTraining(config, torch.nn.Identity(), "image", 1, Scene([0] * 3, [1] * 3))
    assert float(positions.loss(torch.zeros(2, 3), torch.full((2, 3), 0.5))) == pytest.approx(0.25)
