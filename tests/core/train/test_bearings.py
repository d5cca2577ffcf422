# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-finetune --config angle.yaml, and --task angle on a labelled set: a bundle that tells directions."""

import json

import numpy as np
import torch
from finetune_sets import tiny_foundation

from wfm_core.bundle import load_bundle
from wfm_core.bundle.export import export_bundle
from wfm_core.cli.dataset import main as dataset
from wfm_core.cli.evaluate import main as evaluate
from wfm_core.cli.finetune import main as finetune
from wfm_core.data.dataset import open_dataset, write_dataset
from wfm_core.synth.arrays import (
    COUPLING,
    GAIN_ERROR,
    PHASE_ERROR,
    Arrivals,
    draw_array,
    draw_bearings,
    draw_signals,
)
from wfm_core.train.bearings import read_array

SMALL = ("windows=512", "signals=64", "epochs=2", "samples=128", "bands=16", "batch=64")
SIGNAL = {"kind": "covariance", "antennas": 4, "bands": 16}


def waves(path, count=96):
    generator = torch.Generator().manual_seed(5)
    made = draw_bearings(draw_signals(16, 128, generator), count, Arrivals(widest=60.0), generator)
    return write_dataset(
        path,
        "sample",
        made.iq.numpy(),
        made.angle.numpy()[:, None],
        task="angle",
        signal=SIGNAL,
        provenance={"synthetic": True},
        scene={"low": [-60.0], "high": [60.0]},
    )


def test_a_run_leaves_a_bundle_that_tells_degrees(tmp_path, capsys):
    out = tmp_path / "run"
    command = ["--config", "angle.yaml", "--out", str(out), *SMALL]
    small = "encoder={width: 16, depth: 1, heads: 2, mlp_hidden: 32}"
    assert finetune([*command, small]) == 0
    figures = json.loads((out / "figures.json").read_text())
    assert 0 < figures["mean_deg"] < 90 and f"mean_deg {figures['mean_deg']:.4f}" in capsys.readouterr().out
    bundle = load_bundle(export_bundle(out, tmp_path / "angle.wfm.pt"), dtype="fp32")
    data = open_dataset(waves(tmp_path / "waves.h5"))
    outputs = bundle.infer(data.read_iq([0, 1]))
    assert outputs["angle"].shape == (2, 1) and abs(outputs["angle"]).max() < 180
    decision = bundle.decide(outputs, 1)["angle"]
    assert decision == {"angle": [float(outputs["angle"][1, 0])]}
    assert bundle.infer(data.read_iq([0])[:, :2])["angle"].shape == (1, 1), "fewer antennas are taken too"
    assert evaluate(["--bundle", str(tmp_path / "angle.wfm.pt"), "--data", str(data.path), "--json", "-"]) == 0
    told = bundle.infer(data.read_iq(np.arange(data.count)))["angle"]
    seen = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(seen["mean_deg"], abs(told - data.label).mean(), rtol=1e-4)


def test_a_labelled_set_is_fine_tuned_on(tmp_path):
    data, out = waves(tmp_path / "waves.h5"), tmp_path / "run"
    init = tiny_foundation(tmp_path / "tiny")
    given = ["--data", str(data), "--init", str(init), "--regime", "lp", "--modality", "iq", "signal=foundation"]
    assert finetune([*given, "--out", str(out), "epochs=1", "batch=16", "threads=1"]) == 0
    figures = json.loads((out / "figures.json").read_text())
    assert figures["kind"] == "angle" and figures["median_deg"] < 120
    contract = load_bundle(export_bundle(out, tmp_path / "tuned.wfm.pt"), dtype="fp32").contract
    assert contract.tasks["angle"].low == (-60.0,) and contract.tasks["angle"].outputs == 1
    assert (out / "cdf.png").exists()


def test_a_network_learns_for_the_array_of_a_data_set(tmp_path, capsys):
    data, out = tmp_path / "walk.h5", tmp_path / "run"
    assert dataset(["generate", "angle", "--windows", "60", "--samples", "128", "--seed", "3", "--out", str(data)]) == 0
    array = read_array(str(data), 4)
    truth = draw_array(4, GAIN_ERROR, PHASE_ERROR, COUPLING, torch.Generator().manual_seed(3))

    def alike(own):
        return (own.conj() * truth).sum().abs() / torch.linalg.norm(own) / torch.linalg.norm(truth)

    assert alike(array) > 0.94 > alike(torch.eye(4))
    small = "encoder={width: 16, depth: 1, heads: 2, mlp_hidden: 32}"
    assert finetune(["--config", "angle.yaml", "--out", str(out), f"array={data}", "widest=60", *SMALL, small]) == 0
    figures = json.loads((out / "figures.json").read_text())
    assert figures["data"]["file"] == f"generated waves, array of {data}" and figures["mean_deg"] < 60
    assert load_bundle(export_bundle(out, tmp_path / "own.wfm.pt")).contract.tasks["angle"].high == (60.0,)
    tuned = [
        "--data",
        str(data),
        "--init",
        str(out / "foundation"),
        "--regime",
        "full",
        "--out",
        str(tmp_path / "tuned"),
    ]
    assert finetune([*tuned, "epochs=1", "batch=16", "threads=1"]) == 0
    capsys.readouterr()
    assert finetune(["--config", "angle.yaml", "--out", str(tmp_path / "no"), f"array={data}", "antennas=3"]) == 1
    assert "IQ windows (sample) of 3 antennas" in capsys.readouterr().err
