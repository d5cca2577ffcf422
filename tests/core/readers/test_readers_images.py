# SPDX-License-Identifier: GPL-3.0-or-later
"""The public CSI, image and positioning data sets in their owners' layouts: values, labels, and every fault named."""

import numpy as np
import pytest
import torch
from public_layouts import matlab_hdf5, ntu_fi, picture, read, refused

from wfm_core.signal import build_preprocessor

# NTU-Fi


def amplitudes(packets=20, seed=0):
    return np.random.default_rng(seed).uniform(3, 54, (342, packets))


@pytest.mark.parametrize("form", ["v5", "v7.3"])
def test_ntu_fi_both_matlab_formats(tmp_path, form):
    ntu_fi(tmp_path / "d", "train_amp", "walk", 1, amplitudes(), form)
    ntu_fi(tmp_path / "d", "train_amp", "clean", 1, amplitudes(seed=1), form)
    ntu_fi(tmp_path / "d", "test_amp", "run", 7, amplitudes(seed=2), form)
    dataset = read("ntu-fi", tmp_path / "d")
    assert (dataset.task, dataset.labels) == ("activity", ("run", "walk", "fall", "box", "circle", "clean"))
    assert (dataset.kind, dataset.count, dataset.shape) == ("csi", 3, (3, 114, 20))
    assert dataset.groups["source"].tolist() == ["test_amp/run/run7", "train_amp/clean/clean1", "train_amp/walk/walk1"]
    assert dataset.groups["official"].tolist() == ["test", "train", "train"]
    assert dataset.label.tolist() == [0, 5, 1]
    seen = dataset.read([2])[0]
    assert seen[1, 7, 3] == np.float32(amplitudes()[114 + 7, 3]), "antenna after antenna, 114 subcarriers each"
    assert np.array_equal(seen.reshape(342, 20), amplitudes().astype(np.float32))


def test_ntu_fi_is_prepared_as_published(tmp_path):
    ntu_fi(tmp_path / "d", "train_amp", "box", 1, np.full((342, 6), 2.44 + 0.5 * (54.72 - 2.44)))
    dataset = read("ntu-fi", tmp_path / "d")
    prepared = build_preprocessor(dataset.signal)(torch.from_numpy(dataset.read([0])))
    assert prepared.shape == (1, 3, 224, 224)
    expected = [(0.5 - 0.7396) / 0.0960, (0.5 - 0.7722) / 0.0764, (0.5 - 0.7758) / 0.0888]
    assert prepared.mean((0, 2, 3)).tolist() == pytest.approx(expected, abs=1e-4)


def test_ntu_fi_faults_are_named(tmp_path):
    folder = tmp_path / "d"
    path = ntu_fi(folder, "train_amp", "box", 1, amplitudes(), name="CSIphase")
    refused("box1.mat holds CSIphase, CSIamp is expected", "ntu-fi", folder)
    ntu_fi(folder, "train_amp", "box", 1, amplitudes(), "v7.3", name="CSIphase")
    refused("box1.mat holds CSIphase, CSIamp is expected", "ntu-fi", folder)
    ntu_fi(folder, "train_amp", "box", 1, amplitudes()[:340])
    refused(r"CSIamp is float64 \[340, 20\]; amplitudes \[342, packets\]", "ntu-fi", folder)
    broken = amplitudes()
    broken[5, 5] = -np.inf
    ntu_fi(folder, "train_amp", "box", 1, broken)
    refused(r"window 0 \(source train_amp/box/box1\) has values", "ntu-fi", folder)
    path.write_bytes(b"not a MATLAB file at all" * 20)
    refused("box1.mat cannot be read as a MATLAB file", "ntu-fi", folder)
    path.unlink()
    ntu_fi(folder, "test_amp", "jump", 1, amplitudes())
    refused("a class folder 'jump', expected one of run", "ntu-fi", folder)
    (folder / "test_amp" / "jump").rename(folder / "test_amp" / "walk")
    ntu_fi(folder, "test_amp", "walk", 2, amplitudes(21))
    refused(r"window 1 is \[3, 114, 21\]", "ntu-fi", folder)


# CommRad


def test_commrad_labels_and_the_turn(tmp_path):
    corner = np.zeros((64, 96, 3))
    corner[:16, -24:] = 255  # top right: turned against the clock it is top left
    for name in ("RS41-Radiosonde_3.png", "ads-b_1.jpg", "on-off-keying_a_b.png"):
        picture(tmp_path / "d", name, corner)
    dataset = read("commrad", tmp_path / "d", size=96)
    assert dataset.task == "classification"
    assert len(dataset.labels) == 20
    assert [dataset.labels[label] for label in dataset.label] == ["RS41-Radiosonde", "ads-b", "on-off-keying"]
    assert (dataset.kind, dataset.count, dataset.shape) == ("image", 3, (1, 96, 96))
    assert dataset.groups["source"].tolist()[1] == "ads-b_1.jpg"
    seen = dataset.read([0])[0, 0]
    assert seen[:20, :20].min() > 0.95, "white"
    assert max(seen[30:].max(), seen[:, 30:].max()) < 0.05, "black"


def test_commrad_is_grey_by_the_luma_and_prepared_as_published(tmp_path):
    picture(tmp_path / "d", "fm_1.png", np.broadcast_to([255, 0, 51], (30, 40, 3)))
    picture(tmp_path / "d", "wifi_1.png", np.full((50, 20), 255))
    dataset = read("commrad", tmp_path / "d")
    assert dataset.shape == (1, 224, 224)
    seen = dataset.read([0, 1])
    assert np.allclose(seen[0], 0.2989 + 0.2 * 0.114, atol=1e-4)
    prepared = build_preprocessor(dataset.signal)(torch.from_numpy(seen))
    assert torch.allclose(prepared, torch.from_numpy((seen - 0.5) / 0.5), atol=1e-4)


def test_commrad_faults_are_named(tmp_path):
    picture(tmp_path / "d", "radar_1.png", np.zeros((4, 4, 3)))
    refused("radar_1.png: a class 'radar'", "commrad", tmp_path / "d")
    (tmp_path / "d" / "radar_1.png").rename(tmp_path / "d" / "fm.png")
    refused("fm.png: a class 'fm.png'", "commrad", tmp_path / "d")
    (tmp_path / "d" / "fm.png").rename(tmp_path / "d" / "fm_2.png")
    whole = (tmp_path / "d" / "fm_2.png").read_bytes()
    for broken in (b"hello", whole[:45]):
        (tmp_path / "d" / "fm_2.png").write_bytes(broken)
        refused("fm_2.png cannot be read as an image", "commrad", tmp_path / "d")


# 5G NR positioning


def features(count=3, channels=4, seed=0):
    return np.random.default_rng(seed).random((count, channels, 10, 12))


def places(count=3, seed=0):
    return np.random.default_rng(seed).uniform(0, 4, (count, 3))


@pytest.mark.parametrize(
    ("channels", "scene", "corner", "minimum"),
    [(4, "outdoor", [80, 60, 40], -0.096), (5, "indoor", [60, 20, 4], -0.123)],
)
def test_positions_and_features_of_both_scenes(tmp_path, channels, scene, corner, minimum):
    first, second = features(3, channels), features(70, channels, 1)
    matlab_hdf5(tmp_path / "d" / "a.mat", {"features": first, "labels/position": places()})
    matlab_hdf5(tmp_path / "d" / "more" / "b.mat", {"features": second, "labels/position": places(70, 1)})
    dataset = read("nr-pos", tmp_path / "d", scene=None if channels == 4 else scene)
    assert (dataset.task, dataset.labels, dataset.kind) == ("position", (), "features")
    assert (dataset.count, dataset.shape) == (73, (channels, 10, 12))
    assert np.array_equal(dataset.label, np.concatenate([places(), places(70, 1)]).astype(np.float32))
    assert np.array_equal(dataset.read([1, 72]), np.stack([first[1], second[69]]).astype(np.float32))
    assert dataset.groups["source"].tolist() == ["a.mat"] * 3 + ["more/b.mat"] * 70
    assert dataset.scene == {"low": [0, 0, 0], "high": corner}
    assert dataset.provenance["options"] == {"scene": scene}
    prepared = build_preprocessor(dataset.signal)(torch.full((1, channels, 4, 4), minimum))
    expected = {4: -0.4638 / 0.1154, 5: -0.3824 / 0.1168}[channels]
    assert prepared.shape == (1, channels, 224, 224)
    assert prepared[0, 0].mean().item() == pytest.approx(expected, abs=1e-4)


def test_positioning_faults_are_named(tmp_path):
    folder = tmp_path / "d"
    path = folder / "a.mat"
    matlab_hdf5(path, {"features": features(), "position": places()})
    refused("a.mat holds features, position, features and labels/position are expected", "nr-pos", folder)
    matlab_hdf5(path, {"features": features(4), "labels/position": places(4).T})
    refused(r"features \[4, 4, 10, 12\], labels/position \[3, 4\]", "nr-pos", folder)
    matlab_hdf5(path, {"features": features(), "labels/position": places(2)})
    refused(r"labels/position \[2, 3\]", "nr-pos", folder)
    matlab_hdf5(path, {"features": features(3, 7), "labels/position": places()})
    refused(r"have 7 channels; 4 for outdoor, 5 for indoor are expected", "nr-pos", folder)
    matlab_hdf5(path, {"features": features(), "labels/position": places()})
    refused(r"have 4 channels; .*all files of one scene \(indoor\)", "nr-pos", folder, scene="indoor")
    refused("scene 'space' is not known", "nr-pos", folder, scene="space")
    matlab_hdf5(folder / "b.mat", {"features": features(3, 5), "labels/position": places()})
    refused(r"b.mat: .*have 5 channels; .*all files of one scene \(outdoor\)", "nr-pos", folder)
    (folder / "b.mat").write_text("MATLAB 5.0 MAT-file")
    refused("b.mat cannot be read as MATLAB v7.3", "nr-pos", folder)
