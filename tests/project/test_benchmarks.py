# SPDX-License-Identifier: GPL-3.0-or-later
"""Every benchmark runs to its end and prints what README's table needs. How fast anything was decides nothing here."""

import argparse
import json
import math
import re
import subprocess
import sys

import pytest
from benchmark_programs import BENCHMARKS, program, rows
from bundle_files import needs_openvino
from flowgraph_helpers import random_model
from image_bundles import signal_bundle
from pretrain_recipe import tiny_file
from serving_parts.server import LocalServed, ServerThread

from wfm_core.bundle import export_bundle
from wfm_core.bundle.engines.openvino import find_openvino
from wfm_core.serving.service import Service

import inflow  # isort: skip
import profile_inflow  # isort: skip
import random_model as full_size  # isort: skip
import readme  # isort: skip

TRIED = {
    "accuracy/activity.py", "accuracy/air.py", "accuracy/angles.py", "accuracy/angles_array.py",
    "accuracy/angles_several.py", "accuracy/channels.py", "accuracy/charts.py", "accuracy/decoded.py",
    "accuracy/dense/channel_estimate.py", "accuracy/dense/segmentation.py",
    "accuracy/enrolment.py", "accuracy/fingerprint.py", "accuracy/fingerprint_real.py", "accuracy/lte_recordings.py",
    "accuracy/modulation.py", "accuracy/novelty.py", "accuracy/occupancy.py", "accuracy/other_recordings.py",
    "accuracy/positions.py", "accuracy/signals.py", "accuracy/synthetic.py", "accuracy/two_tasks.py", "accuracy/uwb.py",
    "capacity.py", "card.py", "classifier_live.py", "every_sample.py", "finder/accuracy.py",
    "finder_rate.py", "foundation/compare.py", "foundation/csi_statistics.py", "foundation/measures.py", "inflow.py",
    "pretrain_data_overhead.py", "profile_inflow.py", "readme.py", "run.py", "serve_vs_inprocess.py",
    "soak.py", "spectrogram.py", "tap.py",
}  # fmt: skip
"""The programs under benchmarks/ that a test runs, here or in test_accuracy_programs.py; capacity.py one of
test_capacity.py, card.py and by it accuracy/two_tasks.py one of test_cards.py."""
SHORT = ("--seconds", "0.1", "--rounds", "1")
SMALL = {"width": 32, "depth": 1, "heads": 2, "mlp_hidden": 64}


def results(text: str) -> dict[str, dict]:
    found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    for result in found:
        assert all(math.isfinite(result[key]) and result[key] >= 0 for key in ("ratio", "value", "baseline")), result
        assert result["conditions"].count(";") and result["unit"]
    return {result["name"]: result for result in found}


def test_every_benchmark_is_tried():
    files = {str(path.relative_to(BENCHMARKS)): path.read_text() for path in BENCHMARKS.rglob("*.py")}
    programs = {name for name, text in files.items() if "\nif __name__" in text}
    assert programs == TRIED


def test_tap():
    found = results(program("tap.py", *SHORT))
    assert set(found) == {"tap_vs_copy", "tap_vs_copy_sparse", "tap_vs_copy_gil"}


def test_spectrogram():
    found = results(program("spectrogram.py", *SHORT))
    assert set(found) == {"spectrogram_rate", "cyclic_images", "spectrogram_block_images", "spectrogram_block_rows"}


def test_measures():
    found = results(program("foundation/measures.py", *SHORT))
    assert set(found) == {"measures_training", "measures_inference"}


@pytest.mark.slow
def test_finder_rate():
    found = results(program("finder_rate.py", *SHORT))
    assert set(found) == {"signal_finder", "signal_finder_numpy"}


def test_soak(tmp_path):
    found = results(program("soak.py", "--seconds", 1, "--bundle", random_model(tmp_path / "model")))
    assert found["soak"]["baseline"] > 0


def test_every_sample():
    found = results(program("every_sample.py", "--seconds", 1))["every_sample"]
    assert found["value"] > 0 and found["value"] % 131_072 == 0 and 0 < found["ratio"] <= 1


def test_serving(tmp_path, monkeypatch):
    """With the service as it is without Ray."""
    monkeypatch.setenv("WFM_BUNDLES", str(tmp_path))
    export_bundle(random_model(tmp_path / "model"), tmp_path / "small.wfm.pt")
    with ServerThread(Service({"small": LocalServed("small")})) as server:
        options = ("--seconds", 0.5, "--radios", 2, "--bundle", "small", "--device", server.device)
        found = results(program("serve_vs_inprocess.py", *options))["serve_vs_inprocess"]
    assert found["value"] > 0 and "2 radios at grpc://127.0.0.1:" in found["conditions"]
    assert " 0 windows undecided, " in found["conditions"]


def test_classifier_live(tmp_path):
    bundle = signal_bundle(tmp_path / "model")
    found = results(program("classifier_live.py", "--seconds", 1, "--bundle", bundle))
    conditions = found["classifier_live"]["conditions"]
    assert found["classifier_live"]["baseline"] > 0
    assert re.search(r"\d+ signals found, \d+ decided, \d+ dropped, \d+ events, .* [\d.]+ s \(95 %\)", conditions)


def test_pretraining_data(tmp_path):
    found = results(program("pretrain_data_overhead.py", "--recipe", tiny_file(tmp_path), "--rounds", 1, "batch=4"))
    assert "batch 4" in found["pretrain_data_overhead"]["conditions"]


@pytest.mark.parametrize(
    "side", [pytest.param(s, marks=needs_openvino if s == "openvino" else ()) for s in inflow.SIDES]
)
def test_sides_of_inflow(tmp_path, side):
    full_size.write_model(tmp_path, 512, SMALL)
    measured = inflow.SIDES[side](tmp_path, 512, 0.1)
    assert measured["rate"] > 0 and measured["remark"]


@pytest.mark.parametrize("installed", [True, False])
def test_comparison_of_inflow(tmp_path, monkeypatch, capsys, installed):
    """The bare loop gets the engine that the flowgraph had; without OpenVINO its rows alone are missing."""
    asked = []

    def measured(side, folder, window, seconds, **choice):
        asked.append((side, choice))
        return {"rate": 2.0, "remark": side, **({"engine": "e", "dtype": "d"} if side == "inflow" else {})}

    monkeypatch.setattr(inflow, "write_model", lambda *_: None)
    monkeypatch.setattr(inflow, "measure", measured)
    monkeypatch.setattr(inflow, "find_openvino", lambda: ("1", "") if installed else ("", "openvino is not installed"))
    inflow.compare(512, tmp_path, argparse.Namespace(seconds=1.0, rounds=2))
    said = capsys.readouterr()
    others = {"epb", "onnxruntime", "openvino", "bare"} - (set() if installed else {"openvino"})
    assert set(results(said.out)) == {f"inflow_vs_{other}_512" for other in others}
    assert [choice for side, choice in asked if side == "bare"] == [{"engine": "e", "dtype": "d"}] * 2
    assert (said.err == "") == installed and not any(choice for side, choice in asked if side != "bare")


def test_profile_of_inflow(tmp_path):
    options = ("--windows", 512, "--seconds", 0.2, "--dtype", "fp32", "--levels", "avx2")
    sizes = SMALL | {"width": 64, "mlp_hidden": 128}  # wider than the reals of a token, which are 32
    said = program("profile_inflow.py", *options, "--encoder", json.dumps(sizes), "--picture", tmp_path / "p.png")
    found = {row[0]: [float(cell) for cell in row[1:]] for row in rows(said)}
    assert list(found) == [*profile_inflow.PARTS, "all"]
    assert all(value > 0 for values in found.values() for value in values), "each part was timed"
    assert "512, avx2, torchscript fp32" in said and (tmp_path / "p.png").stat().st_size > 5_000


@pytest.mark.slow
def test_everything_in_one_run(tmp_path):
    said = program("run.py", "--quick", "--out", tmp_path)
    found = results((tmp_path / "bench.jsonl").read_text())
    absent = set() if find_openvino()[0] else {"inflow_vs_openvino_512", "inflow_vs_openvino_4096"}
    assert {name for names in readme.ROWS.values() for name in names} <= set(found) | absent
    assert all(f"\n{name} " in said for name in found)
    table = rows(said)
    assert len(table) == len(readme.ROWS) and sum("not measured" in row for row in table) == bool(absent)
    assert rows(program("readme.py", tmp_path / "bench.jsonl")) == table
    assert (tmp_path / "bench.png").stat().st_size > 0


def test_readme_table(tmp_path):
    result = {"value": 12.0, "unit": "MS/s", "baseline": 10.0, "wanted": 1.0, "conditions": "60 s, x; a CPU"}
    found = [result | {"name": "spectrogram_block_images", "ratio": 1.2}]
    found += [result | {"name": "spectrogram_block_rows", "ratio": 0.8104, "value": 11.0, "wanted": None}]
    found += [result | {"name": "soak", "ratio": 1.0, "value": 0.0}]
    path = tmp_path / "bench.jsonl"
    path.write_text("".join(json.dumps(result) + "\n" for result in found))
    said = program("readme.py", path)
    shown = {row[0].split(",")[0]: row for row in rows(said)}
    assert "`make bench` on a CPU" in said
    assert shown["WFM Spectrogram"][0].endswith("(12 / 11 MS/s)") and shown["WFM Spectrogram"][1:] == [
        "1.20 / 0.810", "1 / -",
    ]  # fmt: skip
    assert shown["samples lost in 60 s at 10 MS/s x 2 channels from a wall-clocked simulated radio"][1:] == ["0", "0"]
    assert shown["the same"][1] == "not measured"


def test_readme_table_without_results(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "readme.py"), str(tmp_path / "absent")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("cannot read ") and len(done.stderr.splitlines()) == 1
