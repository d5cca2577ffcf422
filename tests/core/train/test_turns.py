# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-finetune --config two_tasks.yaml: one small encoder with two heads, of the simulated radio's transmitters."""

import json

import torch

from wfm_core.bundle.export import read_model_folder
from wfm_core.cli.finetune import main as finetune
from wfm_core.synth.scenes.turns import GATE_DBFS, MODULATIONS, TRANSMITTERS
from wfm_core.train.turns import TASKS, WINDOW, draw


def test_training_windows_are_labelled_and_heard():
    iq, labels = draw(40, seed=5)
    levels = 10 * torch.log10(iq.abs().square().mean((1, 2)))
    assert iq.shape == (40, 1, WINDOW) and levels.min() > GATE_DBFS
    assert set(labels) == {"fingerprint", "classification"}
    assert all(len(own) == 40 and own.max() < len(TASKS[task]) for task, own in labels.items())


def test_a_run_leaves_a_model_of_both_tasks(tmp_path):
    out = tmp_path / "run"
    command = ["--config", "two_tasks.yaml", "--out", str(out), "--seed", "2", "turns=100", "epochs=1"]
    assert finetune(command) == 0
    contract, _ = read_model_folder(out)
    assert (
        contract.tasks["fingerprint"].labels == TRANSMITTERS and contract.tasks["classification"].labels == MODULATIONS
    )
    figures = json.loads((out / "figures.json").read_text())
    assert figures["windows"] == {"train": 80, "test": 20} and set(figures["accuracy"]) == set(TASKS)
