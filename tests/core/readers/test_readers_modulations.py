# SPDX-License-Identifier: GPL-3.0-or-later
"""The public sets of modulations in their owners' layouts: frames, labels, SNRs, and every fault named."""

import h5py
import numpy as np
import pytest
import torch
from public_layouts import modulations, radcom, radioml_2018, read, refused

from wfm_core.cli import dataset as command
from wfm_core.data.readers.public import radcom as radcom_reader
from wfm_core.data.readers.public import radioml_2018 as radioml_2018_reader
from wfm_core.signal import build_preprocessor
from wfm_core.synth.radioml import LABELS


def frames(count=3, samples=128, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 2, samples)).astype(np.float32)


# RadioML 2016.10a and RML22


@pytest.mark.parametrize(
    ("reader", "name", "protocol", "rate", "std"),
    [
        ("radioml-2016", "RML2016.10a_dict.pkl", 0, None, [0.0058, 0.0062]),
        ("radioml-2016", "RML2016.10b.dat", 2, None, [0.0058, 0.0062]),
        ("rml22", "RML22.01A", 4, 112.2e3, [2.925, 2.924]),
        ("rml22", "RML22.01A.pkl", 3, 112.2e3, [2.925, 2.924]),
    ],
)
def test_pickles_of_modulations(tmp_path, reader, name, protocol, rate, std):
    held = {("WBFM", 2): frames(), ("8PSK", 18): frames(2, seed=1), ("8PSK", -20): frames(4, seed=2)}
    modulations(tmp_path / "d" / "inner", name, held, protocol)
    dataset = read(reader, tmp_path / "d")
    assert (dataset.task, dataset.labels, dataset.sample_rate) == ("modulation", ("8PSK", "WBFM"), rate)
    assert (dataset.kind, dataset.count, dataset.shape) == ("sample", 9, (2, 1, 128))
    assert dataset.label.tolist() == [0] * 6 + [1] * 3
    assert dataset.groups["snr_db"].tolist() == ["-20"] * 4 + ["18"] * 2 + ["2"] * 3
    assert set(dataset.groups["file"]) == {f"inner/{name}"}
    wanted = np.concatenate([held["8PSK", -20], held["8PSK", 18], held["WBFM", 2]])
    np.testing.assert_array_equal(dataset.read(range(9))[:, :, 0], wanted)
    prepared = build_preprocessor(dataset.signal)(torch.from_numpy(dataset.read_iq([0])))
    np.testing.assert_allclose(prepared[0, 0].real, wanted[0, 0] / std[0], rtol=1e-5)
    np.testing.assert_allclose(prepared[0, 0].imag, wanted[0, 1] / std[1], rtol=1e-5)


def test_all_classes_are_in_the_order_of_the_wavesfm_authors(tmp_path):
    modulations(tmp_path / "d", "RML22.01A", {(name, 0): frames(1) for name in reversed(LABELS)})
    assert read("rml22", tmp_path / "d").labels == LABELS
    assert sorted(LABELS) == list(LABELS)


def test_a_part_of_a_set_of_modulations(tmp_path):
    held = {(name, snr): frames(5, seed=snr) for name in ("QPSK", "BPSK") for snr in (0, 2, 4)}
    modulations(tmp_path / "d", "RML22.01A", held)
    dataset = read("rml22", tmp_path / "d", min_snr=2.0, per_class=2)
    assert dataset.groups["snr_db"].tolist() == ["2", "2", "4", "4"] * 2
    np.testing.assert_array_equal(dataset.read([2, 3])[:, :, 0], held["BPSK", 4][:2])
    assert dataset.provenance["options"] == {"min_snr": 2.0, "per_class": 2}
    (tmp_path / "out.h5").unlink()
    refused("d has frames of 0 to 4 dB, none of 6 dB or more", "rml22", tmp_path / "d", min_snr=6.0)
    refused("per class -1 frames: 1 or more", "rml22", tmp_path / "d", per_class=-1)
    refused("minimum SNR nan dB: a finite number", "rml22", tmp_path / "d", min_snr=float("nan"))


def test_faults_of_pickles_are_named(tmp_path):
    folder, name = tmp_path / "d", "RML2016.10a_dict.pkl"
    good = frames()
    path = modulations(folder, name, {("QAM-16", 0): good})
    refused("a modulation 'QAM-16', expected one of 8PSK", "radioml-2016", folder)
    modulations(folder, name, {("BPSK", 0): good, ("QPSK", 2): good.transpose(0, 2, 1)})
    refused(r"QPSK at 2 dB is float32 \[3, 128, 2\], float32 \[frames, 2, 128\] is expected", "radioml-2016", folder)
    modulations(folder, name, {("BPSK", 0): good, ("QPSK", 2): frames(3, 64)})
    refused(r"QPSK at 2 dB is float32 \[3, 2, 64\], float32 \[frames, 2, 128\]", "radioml-2016", folder)
    modulations(folder, name, {("BPSK", 0): good.astype(np.int16)})
    refused(r"BPSK at 0 dB is int16 \[3, 2, 128\]", "radioml-2016", folder)
    modulations(folder, name, {("BPSK", 0): np.array([[good[0], "x"]], object)})
    refused("an array of type O8, not of numbers", "radioml-2016", folder)
    modulations(folder, name, {("BPSK", 0): np.full((1, 2, 128), np.nan, np.float32)})
    refused("window 0 has values that are not finite", "radioml-2016", folder)
    modulations(folder, name, {"BPSK": good})
    refused("a key that is not", "radioml-2016", folder)
    modulations(folder, name, {("BPSK", 0): good})
    path.write_bytes(path.read_bytes()[:-500])
    refused("is refused as a pickle of arrays", "radioml-2016", folder)


# RadioML 2018.01a


def test_radioml_2018_frames_classes_and_snrs(tmp_path):
    radioml_2018(tmp_path / "d", [0, 3, 3, 22, 23], [-20, 30, 0, 2, 4])
    dataset = read("radioml-2018", tmp_path / "d")
    assert (dataset.task, len(dataset.labels), dataset.sample_rate) == ("modulation", 24, None)
    assert [dataset.labels[place] for place in (0, 3, 4, 22, 23)] == ["OOK", "BPSK", "QPSK", "GMSK", "OQPSK"]
    assert (dataset.kind, dataset.count, dataset.shape) == ("sample", 5, (2, 1, 1024))
    assert dataset.label.tolist() == [0, 3, 3, 22, 23]
    assert dataset.groups["snr_db"].tolist() == ["-20", "30", "0", "2", "4"]
    seen = dataset.read_iq([4])[0, 0]
    assert seen[[0, 1023]].tolist() == [4, 4 + 1023j]
    assert dataset.signal["kind"] == "iq_standard"


def test_a_part_of_radioml_2018_is_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(radioml_2018_reader, "CHUNK", 2)
    monkeypatch.setattr(radioml_2018_reader, "_ROWS", 3)
    label, snr = [0, 0, 0, 0, 1, 1, 1, 0, 0], [0, 0, 2, 2, 2, 2, 2, 2, 0]
    radioml_2018(tmp_path / "d", label, snr, 8)
    assert read("radioml-2018", tmp_path / "d").read_iq(range(9))[:, 0, 0].real.tolist() == list(range(9))
    dataset = read("radioml-2018", tmp_path / "d", per_class=2)
    assert dataset.read_iq(range(dataset.count))[:, 0, 0].real.tolist() == [0, 1, 2, 3, 4, 5]
    dataset = read("radioml-2018", tmp_path / "d", min_snr=1.0, per_class=2)
    assert dataset.read_iq(range(dataset.count))[:, 0, 0].real.tolist() == [2, 3, 4, 5]
    assert dataset.label.tolist() == [0, 0, 1, 1]
    (tmp_path / "out.h5").unlink()
    refused("frames of 0 to 2 dB, none of 3 dB or more", "radioml-2018", tmp_path / "d", min_snr=3.0)


def test_radioml_2018_faults_are_named(tmp_path):
    folder = tmp_path / "d"
    path = radioml_2018(folder, [0, 1], [0, 2], 8, Z=None)
    refused("holds X, Y, X, Y and Z are expected", "radioml-2018", folder)
    radioml_2018(folder, [0, 1], [0, 2], 8, X=np.zeros((2, 2, 8), np.float32))
    refused(r"X float32 \[2, 2, 8\], Y \[2, 24\], Z \[2, 1\]; float \[frames, samples, 2\]", "radioml-2018", folder)
    radioml_2018(folder, [0, 1], [0, 2], 8, Y=np.eye(11)[[0, 1]])
    refused(r"Y \[2, 11\]", "radioml-2018", folder)
    radioml_2018(folder, [0, 1], [0, 2, 4], 8)
    refused(r"Z \[3, 1\]", "radioml-2018", folder)
    radioml_2018(folder, [0, 1], [0, 2], 8, Y=np.ones((2, 24)))
    refused("frame 0 has 24 classes and 0 dB; one class", "radioml-2018", folder)
    radioml_2018(folder, [0, 1], [0, 2], 8, Z=np.array([[0], [np.inf]]))
    refused("frame 1 has 1 classes and inf dB", "radioml-2018", folder)
    path.write_bytes(path.read_bytes()[:900])
    refused("cannot be read as HDF5", "radioml-2018", folder)


# RadCom


def waveforms(snrs=(-20, 18)):
    kinds = (("AM-DSB", "AM radio"), ("PULSED", "Airborne-range"), ("PULSED", "Ground mapping"))
    return {
        (*kind, str(snr), str(number)): np.r_[np.full(128, 10 * place + number), np.arange(128)].astype(np.float32)
        for place, kind in enumerate(kinds)
        for snr in snrs
        for number in range(2)
    }


def test_radcom_has_two_labels(tmp_path):
    radcom(tmp_path / "d", waveforms())
    dataset = read("radcom", tmp_path / "d")
    assert dataset.labels == ("AM-DSB AM radio", "PULSED Airborne-range", "PULSED Ground mapping")
    assert (dataset.kind, dataset.count, dataset.shape, dataset.sample_rate) == ("sample", 12, (2, 1, 128), 10e6)
    assert dataset.groups["snr_db"].tolist() == ["-20", "-20", "18", "18"] * 3
    for row, (modulation, signal) in enumerate(
        zip(dataset.groups["modulation"], dataset.groups["signal"], strict=True)
    ):
        assert dataset.labels[dataset.label[row]] == f"{modulation} {signal}"
        seen = dataset.read_iq([row])[0, 0]
        assert seen[3].imag == 3
        assert seen[3].real // 10 == dataset.label[row]
    assert dataset.signal["level"] == "absolute"
    assert read("radcom", tmp_path / "d", label="modulation").labels == ("AM-DSB", "PULSED")
    assert read("radcom", tmp_path / "d", label="signal").labels == ("AM radio", "Airborne-range", "Ground mapping")


def test_a_part_of_radcom(tmp_path, monkeypatch):
    monkeypatch.setattr(radcom_reader, "CHUNK", 2)
    radcom(tmp_path / "d", waveforms())
    radcom(tmp_path / "d", waveforms((0,)), "RadComAWGN.hdf5")
    dataset = read("radcom", tmp_path / "d", min_snr=0.0, per_class=1)
    assert dataset.groups["snr_db"].tolist() == ["0"] * 3 + ["18"] * 3
    assert dataset.groups["file"].tolist() == ["RadComAWGN.hdf5"] * 3 + ["RadComOta2.45GHz.hdf5"] * 3
    assert dataset.read_iq(range(6))[:, 0, 0].real.tolist() == [0, 10, 20] * 2


def test_radcom_faults_are_named(tmp_path, monkeypatch):
    folder = tmp_path / "d"
    path = radcom(folder, waveforms() | {"('AM-DSB', 'AM radio')": np.zeros(256)})
    refused(r"holds an array \"\('AM-DSB', 'AM radio'\)\", arrays such as", "radcom", folder)
    radcom(folder, {})
    refused("holds nothing, arrays such as", "radcom", folder)
    key = ("ASK", "short-range", "2", "0")
    radcom(folder, {key: np.zeros(128, np.float32)})
    refused(r"\('ASK', 'short-range', '2', '0'\) is \[128\], 256 numbers, I and then Q, are expected", "radcom", folder)
    radcom(folder, waveforms())
    refused("label 'snr': expected one of both, modulation, signal", "radcom", folder, label="snr")
    monkeypatch.setattr(radcom_reader, "OBJECTS_LIMIT", 5)
    refused("more than 5 objects", "radcom", folder)
    path.write_bytes(path.read_bytes()[:700])
    refused("cannot be read as HDF5", "radcom", folder)


def test_only_radcom_may_have_a_million_arrays(tmp_path, monkeypatch):
    """Its 126,000 frames are arrays of their own, beyond the limit of other HDF5 files."""
    path = radcom(tmp_path / "d", waveforms())
    monkeypatch.setattr("wfm_core.data.hdf5_file.OBJECTS_LIMIT", 5)
    assert read("radcom", tmp_path / "d").count == 12
    assert h5py.is_hdf5(path)


def test_the_command_knows_the_options(tmp_path, capsys):
    modulations(tmp_path / "d", "RML22.01A", {("QPSK", snr): frames(4, seed=snr + 2) for snr in (-2, 4)})
    out = tmp_path / "x.h5"
    arguments = [
        "build",
        "--from",
        "rml22",
        str(tmp_path / "d"),
        "--out",
        str(out),
        "--min-snr",
        "-6",
        "--per-class",
        "3",
    ]
    assert command.main(arguments) == 0
    assert "x.h5: 6 windows of sample" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command.main([*arguments, "--beams", "3"])
    assert "--beams does not go with --from rml22; it takes --min-snr, --per-class" in capsys.readouterr().err
