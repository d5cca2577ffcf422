# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate --data and --table: figures worked out by hand, and which data they are of."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from wfm_core.bundle import Bundle, parse_contract
from wfm_core.cli.evaluate import main
from wfm_core.data.dataset import write_dataset
from wfm_core.evaluate import command
from wfm_core.evaluate.published import COLUMNS, ROWS

WINDOW = 16
ENCODER = {"width": 32, "depth": 1, "heads": 2, "mlp_hidden": 64}
COMMON = {"format": 1, "encoder": ENCODER, "origin": {}, "weights_sha256": "0" * 64}
IQ = {
    **COMMON,
    "name": "by-level",
    "window": {"antennas": 2, "samples": WINDOW},
    "sample_rate": {"min": 1e6, "max": 2e6},
    "signal": {"kind": "iq_rms"},
    "modality": "iq",
    "tasks": {"fingerprint": {"kind": "classification", "labels": ["c", "a", "b"], "open_set_threshold": 0.5}},
}
IMAGE = {
    **COMMON,
    "name": "by-pixel",
    "input": "image",
    "modality": "image",
    "image": {"channels": 1, "size": [16, 16]},
    "tasks": {"position": {"kind": "position", "low": [0, 0, 0], "high": [9, 9, 9]}},
}


def by_level(iq: torch.Tensor) -> dict[str, torch.Tensor]:
    """The class can be read off the samples: level 0, 1, 2 of the first antenna; 3 is undecided."""
    scores = torch.nn.functional.one_hot(iq[:, 0].real.mean(-1).round().long(), 4)[:, :3]
    return {"fingerprint": 5.0 * scores, "embedding_iq": torch.view_as_real(iq[:, 0, :4]).flatten(1)}


def by_pixel(image: torch.Tensor) -> dict[str, torch.Tensor]:
    """The position is in the first three pixels."""
    return {"position": image[:, 0, 0, :3], "embedding_image": image[:, 0, 0]}


@pytest.fixture
def bundles(monkeypatch):
    networks = {"by-level": (IQ, by_level), "by-pixel": (IMAGE, by_pixel)}

    def load(name, device, dtype, engine):
        contract, network = networks[Path(name).name]
        return Bundle(parse_contract(contract, "test"), network, Path(name), torch.device("cpu"), "fp32")

    monkeypatch.setattr(command, "load_bundle", load)


@pytest.fixture
def levels(tmp_path) -> Path:
    """Two of three `a` are right, one of two `b` (the other one is undecided, and taken for `c`)."""
    iq = np.ones((5, 1, WINDOW), np.complex64) * np.array([1, 1, 2, 2, 3])[:, None, None]
    return write_dataset(
        tmp_path / "levels.h5",
        "sample",
        iq,
        np.array([0, 0, 0, 1, 1]),
        labels=["a", "b"],
        groups={"source": ["p", "p", "q", "q", "r"]},
        task="fingerprint",
        signal={"kind": "iq_rms"},
        provenance={"reader": "test", "source": "levels", "synthetic": True},
    )


def evaluate(capsys, *arguments) -> tuple[int, str, str]:
    status = main(list(map(str, arguments)))
    return status, *capsys.readouterr()


def test_a_whole_file(tmp_path, bundles, levels, capsys):
    out, file = tmp_path / "pictures", tmp_path / "figures.json"
    status, text, _ = evaluate(capsys, "--bundle", "by-level", "--data", levels, "--json", file, "--out", out)
    assert status == 0
    figures = json.loads(file.read_text())
    assert figures["mean_class_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert figures["per_class"] == pytest.approx({"a": 2 / 3, "b": 1 / 2}), "by name, whatever the order"
    assert figures["accuracy"] == pytest.approx(3 / 5) and figures["unknown_share"] == pytest.approx(1 / 5)
    assert figures["data"]["real"] is False and figures["windows"] == {"test": 5}
    low, high = figures["mean_class_accuracy_interval"]
    assert 0 <= low < figures["mean_class_accuracy"] < high <= 1
    assert "mean class accuracy: 0.583  (95 %: " in text and "all 5 windows of the file" in text
    assert sorted(path.name for path in out.iterdir()) == ["confusion.png", "embeddings.png"]


def test_the_test_side_of_a_run(tmp_path, bundles, levels, capsys):
    run = tmp_path / "by-level"
    run.mkdir()
    split = {"description": "group:source, seed 1: of 5", "train": [0, 1], "validation": [2], "test": [3, 4]}
    (run / "split.json").write_text(json.dumps(split))
    status, text, error = evaluate(capsys, "--run", run, "--data", levels, "--json", "-")
    assert status == 0 and "test windows of the split group:source, seed 1" in error
    assert json.loads(text)["accuracy"] == 0.5 and json.loads(text)["windows"]["test"] == 2
    text = evaluate(capsys, "--run", run, "--data", levels, "--json", "-", "--split", "train")[1]
    assert json.loads(text)["accuracy"] == 1.0
    (run / "split.json").write_text(json.dumps({**split, "train": [0]}))
    status, _, error = evaluate(capsys, "--run", run, "--data", levels)
    assert status == 1 and "is of 4 windows" in error and "has 5" in error
    (run / "split.json").unlink()
    status, _, error = evaluate(capsys, "--run", run, "--data", levels)
    assert status == 1 and "the run is incomplete" in error


def test_positions(tmp_path, bundles, capsys):
    images = np.zeros((4, 1, 16, 16), np.float32)
    images[:, 0, 0, :3] = [[3, 4, 0], [0, 0, 1], [1, 1, 1], [1, 1, 1]]
    truth = np.array([[0, 0, 0], [0, 0, 0], [1, 1, 1], [1, 1, 1]], np.float32)
    signal = {"kind": "standard_image", "size": [16, 16], "minimum": 0.0, "maximum": 1.0, "mean": [0.5], "std": [0.5]}
    file = write_dataset(
        tmp_path / "p.h5", "features", images, truth, task="position", signal=signal, provenance={"reader": "test"}
    )
    status, text, _ = evaluate(capsys, "--bundle", "by-pixel", "--data", file, "--out", tmp_path / "out")
    assert status == 0
    assert "mean m: 1.500" in text and "median m: 0.500" in text and "p90 m: 3.800" in text
    assert (tmp_path / "out" / "cdf.png").read_bytes().startswith(b"\x89PNG")


def test_what_does_not_fit_is_named(tmp_path, bundles, levels, capsys):
    for arguments, reason in [
        (["--bundle", "by-pixel"], "is labelled with classes, the task 'position'"),
        (["--bundle", "by-level", "--task", "activity"], "no task 'activity' in by-level"),
        (["--bundle", "by-level", "--split", "test"], "--split test without a run"),
        (["--run", tmp_path / "none"], "is not a folder"),
    ]:
        status, _, error = evaluate(capsys, "--data", levels, *arguments)
        assert status == 1 and reason in error and error.count("\n") == 1
    other = write_dataset(
        tmp_path / "other.h5",
        "sample",
        np.ones((2, 1, WINDOW), np.complex64),
        np.array([0, 1]),
        labels=["a", "z"],
        task="fingerprint",
        signal={"kind": "iq_rms"},
        provenance={},
    )
    status, _, error = evaluate(capsys, "--data", other, "--bundle", "by-level")
    assert status == 1 and "has the labels z, which the task 'fingerprint' does not know" in error
    with pytest.raises(SystemExit) as wrong_use:
        main(["--data", str(levels)])
    assert wrong_use.value.code == 2


def figures_of(folder: Path, **figures) -> Path:
    folder.mkdir(parents=True)
    (folder / "figures.json").write_text(json.dumps(figures))
    return folder


def test_the_table(tmp_path, monkeypatch, capsys):
    real = {"file": "har.h5", "provenance": {"source": "csi_har", "reader": "npz"}, "real": True}
    made = {"file": "tones.h5", "provenance": {"reader": "test"}, "real": False}
    figures_of(
        tmp_path / "runs" / "har", task="activity", kind="classification", regime="lora, inputs frozen", init="small",
        mean_class_accuracy=0.8765, data=real, split="group:source, seed 1",
    )  # fmt: skip
    figures_of(
        tmp_path / "runs" / "pitch", task="custom", regime="lp", init="small", mean_class_accuracy=0.5, data=made,
        split="random, seed 2; leaks",
    )  # fmt: skip
    scenes = figures_of(tmp_path / "runs" / "scenes", intd=0.77, intc=0.81)
    (scenes / "contract.yaml").write_text("origin: {data: synthetic}")
    figures_of(
        tmp_path / "runs" / "pos", task="position", regime="full", init="small", mean_m=0.251, data=real, split="s"
    )
    figures_of(tmp_path / "runs" / "pretrained", loss=0.3)
    monkeypatch.chdir(tmp_path)
    status, text, _ = evaluate(capsys, "--table")
    assert status == 0
    lines = text.splitlines()
    assert lines[0].split()[-6:] == list(COLUMNS)
    for (source, regime), values in ROWS.items():
        (line,) = [line for line in lines if line.startswith(f"{source} ") and f" {regime} " in line]
        assert line.split()[-6:] == ["-" if value is None else f"{value:.2f}" for value in values]
    ours = {line.split()[2]: line.split() for line in lines if line.startswith("[") and "(small)" in line[:40]}
    assert ours["har"][1] == "real:" and ours["pitch"][1] == "synthetic:"
    assert ours["har"][4:7] == ["LoRA,", "inputs", "frozen"] and ours["har"][-6:] == ["-", "-", "-", "87.65", "-", "-"]
    assert ours["pos"][-1] == "0.25"
    notes = [line for line in lines if "split:" in line]
    assert any("real: har.h5 (csi_har); split: group:source, seed 1" in note for note in notes)
    assert any("custom: mean per-class accuracy 50.00 %; synthetic: tones.h5" in note for note in notes)
    assert any("synthetic: endless scenes" in note for note in notes)
    assert "pretrained" not in text


def test_the_published_rows_are_the_papers():
    assert ROWS["paper", "LoRA"] == (99.77, 99.60, 66.93, 98.10, 89.41, 1.06)
    assert ROWS["baselines in the paper", "FT2"][-1] == 0.41
    assert all(len(values) == len(COLUMNS) for values in ROWS.values())


def test_a_run_that_is_not_finished(tmp_path, capsys):
    status, _, error = evaluate(capsys, "--table", tmp_path)
    assert status == 1 and "has no figures.json: the run is incomplete" in error
    figures_of(tmp_path / "foundation", loss=0.3)
    status, _, error = evaluate(capsys, "--table", tmp_path / "foundation")
    assert status == 1 and "holds no figures of a task" in error
