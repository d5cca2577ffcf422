# SPDX-License-Identifier: GPL-3.0-or-later
"""The training command on a tiny encoder: runs, resumes, and leaves a model that loads."""

import subprocess
import sys

import pytest
import torch
import yaml

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.configs import load_config
from wfm_core.evaluate.calibration import expected_calibration_error, false_alarm_bias, fit_temperature
from wfm_core.evaluate.metrics import interference_accuracies

TINY = ["encoder.depth=1", "batch=8", "validation_windows=32", "validate_every=1000", "warmup_steps=2", "workers=0"]


def finetune(out, *arguments):
    command = [sys.executable, "-m", "wfm_core.cli.finetune", "--task", "interference", "--out", str(out), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("config", ["interference.yaml", "interference_iq.yaml"])
def test_a_run_leaves_a_model_that_loads(tmp_path, config):
    done = finetune(tmp_path, "--config", config, "steps=2", *TINY)
    assert done.returncode == 0, done.stderr[-2000:]
    bundle = wfm_core.load_bundle(str(tmp_path), device="cpu")
    outputs = bundle.infer(torch.randn(3, 2, 4096, dtype=torch.complex64))
    assert outputs["interference"].shape == (3, 3)
    contract = yaml.safe_load((tmp_path / "contract.yaml").read_text())
    assert contract["origin"]["data"] == "synthetic" and "wfm-finetune" in contract["origin"]["command"]


def test_a_second_run_needs_resume_and_resume_goes_on(tmp_path):
    assert finetune(tmp_path, "steps=2", "checkpoint_minutes=0.0001", *TINY).returncode == 0
    refused = finetune(tmp_path, "steps=4", *TINY)
    assert refused.returncode == 1 and "--resume" in refused.stderr and "Traceback" not in refused.stderr
    assert finetune(tmp_path, "--resume", "steps=4", *TINY).returncode == 0
    checkpoint = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 4


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
