# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-finetune --config fingerprint.yaml, small: what it leaves, how it goes on, and the bundles that are made of
it."""

import json
from pathlib import Path

import numpy as np
import pytest

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import find_cohort
from wfm_core.cli.export import main as export
from wfm_core.cli.finetune import main as finetune
from wfm_core.model.enrolment.cohort import read_cohort

SMALL = ("window=16384", "episodes=9", "devices=3", "windows=3", "width=10", "strangers=20", "seed=3")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("fingerprint") / "run"
    assert finetune(["--config", "fingerprint.yaml", "--out", str(folder), *SMALL]) == 0
    return folder


def windows(samples: int = 16384, count: int = 2) -> np.ndarray:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((count, 1, samples, 2), np.float32) @ np.array([1, 1j], np.complex64)
    return (0.1 * (noise + 2 * np.exp(2j * np.pi * 0.01 * np.arange(samples)))).astype(np.complex64)


def test_a_run_leaves_model_cohort_and_figures(run):
    figures = json.loads((run / "figures.json").read_text())
    assert 0 <= figures["mean_class_accuracy"] <= 1 and set(figures["accuracy_by_make"]) == {"ook", "fsk"}
    assert figures["windows"] == {"train": 7 * 18, "test": 18}
    cohort = read_cohort(run / "cohort_transmitter.safetensors")
    assert cohort.embeddings.shape == (20, 10) and set(cohort.group) <= set(range(9))
    assert find_cohort(run, "embedding_transmitter") == run / "cohort_transmitter.safetensors"


def test_a_run_goes_on_with_the_episodes_it_has(run, tmp_path):
    """And comes to the same model."""
    import shutil

    again = tmp_path / "again"
    shutil.copytree(run, again)
    (again / "episodes" / "00004.safetensors").unlink()
    kept = (again / "episodes" / "00003.safetensors").stat().st_mtime_ns
    weights = (again / "weights.safetensors").read_bytes()
    (again / "weights.safetensors").unlink()
    assert finetune(["--resume", "--out", str(again)]) == 0
    assert (again / "weights.safetensors").read_bytes() == weights
    assert (again / "episodes" / "00003.safetensors").stat().st_mtime_ns == kept


def test_its_bundle_gives_embeddings(run, tmp_path):
    assert export([str(run), "-o", str(tmp_path)]) == 0
    bundle = load_bundle(tmp_path / "wfm-fingerprint.wfm.pt", dtype="fp32")
    found = bundle.infer(windows())["embedding_transmitter"]
    assert found.shape == (2, 10) and bundle.contract.embedding_widths == {"embedding_transmitter": 10}
    angle = np.arctan2(found[:, -5], found[:, -6]) / (2 * np.pi)
    assert angle * 0.016 % 0.016 == pytest.approx([0.01, 0.01], abs=0.0003), "where the carrier is, cycles a sample"


def test_a_longer_window_and_no_carrier_offset(run, tmp_path):
    file = tmp_path / "long.wfm.pt"
    options = ["--window", "32768", "--without-carrier-offset", "--name", "long"]
    assert export([str(run), "-o", str(file), *options]) == 0
    bundle = load_bundle(file, dtype="fp32")
    whole = windows(32768)
    found = bundle.infer(whole)["embedding_transmitter"]
    assert bundle.contract.name == "long" and not found[:, -6:].any()
    assert export([str(run), "-o", str(tmp_path)]) == 0
    short = load_bundle(tmp_path / "wfm-fingerprint.wfm.pt", dtype="fp32")
    halves = [short.infer(np.ascontiguousarray(part))["embedding_transmitter"] for part in np.split(whole, 2, 2)]
    assert found[:, :-6] == pytest.approx(np.mean(halves, 0)[:, :-6], abs=1e-3)


def test_silent_pieces_do_not_count(run, tmp_path):
    for window in (16384, 32768):
        assert export([str(run), "-o", str(tmp_path / f"{window}.wfm.pt"), "--window", str(window)]) == 0
    short, long = (load_bundle(tmp_path / f"{window}.wfm.pt", dtype="fp32") for window in (16384, 32768))
    signal = windows()
    half = np.concatenate([1e-3 * windows(), signal], 2)
    alone, beside = (b.infer(w)["embedding_transmitter"] for b, w in ((short, signal), (long, half)))
    assert beside == pytest.approx(alone, abs=1e-3)


def test_a_window_that_is_no_whole_pieces_is_refused(run, tmp_path, capsys):
    assert export([str(run), "-o", str(tmp_path), "--window", "20000"]) == 1
    assert "window.samples 20000" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_only_models_of_transmitters_have_another_window(tmp_path):
    from bundle_files import make_folder

    from wfm_core.bundle.export import export_bundle

    folder = make_folder(tmp_path / "model")
    with pytest.raises(WfmError, match="only models of transmitters have another --window"):
        export_bundle(folder, tmp_path / "x.wfm.pt", window=16384)
