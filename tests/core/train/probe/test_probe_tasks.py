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
from wfm_core.train.probe.protocols import CLOSED, OPEN


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
    (split,) = task.protocols[CLOSED]
    assert len(task.classes) == classes
    for part, count in ((split.train, 3), (split.validation, 1), (split.test, 4)):
        assert np.bincount(task.labels[part]).tolist() == [count] * classes
    assert len({*split.train, *split.validation, *split.test}) == 8 * classes
    iq = task.inputs(foundation, split.train)
    assert iq.shape == (8 * classes, 1, 1024) and iq.dtype == torch.complex64 and bool(torch.isfinite(iq.abs()).all())
    assert torch.equal(iq, again.inputs(foundation, split.train))
    assert not torch.equal(iq, other.inputs(foundation, split.train))
    simple = task.simple()
    assert simple.shape[0] == 8 * classes and simple.dtype == np.float32 and np.isfinite(simple).all()


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
    monkeypatch.setattr(real, "ISM_SIZE", (32, 48))
    task = real.ism(0)
    assert task.classes == ("bell", "sensor") and len(task.labels) == 14
    assert set(task.protocols) == {CLOSED, OPEN}
    assert task.inputs(foundation, np.arange(14)).shape == (14, 1, 32, 48)
    assert task.simple().shape[0] == 14
    for split in task.protocols[CLOSED]:
        assert sorted([*split.train, *split.validation, *split.test]) == list(range(14))
        assert np.bincount(task.labels[split.test]).min() == 1


def write_csi(folder, name, csi, **columns):
    folder.joinpath(name).parent.mkdir(exist_ok=True)
    np.savez(folder / name, csi=csi, **columns)


def test_csi_har_leaves_whole_persons_out_and_learns_its_statistics_from_the_others(tmp_path, monkeypatch, foundation):
    persons = np.repeat(["a", "b", "c", "d", "e"], 4)
    csi = np.random.default_rng(0).integers(1, 9, (20, 48, 30, 3, 2)).astype(np.int8)
    csi[..., 0] += (10 * np.arange(30))[:, None].astype(np.int8) // 3
    activity, source = np.tile(["sit", "walk"], 10), np.arange(20).astype(str)
    write_csi(tmp_path, "csi_har/har11.npz", csi, activity=activity, person=persons, source=source)
    monkeypatch.setenv(real.FOLDER, str(tmp_path))
    task = real.csi_har(0)
    assert set(task.protocols) == {CLOSED, "other person"} and task.classes == ("sit", "walk")
    assert [split.description for split in task.protocols["other person"]] == ["a", "b", "c", "d", "e"]
    for split in task.protocols["other person"]:
        assert set(persons[split.test]) == {split.description}
    side = np.concatenate([split.train, split.validation])
    images = task.inputs(foundation, side)
    assert images.shape == (20, 6, 32, 128)  # three antennas, and what moves in each
    assert images[torch.from_numpy(side)].mean((0, 2, 3)).abs().max() < 1e-3

    csi[split.test] += 20  # what the held-out person has sent changes no image of the others
    write_csi(tmp_path, "csi_har/har11.npz", csi, activity=activity, person=persons, source=source)
    others = real.csi_har(0).inputs(foundation, side)
    assert torch.equal(others[torch.from_numpy(side)], images[torch.from_numpy(side)])
    assert not torch.equal(others, images)


def test_csi_sets_say_what_their_groups_are_in_the_terms_of_protocols(tmp_path, monkeypatch):
    generator = np.random.default_rng(0)
    monkeypatch.setenv(real.FOLDER, str(tmp_path))
    csi = generator.integers(1, 9, (24, 16, 30, 3, 2)).astype(np.int8)
    columns = {"activity": np.arange(24) % 2, "height_cm": np.repeat([60, 90, 120], 8), "trial": np.arange(24) // 2 % 4}
    write_csi(tmp_path, "csi_activity_wiar/wiar.npz", csi, **columns)
    task = real.csi_activity_wiar(0)
    assert set(task.protocols) == {CLOSED, "other receiver"} and len(task.protocols[CLOSED]) == 4

    columns = {"dist_m": np.tile([1, 2], 12), "angle_deg": np.zeros(24, int), "laptop": np.arange(24) // 2 % 2}
    write_csi(tmp_path, "csi_position/lgtm.npz", csi, **columns, test=np.arange(24) // 4)
    task = real.csi_position(0)
    assert set(task.protocols) == {CLOSED, "other device"} and task.classes == ("1 m, 0", "2 m, 0")

    places = ["use_in_paper/2_objects/train"] * 10 + ["other/2_objects/250 cm/train"] * 8 + ["home/train"] * 6
    csi = generator.integers(1, 9, (24, 16, 56, 2, 2, 2)).astype(np.int16)
    label = np.array(["air", "fullbottle05"] * 9 + ["hall"] * 6)
    write_csi(tmp_path, "csi_objects/smartwifi.npz", csi, experiment=np.array(places), label=label)
    task = real.csi_objects(0)
    assert set(task.protocols) == {CLOSED, "other receiver"} and task.classes == ("air", "fullbottle05")
    far, near = task.protocols["other receiver"]
    assert (far.description, len(far.test), near.description, len(near.test)) == ("250 cm", 8, "near", 10)
    assert task.simple().shape[0] == len(task.labels) == 18


def test_absent_recordings_are_a_stated_reason(monkeypatch, tmp_path):
    monkeypatch.delenv(real.FOLDER, raising=False)
    with pytest.raises(real.AbsentData, match="WFM_REALDATA is not set"):
        real.ism(0)
    monkeypatch.setenv(real.FOLDER, str(tmp_path))
    with pytest.raises(WfmError, match="har11.npz does not exist"):
        real.csi_har(0)
