# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe's tasks: balanced, seeded, split so that nothing leaks, and hard in the way they say."""

import json

import numpy as np
import pytest
import torch
from probe_foundation import DESCRIPTION

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import Foundation, build_model
from wfm_core.signal import build_preprocessor
from wfm_core.synth.scenes import devices
from wfm_core.train.probe import real, synthetic


@pytest.fixture(scope="module")
def foundation():
    signals = {name: settings["signal"] for name, settings in DESCRIPTION["modalities"].items()}
    preprocess = {name: build_preprocessor(signal) for name, signal in signals.items()}
    return Foundation(DESCRIPTION, build_model(DESCRIPTION).eval(), preprocess)


@pytest.mark.parametrize(("row", "classes"), [("interference", 3), ("modulation", 10), ("fingerprint", 10)])
def test_synthetic_tasks_are_balanced_and_a_function_of_the_seed(monkeypatch, foundation, row, classes):
    monkeypatch.setattr(synthetic, "PER_CLASS", 4)
    build = getattr(synthetic, row)
    task, again, other = build(0), build(0), build(1)
    (split,) = task.splits
    assert len(task.classes) == classes
    for part in (split.train, split.test):
        assert np.bincount(task.labels[part]).tolist() == [4] * classes
    assert not set(split.train) & set(split.test)
    iq = task.inputs(foundation)
    assert iq.shape == (8 * classes, 1, 1024) and iq.dtype == torch.complex64 and bool(torch.isfinite(iq.abs()).all())
    assert torch.equal(iq, again.inputs(foundation))
    assert not torch.equal(iq, other.inputs(foundation))


def test_the_amplifier_compresses_and_rotates_as_stated():
    x = torch.tensor([[[1.0, 1e-4]]], dtype=torch.complex64)
    y = devices.amplify(x, torch.tensor([0.1]), torch.tensor([0.05]))
    assert y[0, 0, 0].abs().item() == pytest.approx(0.9, abs=1e-5)
    assert y[0, 0, 0].angle().item() == pytest.approx(0.05, abs=1e-5)
    assert (y / x)[0, 0, 1].item() == pytest.approx(1.0, abs=1e-5)


def test_a_transmitter_keeps_its_frequency_through_channels():
    generator = torch.Generator().manual_seed(3)
    transmitters = devices.random_transmitters(2, generator)
    transmitters.carrier_offset[:] = torch.tensor([-20e3, 20e3])
    iq = devices.transmit(transmitters, torch.tensor([0, 1]).repeat(20), 4096, generator)
    spectrum = torch.fft.fft(iq[:, 0]).abs().square()
    frequency = torch.fft.fftfreq(4096, 1 / devices.SAMPLE_RATE)
    # a selective channel tilts a single window's spectrum; over many the offset is what stays
    centre = ((spectrum * frequency).sum(1) / spectrum.sum(1)).view(20, 2).mean(0)
    assert centre.tolist() == pytest.approx([-20e3, 20e3], abs=6e3)


def write_recording(folder, name, label, level):
    samples = np.full(512, level, np.complex64)
    head = {"core:datatype": "cf32_le", "core:version": "1.2.0", "core:sample_rate": 250e3}
    annotation = {"core:sample_start": 0, "core:sample_count": 512, "core:label": label}
    metadata = {"global": head, "captures": [{"core:sample_start": 0}], "annotations": [annotation]}
    (folder / f"{name}.sigmf-data").write_bytes(samples.tobytes())
    (folder / f"{name}.sigmf-meta").write_text(json.dumps(metadata))


def test_ism_splits_by_recording_and_leaves_rare_types_out(tmp_path, monkeypatch, foundation):
    (tmp_path / "ism").mkdir()
    for label, items in (("bell", 5), ("rare", 4), ("sensor", 9)):
        for item in range(items):
            write_recording(tmp_path / "ism", f"{label}_{item}", label, item + 1)
    monkeypatch.setenv(real.FOLDER, str(tmp_path))
    task = real.ism(0)
    assert task.classes == ("bell", "sensor") and len(task.labels) == 14
    assert task.inputs(foundation).shape == (14, 1, 32, 32)
    for split in task.splits:
        assert sorted([*split.train, *split.test]) == list(range(14))
        assert np.bincount(task.labels[split.test]).tolist() == [2, 3]
    assert any(not np.array_equal(np.sort(task.splits[0].test), np.sort(split.test)) for split in task.splits)


def test_csi_har_leaves_whole_persons_out_and_stacks_antennas(tmp_path, monkeypatch, foundation):
    (tmp_path / "csi_har").mkdir()
    persons = np.repeat(["a", "b", "c", "d", "e"], 4)
    csi = np.zeros((20, 48, 30, 3, 2), np.int8)
    csi[:, :, :, 0] = [3, 4]  # amplitude 5 in the first antenna's third of the picture
    np.savez(tmp_path / "csi_har" / "har11.npz", csi=csi, activity=np.tile(["sit", "walk"], 10), person=persons)
    monkeypatch.setenv(real.FOLDER, str(tmp_path))
    held_out = []
    for seed in (0, 1, 2):
        task = real.csi_har(seed)
        (split,) = task.splits
        assert not set(persons[split.train]) & set(persons[split.test])
        held_out.append("".join(sorted(set(persons[split.test]))))
    assert held_out == ["ab", "cd", "ae"]
    images = task.inputs(foundation)
    assert images.shape == (20, 1, 32, 32)
    # standardised values of a picture that is 5 in one third and 0 in the others
    assert images[0, 0, 0, 2].item() == pytest.approx(2**0.5, abs=0.1)
    assert images[0, 0, 0, 20].item() == pytest.approx(-(0.5**0.5), abs=0.1)
    assert images[torch.from_numpy(split.train)].mean().abs() < 1e-4


def test_absent_recordings_are_a_stated_reason(monkeypatch, tmp_path):
    monkeypatch.delenv(real.FOLDER, raising=False)
    with pytest.raises(real.AbsentData, match="WFM_REALDATA is not set"):
        real.ism(0)
    monkeypatch.setenv(real.FOLDER, str(tmp_path))
    with pytest.raises(WfmError, match="har11.npz does not exist"):
        real.csi_har(0)
