# SPDX-License-Identifier: GPL-3.0-or-later
"""The training command on a tiny encoder: runs, resumes, and leaves a model that loads."""

import json
import re
import subprocess
import sys

import pytest
import torch
import yaml
from safetensors.torch import load_file

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.cli.finetune import main
from wfm_core.configs import load_config
from wfm_core.configs.finetuning import load_finetuning
from wfm_core.evaluate.calibration import calibrate, expected_calibration_error, false_alarm_bias, fit_temperature
from wfm_core.evaluate.metrics import interference_accuracies
from wfm_core.evaluate.table import read_row
from wfm_core.train.finetune.results import mix
from wfm_core.train.finetune.scenes import MixedScenes, random_runs
from wfm_core.train.objectives.labelled import LabelledTraining

TINY = [
    "encoder.depth=1",
    "batch=8",
    "validation_windows=32",
    "validate_every=1000",
    "warmup_steps=2",
    "workers=0",
    "threads=1",
]


def finetune(out, *arguments):
    command = [sys.executable, "-m", "wfm_core.cli.finetune", "--task", "interference", "--out", str(out), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    "config", ["interference.yaml", pytest.param("interference_iq.yaml", marks=pytest.mark.slow, id="of-iq")]
)
def test_a_run_leaves_a_model_that_loads(tmp_path, config):
    done = finetune(tmp_path, "--config", config, "steps=2", *TINY)
    assert done.returncode == 0, done.stderr[-2000:]
    bundle = wfm_core.load_bundle(str(tmp_path), device="cpu")
    outputs = bundle.infer(torch.randn(3, 2, 4096, dtype=torch.complex64))
    assert outputs["interference"].shape == (3, 3)
    contract = yaml.safe_load((tmp_path / "contract.yaml").read_text())
    assert contract["origin"]["data"] == "synthetic" and "wfm-finetune" in contract["origin"]["command"]
    task = contract["tasks"]["interference"]
    assert task["temperature"] > 0 and len(task["bias"]) == 3 and task["bias"][1:] == [0, 0]
    assert load_file(tmp_path / "weights.safetensors")["cls_token"].dtype == torch.float16
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert {"intd", "intc", "detections", "false_alarms", "ece_before", "ece_after"} <= set(figures)
    assert figures["false_alarms"] < 0.3, "one of five windows at most: the bias is set on these very ones"
    row = read_row(tmp_path)
    assert (row.kind, row.regime, set(row.values)) == ("synthetic", "scratch", {"INTD", "INTC"})


def test_a_second_run_needs_resume_and_resume_goes_on(tmp_path):
    assert finetune(tmp_path, "steps=2", "checkpoint_minutes=0.0001", *TINY).returncode == 0
    refused = finetune(tmp_path, "steps=4", *TINY)
    assert refused.returncode == 1 and "--resume" in refused.stderr and "Traceback" not in refused.stderr
    assert finetune(tmp_path, "--resume", "steps=4", *TINY).returncode == 0
    checkpoint = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 4


def test_a_run_on_scenes_goes_on_with_its_own_configuration(tmp_path, capfd):
    assert finetune(tmp_path, "--seed", "5", "steps=2", *TINY).returncode == 0
    assert main(["--out", str(tmp_path), "--resume", "steps=3"]) == 0
    kept = load_finetuning(str(tmp_path / "config.yaml"), {})
    assert (kept.seed, kept.steps, kept.batch, kept.encoder.depth) == (5, 3, 8, 1)
    again = ["--task", "interference", "--config", "interference.yaml", "--out", str(tmp_path), "--resume", *TINY]
    assert main([*again, "steps=4"]) == 0, "as it was started, with --resume"
    assert torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 4
    before = (tmp_path / "config.yaml").read_text()
    capfd.readouterr()
    assert main(["--out", str(tmp_path), "--resume", "encoder.depth=2"]) == 1
    assert "another run: its encoder is" in capfd.readouterr().err
    assert (tmp_path / "config.yaml").read_text() == before


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("steps=0", "interference.yaml: steps is 0"),
        ("validation_windows=100", "validation_windows 100 is less than a batch of 64 for each of 1 to 4 antennas"),
        ("modality=sound", "modality is 'sound'"),
    ],
)
def test_wrong_values_of_scenes_are_named(override, named):
    with pytest.raises(WfmError, match=re.escape(named)):
        load_finetuning(None, {}, [override])


@pytest.mark.parametrize("given", [{"task": "activity"}, {"regime": "lp"}, {"split": "random"}])
def test_scenes_are_of_interference_and_every_weight_trains(given):
    with pytest.raises(WfmError, match="without a data set"):
        load_finetuning("interference_iq.yaml", given)
    assert load_finetuning(None, {"task": "interference", "regime": "scratch", "seed": 3}).seed == 3


def test_a_run_starts_from_a_model_folder(tmp_path):
    """With a rate of nearly nothing: what the run keeps is what it began with."""
    first, second = tmp_path / "first", tmp_path / "second"
    assert finetune(first, "steps=2", *TINY).returncode == 0
    done = finetune(second, "--init", str(first), "--seed", "9", "steps=1", "learning_rate=1e-9", *TINY)
    assert done.returncode == 0, done.stderr[-2000:]
    before, after = (load_file(folder / "weights.safetensors") for folder in (first, second))
    for name, weights in before.items():
        torch.testing.assert_close(after[name].float(), weights.float(), rtol=1e-2, atol=1e-4)
    begun = yaml.safe_load((first / "contract.yaml").read_text())["weights_sha256"]
    assert yaml.safe_load((second / "contract.yaml").read_text())["origin"]["init"] == f"wfm-interference {begun}"


def test_a_kept_network_has_its_share_of_another_s_weights():
    model, begun = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    own, others = ({name: tensor.clone() for name, tensor in one.state_dict().items()} for one in (model, begun))
    mix(model, others, 0.25)
    torch.testing.assert_close(model.weight.data, 0.75 * own["weight"] + 0.25 * others["weight"])
    torch.testing.assert_close(model.bias.data, 0.75 * own["bias"] + 0.25 * others["bias"])
    with pytest.raises(WfmError, match="names no model to take weights from"):
        load_finetuning(None, {}, ["mix_share=0.2"])


def test_a_run_keeps_the_mean_with_another_model(tmp_path):
    """With a share of nearly all and a rate that would move the weights far."""
    first, second = tmp_path / "first", tmp_path / "second"
    assert finetune(first, "steps=2", *TINY).returncode == 0
    mixed = (f"mix_with={first}", "mix_share=0.999")
    done = finetune(second, "steps=2", "learning_rate=1e-2", *mixed, *TINY)
    assert done.returncode == 0, done.stderr[-2000:]
    before, after = (load_file(folder / "weights.safetensors") for folder in (first, second))
    for name, weights in before.items():
        torch.testing.assert_close(after[name].float(), weights.float(), rtol=1e-2, atol=1e-3)
    assert yaml.safe_load((second / "contract.yaml").read_text())["origin"]["mix_with"].startswith("wfm-interference ")


def test_a_run_starts_from_nothing_that_is_another_network(tmp_path):
    assert finetune(tmp_path / "first", "steps=1", *TINY).returncode == 0
    other = finetune(tmp_path / "second", "--init", str(tmp_path / "first"), "steps=1", *TINY, "encoder.depth=2")
    assert other.returncode == 1 and "is another network" in other.stderr and "'depth': 1" in other.stderr
    absent = finetune(tmp_path / "third", "--init", "wfm-nothing", "steps=1", *TINY)
    assert absent.returncode == 1 and "no bundle 'wfm-nothing'" in absent.stderr


def test_a_share_of_the_windows_is_of_other_technologies():
    config = load_finetuning(None, {}, ["others=0.5", "batch=16", "validation_windows=64"])
    scenes = MixedScenes(config, torch.Generator().manual_seed(4))
    labels = torch.cat([scenes.draw(16, 1)[1] for _ in range(8)])
    assert 0.5 < (labels == 0).float().mean() < 0.85, "half of them, and a third of the cells"
    _, label, other = scenes.draw(16, 2)
    assert other.dtype == torch.bool and 0 < other.sum() < 16 and (label[other] == 0).all()
    again = MixedScenes(config, torch.Generator().manual_seed(4)).draw(16, 1)[0]
    assert torch.equal(again, MixedScenes(config, torch.Generator().manual_seed(4)).draw(16, 1)[0])


def test_runs_are_whole_windows_in_a_row_of_their_block():
    block = torch.arange(8 * 16).float().expand(2, 1, -1)
    runs = random_runs(block, 16, 200, torch.Generator().manual_seed(1))
    lengths = {run.size(-1) // 16 for run in runs}
    assert lengths == set(range(1, 9)) and all(run.size(-1) % 16 == 0 and run[0, 0, 0] % 16 == 0 for run in runs)
    assert all((run.diff() == 1).all() for run in runs)


def test_the_kept_weights_are_the_moving_average():
    model = torch.nn.Linear(1, 1)
    training = LabelledTraining(load_finetuning(None, {}, ["average_decay=0.75"]), model, "iq", 1)
    torch.nn.init.constant_(model.weight, 0.0)
    training.on_train_batch_end()  # the first one is taken as it is
    torch.nn.init.constant_(model.weight, 1.0)
    training.on_train_batch_end()
    assert training.kept.weight.item() == pytest.approx(0.25)


def test_resuming_nothing_is_one_sentence(tmp_path):
    refused = finetune(tmp_path / "none", "--resume")
    assert refused.returncode == 1 and "nothing to resume" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_overrides_name_known_keys():
    assert load_config("interference.yaml", ["encoder.depth=3"])["encoder"]["depth"] == 3
    assert load_config("interference_iq.yaml")["seed"] == load_config("interference.yaml")["seed"]
    with pytest.raises(WfmError, match="unknown key 'encoder.deth'.*'depth'"):
        load_config("interference.yaml", ["encoder.deth=3"])
    with pytest.raises(WfmError, match="no '='"):
        load_config("interference.yaml", ["steps"])
    with pytest.raises(WfmError, match="neither a file nor one of .*interference.yaml"):
        load_config("nothing.yaml")


def test_metrics_are_means_over_classes():
    label = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
    answer = torch.tensor([0, 0, 0, 1, 1, 0, 2, 1])
    figures = interference_accuracies(torch.nn.functional.one_hot(answer, 3).float(), label)
    assert figures["detections"] == 0.75 and figures["false_alarms"] == 0.25
    assert figures["intd"] == pytest.approx(0.75)
    assert figures["intc"] == pytest.approx(0.75), "a missed window still has a better of the two modulations"


def test_temperature_undoes_overconfidence():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4000, 3, generator=generator)
    label = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    temperature = fit_temperature(4 * logits, label)
    assert temperature == pytest.approx(4, rel=0.1)
    assert expected_calibration_error((4 * logits).softmax(1), label) > 0.1
    assert expected_calibration_error((4 * logits / temperature).softmax(1), label) < 0.03


def test_bias_sets_the_false_alarm_rate():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4000, 3, generator=generator)
    label = torch.arange(4000) % 3
    bias = torch.tensor([false_alarm_bias(logits, label, 0.05), 0, 0])
    alarms = ((logits + bias).argmax(1) != 0)[label == 0].float().mean()
    assert float(alarms) == pytest.approx(0.05, abs=0.002)


def test_the_bias_is_enough_for_every_group():
    """The windows of the second group look more like another class: theirs is the bias."""
    generator = torch.Generator().manual_seed(1)
    logits, label = torch.randn(6000, 3, generator=generator), torch.arange(6000) % 3
    group = torch.arange(6000) >= 3000
    logits[group, 1] += 2

    def alarms(bias) -> list[float]:
        wrong = ((logits / calibration.temperature + torch.tensor(bias)).argmax(1) != 0) & (label == 0)
        return [float(wrong[one].sum() / (label[one] == 0).sum()) for one in (~group, group)]

    calibration = calibrate(logits, label, None, ((~group, 0.05), (group, 0.1)))
    first, second = alarms(calibration.bias)
    assert second == pytest.approx(0.1, abs=0.002) and first < 0.05
    assert calibrate(logits, label, None).bias == ()


def test_the_bias_may_be_of_another_class_than_the_first():
    """As of `noise`, the last of a model of single signals; the threshold is then of scores with the bias."""
    generator = torch.Generator().manual_seed(3)
    label = torch.randint(0, 4, (2000,), generator=generator)
    logits = torch.randn(2000, 4, generator=generator) + 2 * torch.nn.functional.one_hot(label, 4)
    calibration = calibrate(logits, label, 0.9, [(torch.ones_like(label, dtype=torch.bool), 0.01)], quiet=3)
    assert calibration.bias[:3] == (0, 0, 0) and calibration.bias[3] > 0
    probabilities = (logits / calibration.temperature + torch.tensor(calibration.bias)).softmax(1)
    assert float((probabilities.argmax(1) != 3)[label == 3].float().mean()) == pytest.approx(0.01, abs=0.002)
    kept = float((probabilities.max(1).values >= calibration.open_set_threshold).float().mean())
    assert abs(kept - 0.9) < 1e-3
