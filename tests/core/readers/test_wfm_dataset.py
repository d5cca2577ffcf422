# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring your own data: arrays and the authors' caches become one kind of file, and what they hold is shown."""

import json

import h5py
import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.cli.dataset import main
from wfm_core.data.dataset import open_dataset
from wfm_core.data.readers.own import hdf5, npz
from wfm_core.data.readers.public import wavesfm
from wfm_core.data.summary import summary, warnings
from wfm_core.signal import build_preprocessor
from wfm_core.signal.csi import CsiLevels


def refused(reason, function, *arguments, **options):
    with pytest.raises(WfmError, match=reason) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)


def csi_arrays(count=12):
    """The arrays of a small CSI set: int8 [count, 20 packets, 6 subcarriers, 2 antennas, 2]."""
    generator = np.random.default_rng(3)
    return {
        "csi": generator.integers(-90, 90, (count, 20, 6, 2, 2)).astype(np.int8),
        "activity": np.array(["walk", "sit", "fall"])[np.arange(count) % 3],
        "number": np.array([9, 10, 100])[np.arange(count) % 3],
        "person": np.arange(count) // 4,
        "x": np.linspace(-1, 2, count),
        "y": np.linspace(0, 3, count),
    }


def save(folder, **changed):
    path = folder / "har.npz"
    np.savez(path, **{name: array for name, array in (csi_arrays() | changed).items() if array is not None})
    return path


def test_csi_of_an_npz_with_classes_and_groups(tmp_path):
    out = tmp_path / "d.h5"
    npz.read(save(tmp_path), out, array="csi", kind="csi", label="activity", group=["person"], size=16)
    dataset = open_dataset(out)
    assert (dataset.kind, dataset.count, dataset.shape, dataset.task) == ("csi", 12, (2, 6, 20), "custom")
    assert dataset.labels == ("fall", "sit", "walk")
    assert dataset.label.tolist() == [2, 1, 0] * 4
    assert dataset.groups["person"].tolist() == ["0"] * 4 + ["1"] * 4 + ["2"] * 4
    stored = csi_arrays()["csi"].astype(float)
    assert dataset.read([5])[0, 1, 4, 17] == pytest.approx(np.hypot(*stored[5, 17, 4, 1]))
    prepared = build_preprocessor(dataset.signal)(torch.from_numpy(dataset.read(range(12))))
    assert prepared.shape == (12, 2, 16, 16)
    assert torch.allclose(prepared.mean((0, 2, 3)), torch.zeros(2), atol=1e-3), "standardised with its own statistics"
    assert torch.allclose(prepared.std((0, 2, 3)), torch.ones(2), atol=1e-2)
    assert dataset.provenance["options"]["axes"] == ["packets", "subcarriers", "antennas", "reim"]


def test_each_subcarrier_of_csi_standardised(tmp_path):
    options = {"array": "csi", "kind": "csi", "label": "activity", "standardise": "subcarrier", "size": 16}
    dataset = open_dataset(npz.read(save(tmp_path), tmp_path / "d.h5", **options))
    amplitude = torch.from_numpy(dataset.read(range(12)))
    levels = CsiLevels()(amplitude)
    assert np.allclose(dataset.signal["subcarrier_mean"], levels.mean((0, 3)), atol=1e-5)
    prepared = build_preprocessor(dataset.signal)(amplitude)
    assert torch.allclose(prepared.mean((0, 2, 3)), torch.zeros(2), atol=1e-3)
    assert torch.allclose(prepared.std((0, 2, 3)), torch.ones(2), atol=1e-2)
    assert f"subcarrier_mean of 2 x {levels.size(2)}, " in "\n".join(summary(dataset)), "not number by number"
    still = csi_arrays()["csi"]
    still[:, :, 3] = 0
    refused("standardise 'packet': expected one of channel, subcarrier", npz.read, save(tmp_path), tmp_path / "e.h5",
            **options | {"standardise": "packet"})  # fmt: skip
    refused("2 subcarriers never change", npz.read, save(tmp_path, csi=still), tmp_path / "e.h5", **options)


def test_motion_of_csi_has_statistics_of_its_own(tmp_path):
    options = ["--array", "csi", "--kind", "csi", "--label", "activity", "--motion", "--size", "16"]
    out = tmp_path / "d.h5"
    assert main(["build", "--from", "npz", str(save(tmp_path)), "--out", str(out), *options]) == 0
    dataset = open_dataset(out)
    prepared = build_preprocessor(dataset.signal)(torch.from_numpy(dataset.read(range(12))))
    assert prepared.shape == (12, 2 * 2, 16, 16)
    assert torch.allclose(prepared.mean((0, 2, 3)), torch.zeros(4), atol=1e-3)
    assert torch.allclose(prepared.std((0, 2, 3)), torch.ones(4), atol=1e-2)


@pytest.mark.parametrize("gain", ["window", "packet", "none"])
def test_the_chosen_scale_and_gain_are_those_of_the_signal(tmp_path, gain):
    options = {"array": "csi", "kind": "csi", "label": "activity", "scale": "linear", "gain": gain, "size": 8}
    signal = open_dataset(npz.read(save(tmp_path), tmp_path / "d.h5", **options)).signal
    assert (signal["scale"], signal["gain"], signal["size"]) == ("linear", gain, [8, 8])
    power = (csi_arrays()["csi"].astype(float) ** 2).sum(-1).mean()
    assert ("reference" in signal) == (gain == "none")
    assert signal.get("reference", power**0.5) == pytest.approx(power**0.5, rel=1e-5)


def test_numbers_as_labels_are_sorted_by_value_or_named(tmp_path):
    path, out = save(tmp_path), tmp_path / "d.h5"
    npz.read(path, out, array="csi", kind="csi", label="number", size=8)
    assert open_dataset(out).labels == ("9", "10", "100")
    npz.read(path, out, array="csi", kind="csi", label="person", labels=["ann", "bob", "eve", "joe"], size=8)
    dataset = open_dataset(out)
    assert [dataset.labels[index] for index in dataset.label[[0, 11]]] == ["ann", "eve"]
    refused("window 8 has 2: integers from 0 to 1", npz.read, path, out, array="csi", kind="csi", label="person",
            labels=["ann", "bob"])  # fmt: skip


def test_positions_are_metres_and_make_the_scene(tmp_path):
    npz.read(save(tmp_path), tmp_path / "d.h5", array="csi", kind="csi", position=["x", "y"], size=8)
    dataset = open_dataset(tmp_path / "d.h5")
    assert (dataset.task, dataset.labels) == ("position", ())
    assert dataset.label[-1].tolist() == [2, 3, 0]
    assert dataset.scene == {"low": [-1, 0, 0], "high": [2, 3, 0]}


def test_arrays_without_labels(tmp_path, capsys):
    out = tmp_path / "d.h5"
    options = ["--array", "csi", "--kind", "csi", "--group", "person", "--size", "8", "--out", str(out)]
    assert main(["build", "--from", "npz", str(save(tmp_path)), *options]) == 0
    said = capsys.readouterr()
    assert "no labels: it can pretrain" in said.out
    assert said.err == ""
    assert (tmp_path / "d.png").stat().st_size > 10_000
    dataset = open_dataset(out, unlabelled=True)
    assert (dataset.count, dataset.label, dataset.provenance["options"]["label"]) == (12, None, None)


@pytest.mark.parametrize("pairs", [False, True])
def test_a_cache_of_old_is_brought_in(tmp_path, pairs):
    iq = np.random.default_rng(0).normal(size=(5, 3, 64, 2)).astype(np.float32)
    with h5py.File(tmp_path / "cache.h5", "w") as file:
        file["iq"] = iq if pairs else iq.view(np.complex64)[..., 0]
    axes = ["--axes", "antennas,samples,reim"] if pairs else []
    out = tmp_path / "d.h5"
    command = ["build", "--from", "hdf5", str(tmp_path / "cache.h5"), "--array", "iq", "--kind", "sample", *axes]
    assert main([*command, "--sample-rate", "1e6", "--out", str(out)]) == 0
    dataset = open_dataset(out, unlabelled=True)
    assert dataset.sample_rate == 1e6
    assert np.array_equal(dataset.read(range(5)), iq.transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("changed", "options", "reason"),
    [
        ({}, {"array": "cis"}, "no array 'cis'; did you mean csi"),
        ({}, {"label": "x"}, "x: window 1 has -0.72.*--position"),
        ({}, {"label": None, "task": "activity"}, "task activity without names of classes"),
        ({}, {"label": None, "labels": ["a", "b"]}, "--labels without --label"),
        ({}, {"position": ["x", "y"]}, "--label and --position: one of them is expected"),
        ({"activity": np.zeros(11, int)}, {}, r"activity has the shape \[11\] for 12 windows"),
        ({"activity": np.array([{}] * 12)}, {}, "activity holds pickled objects"),
        ({}, {"axes": ["packets", "subcarriers", "antennas", "antennas"]}, "window 0 has amplitudes below 0.*reim"),
        ({"csi": np.full((12, 20, 6), np.nan)}, {}, "har.npz: csi: window 0 has values that are not finite"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_named(tmp_path, changed, options, reason):
    chosen = {"array": "csi", "kind": "csi", "label": "activity", "size": 8} | options
    refused(reason, npz.read, save(tmp_path, **changed), tmp_path / "d.h5", **chosen)
    assert not (tmp_path / "d.h5").exists()


def test_the_first_window_with_nan_is_named(tmp_path):
    amplitude = np.ones((12, 20, 6, 2), np.float32)
    amplitude[7, 0, 0, 1] = np.nan
    amplitude[9] = np.inf
    path = save(tmp_path, csi=amplitude)
    refused("window 7 .*not finite", npz.read, path, tmp_path / "d.h5", array="csi", kind="csi", label="person")


def test_files_of_another_kind_are_named(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    np.save(tmp_path / "one.npy", np.zeros(3))
    options = {"array": "x", "kind": "csi", "label": "y"}
    refused("text.npz cannot be read as .npz", npz.read, tmp_path / "text.npz", tmp_path / "d.h5", **options)
    refused("one.npy is a single array", npz.read, tmp_path / "one.npy", tmp_path / "d.h5", **options)
    refused("text.npz cannot be read as HDF5", hdf5.read, tmp_path / "text.npz", tmp_path / "d.h5", **options)
    refused("text.npz cannot be read as HDF5", wavesfm.read, tmp_path / "text.npz", tmp_path / "d.h5")


def test_iq_of_an_hdf5_file_with_axes_in_another_order(tmp_path):
    iq = np.random.default_rng(4).normal(size=(6, 3, 32, 2)).astype(np.float32)
    with h5py.File(tmp_path / "own.h5", "w") as file:
        file["data/iq"] = iq
        file["data/tx"] = [b"b", b"a", b"b", b"a", b"b", b"a"]
    options = {"array": "data/iq", "kind": "sample", "label": "data/tx", "sample_rate": 2e6}
    refused("axes antennas,samples,reim", hdf5.read, tmp_path / "own.h5", tmp_path / "d.h5", **options)
    hdf5.read(tmp_path / "own.h5", tmp_path / "d.h5", axes=["antennas", "samples", "reim"], **options)
    dataset = open_dataset(tmp_path / "d.h5")
    assert (dataset.labels, dataset.sample_rate, dataset.modality) == (("a", "b"), 2e6, "iq")
    assert np.array_equal(dataset.read_iq([4, 1]), (iq[..., 0] + 1j * iq[..., 1])[[4, 1]])
    refused("data is a group", hdf5.read, tmp_path / "own.h5", tmp_path / "d.h5", **options | {"array": "data"})


def test_a_cache_of_the_authors_is_raw_again_and_prepared_as_they_did(tmp_path):
    raw = np.random.default_rng(5).uniform(2, 50, (7, 3, 16, 16)).astype(np.float32)
    mean, std = [0.7, 0.6, 0.5], [0.1, 0.2, 0.3]
    stored = ((raw - 2) / 48 - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    with h5py.File(tmp_path / "cache.h5", "w") as file:
        file["csi"], file["label"] = stored.astype(np.float32), np.arange(7) % 2
        file["source_file"] = [f"run{n}.mat" for n in range(7)]
        file.attrs.update({"mu": json.dumps(mean), "std": json.dumps(std), "min_val": 2.0, "max_val": 50.0})
        file.attrs["labels"] = json.dumps(["run", "walk"])
    wavesfm.read(tmp_path / "cache.h5", tmp_path / "d.h5", task="activity")
    dataset = open_dataset(tmp_path / "d.h5")
    assert (dataset.kind, dataset.labels, dataset.groups["source"][3]) == ("csi", ("run", "walk"), "run3.mat")
    assert np.allclose(dataset.read(range(7)), raw, rtol=1e-5)
    prepared = build_preprocessor(dataset.signal)(torch.from_numpy(dataset.read(range(7))))
    assert np.allclose(prepared.numpy(), stored, atol=1e-5)


def test_iq_and_positions_of_the_authors(tmp_path):
    raw = np.random.default_rng(6).normal(0, 0.003, (4, 2, 1, 64)).astype(np.float32)
    with h5py.File(tmp_path / "iq.h5", "w") as file:
        file["sample"] = raw / np.float32([0.00275, 0.0026]).reshape(2, 1, 1)
        file["label"], file["fs"] = np.array([0, 1, 2, 1]), np.full(4, 7.68e6, np.float32)
        file.attrs.update({"mu": "[0.0, 0.0]", "std": "[0.00275, 0.0026]"})
    dataset = open_dataset(wavesfm.read(tmp_path / "iq.h5", tmp_path / "a.h5", labels=["none", "bpsk", "qpsk"]))
    assert np.allclose(dataset.read(range(4)), raw, rtol=1e-5)
    assert (dataset.labels[2], dataset.sample_rate) == ("qpsk", 7.68e6)
    prepared = torch.view_as_real(build_preprocessor(dataset.signal)(torch.from_numpy(dataset.read_iq([3]))))
    assert np.allclose(prepared[0, 0, :, 1], raw[3, 1, 0] / 0.0026, rtol=1e-4)
    with h5py.File(tmp_path / "pos.h5", "w") as file:
        file["features"], file["label"] = np.ones((2, 4, 16, 16), np.float32), np.float32([[-1, 0, 1], [1, 1, -1]])
    refused("no attribute coord_nominal_min", wavesfm.read, tmp_path / "pos.h5", tmp_path / "b.h5")
    with h5py.File(tmp_path / "pos.h5", "a") as file:
        file.attrs.update({"coord_nominal_min": "[0, 0, 0]", "coord_nominal_max": "[80, 60, 40]"})
    dataset = open_dataset(wavesfm.read(tmp_path / "pos.h5", tmp_path / "b.h5"))
    assert dataset.label.tolist() == [[0, 30, 40], [80, 60, 0]]
    assert (dataset.task, dataset.scene["high"]) == ("position", [80, 60, 40])


@pytest.mark.parametrize("kind", ["activity", "position"])
def test_the_command_of_arrays(tmp_path, capsys, kind):
    label = ["--label", "activity"] if kind == "activity" else ["--position", "x", "y"]
    command = ["build", "--from", "npz", str(save(tmp_path)), "--array", "csi", *label, "--group", "person"]
    command += ["--kind", "csi", "--axes", "packets,subcarriers,antennas,reim", "--gain", "packet", "--size", "8"]
    assert main([*command, "--task", kind, "--out", str(tmp_path / "d.h5")]) == 0
    printed = capsys.readouterr().out
    assert "group person: 0 4, 1 4, 2 4" in printed
    assert ("positions: x -1 to 2 m" in printed) == (kind == "position")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "npz", "--label", "a", "--window", "8"], "--window does not go with --from npz; it takes --array"),
        (["--from", "sigmf", "--label", "core:label"], "--from sigmf needs --window"),
        (["--from", "csv"], "invalid choice: 'csv'"),
    ],
)
def test_wrong_use_is_told(tmp_path, capsys, arguments, said):
    with pytest.raises(SystemExit) as caught:
        main(["build", *arguments, str(tmp_path), "--out", str(tmp_path / "d.h5")])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err
    assert main(["show", str(tmp_path / "absent.h5")]) == 1
    assert main(["build", "--from", "powder", str(tmp_path / "absent"), "--out", str(tmp_path / "d.h5")]) == 1


def test_what_will_be_trouble_is_said(tmp_path):
    path = save(tmp_path, activity=np.array(["walk"] * 11 + ["sit"]))
    dataset = open_dataset(npz.read(path, tmp_path / "d.h5", array="csi", kind="csi", label="activity", size=8))
    assert [text.split(":")[0] for text in warnings(dataset)] == ["one window only of sit", "no groups"]
    npz.read(path, tmp_path / "d.h5", array="csi", kind="csi", label="person", labels=list("abcd"), group=["person"],
             size=8)  # fmt: skip
    assert [text.split(":")[0] for text in warnings(open_dataset(tmp_path / "d.h5"))] == ["no window of d"]
