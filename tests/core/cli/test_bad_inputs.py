# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad inputs, given to the commands themselves: one sentence on stderr, exit status 1."""

import sys

import h5py
import numpy as np
import pytest
from finetune_sets import tiny_foundation, tones
from labelled_recordings import write_recording

from wfm_core.cli import dataset, evaluate, export, finetune
from wfm_core.data.dataset import open_dataset, write_dataset


def refused(capsys, main, reason, *arguments):
    status = main([str(argument) for argument in arguments])
    error = capsys.readouterr().err
    assert status == 1 and error.count("\n") == 1, error
    assert reason in error


def build(capsys, reason, reader, source, *options):
    refused(capsys, dataset.main, reason, "build", "--from", reader, source, "--out", source.parent / "d.h5", *options)
    assert not (source.parent / "d.h5").exists()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [("1000000.0", "2000000.0", "mixed sample rates"), ("cf32_le", "ci16_le", "mixed datatypes")],
)
def test_a_mixed_folder_without_resample(tmp_path, capsys, old, new, reason):
    folder = tmp_path / "r"
    folder.mkdir()
    for name in ("a", "b"):
        write_recording(folder / f"{name}.sigmf-meta", ["ook", "qpsk"], 64, seed=0)
    meta = folder / "b.sigmf-meta"
    meta.write_text(meta.read_text().replace(old, new))
    build(capsys, reason, "sigmf", folder, "--label", "core:label", "--window", 16)


def test_nan_in_csi(tmp_path, capsys):
    csi = np.ones((4, 8, 6, 2), np.float32)
    csi[2, 1, 3, 0] = np.nan
    np.savez(tmp_path / "c.npz", csi=csi, label=np.arange(4) % 2)
    options = ("--array", "csi", "--label", "label", "--kind", "csi")
    build(capsys, "window 2 has values that are not finite", "npz", tmp_path / "c.npz", *options)


def test_swapped_axes_of_hdf5(tmp_path, capsys):
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["iq"], file["label"] = np.zeros((4, 1, 32, 2), np.float32), np.arange(4) % 2
    options = ("--array", "iq", "--label", "label", "--kind", "sample")
    build(capsys, "--axes antennas,samples,reim", "hdf5", tmp_path / "s.h5", *options)


@pytest.mark.parametrize(
    ("label", "split", "reason"),
    [
        ([0] * 32 + [1] * 31 + [2], "stratified", "classes of one window: c"),
        ([0] * 4 + [1] * 60, "group:source", "every label is expected on both sides"),
    ],
)
def test_labels_that_cannot_be_split(tmp_path, capsys, label, split, reason):
    tones(tmp_path / "t.h5")
    old = open_dataset(tmp_path / "t.h5")
    write_dataset(
        tmp_path / "bad.h5",
        "sample",
        old.read(range(old.count)),
        label,
        labels=["a", "b", "c"][: max(label) + 1],
        groups={"source": old.groups["source"].tolist()},
        task="custom",
        signal=old.signal,
        provenance={},
    )
    arguments = ("--data", tmp_path / "bad.h5", "--init", tiny_foundation(tmp_path / "tiny"), "--split", split)
    refused(capsys, finetune.main, reason, *arguments, "--out", tmp_path / "run")


def test_a_run_that_is_not_finished(tmp_path, capsys, monkeypatch):
    run = tmp_path / "run"
    run.mkdir()
    tones(tmp_path / "t.h5")
    refused(capsys, evaluate.main, "the run is incomplete", "--run", run, "--data", tmp_path / "t.h5")
    refused(capsys, evaluate.main, "the run is incomplete", "--table", run)
    monkeypatch.setattr(sys, "argv", ["wfm-export", "--run", str(run)])
    assert export.main() == 1
    assert "has no contract.yaml" in capsys.readouterr().err


def test_a_set_without_labels_where_labels_are_needed(tmp_path, capsys):
    np.savez(tmp_path / "c.npz", iq=np.ones((4, 1, 32), np.complex64))
    path = tmp_path / "c.h5"
    command = ["build", "--from", "npz", tmp_path / "c.npz", "--array", "iq", "--kind", "sample", "--out", path]
    assert dataset.main([str(argument) for argument in command]) == 0
    capsys.readouterr()
    reason = f"{path} has no labels and can only pretrain; build it with --label or --position"
    for task in ([], ["--task", "interference"]):
        refused(capsys, finetune.main, reason, "--data", path, "--out", tmp_path / "run", *task)
    refused(capsys, evaluate.main, reason, "--data", path, "--bundle", "wfm-interference")
