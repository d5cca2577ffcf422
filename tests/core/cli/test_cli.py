# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate and wfm-doctor, as the user meets them: exit status, one sentence, numbers."""

import importlib
import json
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from wfm_core.bundle import Bundle, parse_contract
from wfm_core.cli import doctor, evaluate

WINDOW = 16
LABELS = ["none", "dsss-bpsk", "dsss-qpsk"]
CONTRACT = {
    "format": 1,
    "name": "by-level",
    "window": {"antennas": 2, "samples": WINDOW},
    "sample_rate": {"min": 1e6, "max": 2e6},
    "encoder": {"width": 32, "depth": 1, "heads": 2, "mlp_hidden": 64},
    "input": "iq",
    "signal": {"kind": "iq_rms"},
    "modality": "iq",
    "tasks": {"interference": {"kind": "classification", "labels": LABELS, "bias": [0.0, 0.0, 0.0]}},
    "origin": {},
    "weights_sha256": "0" * 64,
}


def by_level(iq: torch.Tensor) -> dict[str, torch.Tensor]:
    """A network whose answer can be read off the samples: level 1, 2, 3 of the last antenna is class 0, 1, 2."""
    return {"interference": 5.0 * torch.nn.functional.one_hot(iq[:, -1].real.mean(-1).round().long() - 1, 3)}


@pytest.fixture
def bundle(monkeypatch):
    bundle = Bundle(parse_contract(CONTRACT, "test"), by_level, Path("by-level"), torch.device("cpu"), "fp32")
    monkeypatch.setattr(evaluate, "load_bundle", lambda name, device, dtype, engine: bundle)
    return bundle


def write(folder: Path, iq: np.ndarray, captures=({"core:sample_start": 0},), annotations=(), rate=1e6) -> Path:
    """iq [channels, samples] as a cf32_le recording."""
    head = {"core:datatype": "cf32_le", "core:version": "1.2.0", "core:sample_rate": rate}
    metadata = {
        "global": head | {"core:num_channels": len(iq)},
        "captures": list(captures),
        "annotations": [
            {"core:sample_start": start, "core:sample_count": count, "core:label": label}
            for start, count, label in annotations
        ],
    }
    (folder / "x.sigmf-data").write_bytes(iq.T.astype("<c8").tobytes())
    (folder / "x.sigmf-meta").write_text(json.dumps(metadata))
    return folder / "x.sigmf-meta"


def run_evaluate(path: Path, *options: str) -> tuple[int, list[dict]]:
    output = path.with_name("decisions.jsonl")
    status = evaluate.main(["--bundle", "by-level", "--input", str(path), "--json", str(output), *options])
    return status, [json.loads(line) for line in output.read_text().splitlines()] if output.exists() else []


def test_every_window_gets_its_decision(tmp_path, bundle):
    levels = np.repeat([2, 1, 3, 2, 3], WINDOW)[None, :-3]  # the last window is not whole
    captures = [{"core:sample_start": 0, "core:frequency": 8e8, "core:datetime": "2026-01-31T12:00:00Z"}]
    status, decisions = run_evaluate(write(tmp_path, levels, captures), "--batch", "3")
    assert status == 0
    assert [decision["sample_start"] for decision in decisions] == [0, 16, 32, 48]
    assert [decision["tasks"]["interference"]["index"] for decision in decisions] == [1, 0, 2, 1]
    assert decisions[1] == {
        "sample_start": 16,
        "sample_count": 16,
        "rx_time": [1769860800, 16e-6],
        "rx_freq": 8e8,
        "origin": "torchscript fp32",
        "tasks": bundle.decide(bundle.infer(np.ones((1, 1, WINDOW), np.complex64)), 0),
    }


def test_windows_do_not_cross_a_retune_and_settle_after_it(tmp_path, bundle):
    captures = [{"core:sample_start": 0, "core:frequency": 1e9}, {"core:sample_start": 24, "core:frequency": 2e9}]
    path = write(tmp_path, np.ones((1, 80)), captures)
    _, decisions = run_evaluate(path, "--settle", "4", "--hop", "20")
    assert [decision["sample_start"] for decision in decisions] == [0, 28, 48]


def test_nan_windows_and_weak_windows_are_counted_and_skipped(tmp_path, bundle, capsys):
    iq = np.ones((2, 5 * WINDOW), np.complex64)
    iq[1, 20] = np.nan
    iq[0, 40] = np.inf
    iq[:, 48:64] = 1e-3
    status, decisions = run_evaluate(write(tmp_path, iq), "--gate-dbfs", "-50")
    assert status == 0
    assert [decision["sample_start"] for decision in decisions] == [0, 64]
    assert "2 windows of 16 samples inferred, 2 invalid, 1 gated" in capsys.readouterr().out


def test_antennas_are_chosen_or_the_last_is_repeated(tmp_path, bundle, capsys):
    path = write(tmp_path, np.repeat([[2], [3], [1]], WINDOW, axis=1))
    assert run_evaluate(path, "--antennas", "1")[1][0]["tasks"]["interference"]["index"] == 1
    assert run_evaluate(path, "--antennas", "2")[1][0]["tasks"]["interference"]["index"] == 2
    status, _ = run_evaluate(path)
    assert status == 1
    assert "3 antennas, the bundle by-level takes 1 to 2" in capsys.readouterr().err
    assert run_evaluate(write(tmp_path, np.ones((1, WINDOW))), "--antennas", "2")[0] == 0


def test_accuracies_against_the_annotations(tmp_path, bundle, capsys):
    # classes as the network answers them | as annotated: one BPSK missed, one QPSK taken for BPSK, all clean found
    answers = 1 + np.repeat([0, 0, 1, 0, 2, 1, 2], WINDOW)[None]
    annotations = [(0, 112, "lte"), (0, 32, "none"), (32, 32, "dsss-bpsk"), (64, 32, "dsss-qpsk")]
    assert run_evaluate(write(tmp_path, answers, annotations=annotations))[0] == 0
    table = " ".join(capsys.readouterr().out.split())
    assert "against 6 annotated windows" in table
    assert "intd: 0.875" in table  # (3/4 found + no false alarm) / 2
    # Without a false alarm and with a tie between the two modulations for the missed window, BPSK is taken.
    assert "intc: 0.750" in table
    assert "dsss-bpsk 2 28.6%" in table


def test_a_foreign_sample_rate_is_warned_about(tmp_path, bundle, capsys):
    assert run_evaluate(write(tmp_path, np.ones((1, WINDOW)), rate=4e6))[0] == 0
    warning = capsys.readouterr().err
    assert "4e+06" in warning and "1e+06 to 2e+06" in warning


def test_faults_are_one_sentence_and_exit_status_one(tmp_path, bundle, capsys):
    assert evaluate.main(["--bundle", "by-level", "--input", str(tmp_path / "none.sigmf-meta")]) == 1
    assert "no SigMF metadata" in capsys.readouterr().err
    path = write(tmp_path, np.ones((1, WINDOW)))
    for options in (["--batch", "0"], ["--hop", "-1"], ["--json", str(tmp_path / "no" / "where")]):
        assert evaluate.main(["--bundle", "by-level", "--input", str(path), *options]) == 1
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    with pytest.raises(SystemExit) as wrong_use:
        evaluate.main(["--input", str(path)])
    assert wrong_use.value.code == 2


def test_decisions_on_stdout_are_not_mixed_with_the_table(tmp_path, bundle, capsys):
    path = write(tmp_path, np.ones((1, 2 * WINDOW)))
    assert evaluate.main(["--bundle", "by-level", "--input", str(path), "--json", "-"]) == 0
    written = capsys.readouterr()
    assert [json.loads(line)["sample_start"] for line in written.out.splitlines()] == [0, 16]
    assert "2 windows" in written.err


def test_doctor_fails_on_a_broken_bundle_and_tells_the_mend(tmp_path, monkeypatch, capsys):
    (tmp_path / "broken.wfm.pt").write_bytes(b"this is not a bundle")
    monkeypatch.setenv("WFM_BUNDLES", str(tmp_path))
    monkeypatch.setattr(doctor, "CHECKS", (doctor.interpreter, doctor.numpy, doctor.processor))
    places = [place for place in doctor.search_path() if place.folder == tmp_path]
    monkeypatch.setattr(doctor, "search_path", lambda: places)  # those that are installed take long to load
    assert doctor.main(["--json"]) == 1
    findings = json.loads(capsys.readouterr().out)
    broken = next(finding for finding in findings if "broken.wfm.pt" in finding["text"])
    assert broken["status"] == "fail" and "wfm-export" in broken["mend"]
    assert [finding["status"] for finding in findings[:3]] == ["ok"] * 3


@pytest.mark.slow
def test_doctor_loads_every_bundle_of_this_installation(capsys):
    doctor.main(["--json"])
    found = [finding for finding in json.loads(capsys.readouterr().out) if finding["check"] == "bundle"]
    assert len(found) >= 5 and {finding["status"] for finding in found} == {"ok"}, found


def test_doctor_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "probe", lambda code, timeout=0: (False, "ImportError: No module named 'gnuradio'"))
    monkeypatch.setattr(doctor, "CHECKS", (doctor.gnu_radio, doctor.module, doctor.uhd, doctor.qt))
    monkeypatch.setattr(doctor, "bundles", list)
    assert doctor.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["fail", "fix:", "fail", "fix:", "warn", "fix:", "warn", "fix:"]
    assert "apt-get install python3-pyqt5" in lines[-1]


def test_doctor_says_whether_openvino_is_there(monkeypatch):
    for answer, status, said in (
        ((True, "2026.4.1"), "ok", "2026.4.1: it computes bundles where it is faster"),
        ((True, " openvino is not installed"), "ok", "none: PyTorch alone computes bundles; .* pip install openvino"),
        ((True, " openvino does not load (x)"), "warn", r"does not load \(x\): PyTorch alone"),
        ((False, "no torch"), "warn", "no torch"),
    ):
        monkeypatch.setattr(doctor, "probe", lambda code, answer=answer: answer)
        found = doctor.openvino()
        assert found.status == status and re.search(said, found.text)
    monkeypatch.undo()
    assert doctor.openvino().status in ("ok", "warn")


def test_doctor_tells_what_only_commands_take_from_what_flowgraphs_take(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "CHECKS", (doctor.libraries,))
    monkeypatch.setattr(doctor, "bundles", list)
    for name in ("sklearn", "sigmf"):
        monkeypatch.setitem(sys.modules, name, None)  # its import fails
    assert doctor.main([]) == 0
    said = capsys.readouterr().out
    assert said.startswith("warn") and "no sigmf, for wfm-evaluate on recordings" in said
    assert "pip install sigmf scikit-learn" in said
    monkeypatch.setitem(sys.modules, "zmq", None)
    assert doctor.main([]) == 1
    assert "pip install pyzmq" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("numpy", "error", "says"),
    [
        ("2.2.4", "ImportError: initialization failed", "pip install 'numpy<2'"),
        ("1.24.2", "ModuleNotFoundError: No module named 'gnuradio'", "apt-get install gnuradio"),
        ("2.2.4", "ModuleNotFoundError: No module named 'gnuradio'", "apt-get install gnuradio"),
    ],
)
def test_doctor_blames_numpy_only_where_gnu_radio_does_not_load_with_it(monkeypatch, numpy, error, says):
    monkeypatch.setattr(doctor, "probe", lambda code: (True, numpy) if "numpy" in code else (False, error))
    assert doctor.numpy().status == "ok"
    found = doctor.gnu_radio()
    assert found.status == "fail" and says in found.mend


def test_a_crashing_and_a_hanging_probe_are_answers():
    assert doctor.probe("import os; os.abort()")[0] is False
    assert doctor.probe("import time; time.sleep(60)", timeout=0.2) == (False, "no answer within 0.2 s")


def test_every_command_exists():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    for name, target in project["scripts"].items():
        module, function = target.split(":")
        assert callable(getattr(importlib.import_module(module), function)), name
