# SPDX-License-Identifier: GPL-3.0-or-later
"""The task modulation from a generated data set to decisions in a flowgraph, over SNR in between."""

import json

import numpy as np
import pytest
from finetune_sets import FAST, tiny_foundation
from flowgraph_helpers import flowgraph
from gnuradio import wfm

from wfm_core import load_bundle
from wfm_core.bundle import export_bundle
from wfm_core.cli.evaluate import main as evaluate
from wfm_core.cli.export import main as export
from wfm_core.cli.finetune import main as finetune
from wfm_core.data.dataset import open_dataset
from wfm_core.data.generated_modulation import write_modulations
from wfm_core.data.generated_radcom import write_radcom
from wfm_core.evaluate.table import read_row
from wfm_core.synth.radioml import SAMPLE_RATE, SNR_DB


def test_modulations_in_a_flowgraph(tmp_path):
    data = write_modulations(tmp_path / "m.h5", 1320, 1)
    image = {"image": {"channels": 3, "size": [16, 128]}}
    init = tiny_foundation(tmp_path / "tiny", modalities=image, sample_rate=None)
    given = ["--data", str(data), "--init", str(init), "--regime", "scratch", "--out", str(tmp_path / "run")]
    recipe = [*FAST, "epochs=6", "pooling=mean", "image_size=[16,128]", "signal=modulation_image"]
    assert finetune([*given, *recipe]) == 0
    figures = json.loads((tmp_path / "run" / "figures.json").read_text())
    assert list(figures["accuracy_by_snr_db"]) == [f"{snr:g}" for snr in SNR_DB]
    low, high = (np.mean(list(figures["accuracy_by_snr_db"].values())[part]) for part in (slice(8), slice(12, 20)))
    assert high > 0.35 > 0.25 > low, "far over chance, which is 0.09, where there is a signal"
    assert (tmp_path / "run" / "snr.png").stat().st_size > 5_000
    assert "modulation: mean per-class accuracy" in read_row(tmp_path / "run").other

    bundle = export_bundle(tmp_path / "run", tmp_path / "m.wfm.pt")
    evaluated = ["--data", str(data), "--run", str(tmp_path / "run"), "--json", str(tmp_path / "e.json")]
    assert evaluate([*evaluated, "--dtype", "fp32", "--engine", "torchscript", "--out", str(tmp_path / "e")]) == 0
    again = json.loads((tmp_path / "e.json").read_text())
    assert again["accuracy_by_snr_db"] == pytest.approx(figures["accuracy_by_snr_db"], abs=0.02)
    assert (tmp_path / "e" / "snr.png").exists()

    windows = open_dataset(data).read_iq(range(1210, 1320))
    block = wfm.inference(
        str(bundle), sample_rate=SAMPLE_RATE, policy="lossless", device="cpu", dtype="fp32", threshold=0.0
    )
    live = flowgraph(windows.transpose(1, 0, 2).reshape(1, -1), block)
    live.top.run()
    found = live.detects.detections()
    assert [d.sample_start for d in found] == [128 * number for number in range(len(windows))]
    answers = load_bundle(bundle, device="cpu", dtype="fp32").infer(windows)["modulation"]
    np.testing.assert_allclose([list(d.decision["probabilities"].values()) for d in found], answers, atol=1e-4)
    assert {d.task for d in found} == {"modulation"}


def test_the_image_of_modulations_is_of_iq_alone(tmp_path, capsys):
    data = write_modulations(tmp_path / "m.h5", 220, 1)
    given = ["--data", str(data), "--init", str(tiny_foundation(tmp_path / "tiny")), "--out", str(tmp_path / "run")]
    assert finetune([*given, *FAST, "epochs=1", "--modality", "iq", "signal=modulation_image"]) == 1
    assert "signal=modulation_image makes images of IQ windows, but sample for modality iq" in capsys.readouterr().err


def test_two_labels_of_radcom_by_one_encoder(tmp_path):
    init = str(tiny_foundation(tmp_path / "tiny"))
    runs = {}
    for task, label in (("modulation", "modulation"), ("radcom", "signal")):
        data, run = write_radcom(tmp_path / f"{label}.h5", 900, 1, label=label), tmp_path / task
        given = ["--data", str(data), "--init", init, "--regime", "lp", "--freeze-inputs", "--out", str(run)]
        assert finetune([*given, *FAST, "epochs=3"]) == 0
        assert json.loads((run / "figures.json").read_text())["task"] == task
        runs[task] = run
    out = tmp_path / "radcom.wfm.pt"
    assert export(["--tasks", *(f"{task}={run}" for task, run in runs.items()), "-o", str(out)]) == 0
    both = load_bundle(str(out), device="cpu", dtype="fp32")
    windows = open_dataset(tmp_path / "signal.h5").read_iq(range(8))
    answers = both.infer(windows)
    assert {name: len(task.labels) for name, task in both.contract.tasks.items()} == {"modulation": 6, "radcom": 8}
    assert len(both.contract.stems) == 1, "one encoder"
    for task, run in runs.items():
        alone = load_bundle(run, device="cpu", dtype="fp32").infer(windows)[task]
        np.testing.assert_allclose(answers[task], alone, atol=1e-4)
