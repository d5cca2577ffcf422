# SPDX-License-Identifier: GPL-3.0-or-later
"""DeepMIMO and the UWB set in their owners' layouts: channels, labels, positions, and every fault named."""

import json

import numpy as np
import pytest
import torch
from public_layouts import deepmimo, matlab_hdf5, read, refused, uwb_indoor

from wfm_core.base.errors import WfmError
from wfm_core.base.json_text import read_members
from wfm_core.cli import dataset as command
from wfm_core.data.readers.public.deepmimo import beam_gains
from wfm_core.signal import build_preprocessor

SIGHT = np.array([1, 0, -1, 0], np.int8)
PLACE = np.arange(12.0).reshape(4, 3)


def channels(users=4, receive=1, transmit=8, subcarriers=4, seed=0):
    draw = np.random.default_rng(seed).standard_normal
    shape = (users, receive, transmit, subcarriers)
    return (1e-6 * (draw(shape) + 1j * draw(shape))).astype(np.complex64)


# DeepMIMO


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("suffix", ["npz", "mat"])
def test_deepmimo_channels_and_line_of_sight(tmp_path, suffix, version):
    channel = channels()
    deepmimo(tmp_path / "d", f"city_7.{suffix}", channel, SIGHT, PLACE, version)
    dataset = read("deepmimo", tmp_path / "d", size=16)
    assert (dataset.task, dataset.labels) == ("line_of_sight", ("nlos", "los"))
    assert (dataset.kind, dataset.count, dataset.shape) == ("features", 3, (2, 8, 4))
    assert dataset.label.tolist() == [1, 0, 0], "the user without a path is left out"
    assert dataset.groups["path"].tolist() == ["los", "nlos", "nlos"]
    assert set(dataset.groups["source"]) == {f"city_7.{suffix}"}
    seen, wanted = dataset.read(range(3)), channel[[0, 1, 3], 0] * 1e6
    np.testing.assert_allclose(seen[:, 0], wanted.real, rtol=1e-6)
    np.testing.assert_allclose(seen[:, 1], wanted.imag, rtol=1e-6)
    prepared = build_preprocessor(dataset.signal)(torch.from_numpy(seen))
    assert prepared.shape == (3, 2, 16, 16)
    assert prepared.mean((0, 2, 3)).tolist() == pytest.approx([0, 0], abs=1e-4)


def test_deepmimo_of_matlab_7_3_and_without_the_axis_of_receive_antennas(tmp_path):
    channel = channels()
    stored = np.empty(channel.T.shape, [("real", "<f4"), ("imag", "<f4")])
    stored["real"], stored["imag"] = channel.T.real, channel.T.imag
    matlab_hdf5(tmp_path / "d" / "a.mat", {"channel": stored, "LoS": SIGHT[:, None].T.astype(float)})
    deepmimo(tmp_path / "d", "b.npz", channel[:, 0], SIGHT, None)
    dataset = read("deepmimo", tmp_path / "d", size=16)
    assert dataset.groups["source"].tolist() == ["a.mat"] * 3 + ["b.npz"] * 3
    np.testing.assert_array_equal(dataset.read([0, 1, 2]), dataset.read([3, 4, 5]))


def test_deepmimo_positions(tmp_path):
    deepmimo(tmp_path / "d", "a.npz", channels(), SIGHT, PLACE, 4)
    dataset = read("deepmimo", tmp_path / "d", task="position", size=16)
    np.testing.assert_array_equal(dataset.label, PLACE[[0, 1, 3]].astype(np.float32))
    assert dataset.scene == {"low": [0, 1, 2], "high": [9, 10, 11]}


def steered(angle, antennas=32):
    """The channel of one path that leaves at an angle, as DeepMIMO has it."""
    return np.exp(1j * np.pi * np.arange(antennas) * np.sin(np.radians(angle)))[None, None, :, None] * 1e-6


def best(channel, beams):
    return beam_gains(channel, beams).argmax(1).tolist()


@pytest.mark.parametrize("beams", [16, 64])
def test_the_best_beam_is_the_one_along_the_path(beams):
    """Weights are not conjugated, as the authors have it: the beam at angle a takes what leaves at -a."""
    step = 180 / beams
    for number in range(1, beams):
        assert best(steered(90 - number * step), beams) == [number]
    assert best(steered(-90), beams) == best(steered(90), beams) == [0]


def test_of_beams_that_are_equal_to_a_tenth_of_a_decibel_the_first_is_best():
    flat = np.zeros((1, 1, 32, 3), np.complex64)
    flat[:, :, 0] = 1
    assert best(flat, 64) == [0]


def test_deepmimo_beams(tmp_path):
    both = np.concatenate([steered(45), steered(-45), steered(0)])
    deepmimo(tmp_path / "d", "a.npz", np.repeat(both, 4, axis=3), np.array([1, 1, 0]), None)
    dataset = read("deepmimo", tmp_path / "d", task="beam", size=16)
    assert dataset.task == "beam"
    assert len(dataset.labels) == 64
    assert [dataset.labels[number] for number in dataset.label] == ["-45 deg", "45 deg", "0 deg"]
    assert dataset.gain_db.shape == (3, 64)
    assert dataset.gain_db.max(1).tolist() == pytest.approx([-120 + 15.1] * 3, abs=0.1), "32 antennas, amplitude 1e-6"


def test_deepmimo_faults_are_named(tmp_path):
    folder, channel = tmp_path / "d", channels()
    path = deepmimo(folder, "a.npz", channel, None, None)
    refused("a.npz holds channel, LoS or los is expected", "deepmimo", folder)
    deepmimo(folder, "a.npz", channel, SIGHT[:3], None)
    refused(r"channel complex64 \[4, 1, 8, 4\], LoS \[3\]; complex \[users, receive", "deepmimo", folder)
    deepmimo(folder, "a.npz", channel.real, SIGHT, None)
    refused(r"channel float32 \[4, 1, 8, 4\]", "deepmimo", folder)
    deepmimo(folder, "a.npz", channel, SIGHT * 2, None)
    refused("user 0 has LoS 2, 1, 0 or -1 is expected", "deepmimo", folder)
    deepmimo(folder, "a.npz", channel, np.full(4, -1), None)
    refused("no path arrives at any user", "deepmimo", folder)
    deepmimo(folder, "a.npz", channel, SIGHT, PLACE[:, :2])
    refused(r"location float64 \[4, 2\], metres \[4, 3\] are expected", "deepmimo", folder, task="position")
    deepmimo(folder, "a.npz", np.array([{}], object), SIGHT, None)
    refused("channel holds pickled objects, which are not read", "deepmimo", folder)
    deepmimo(folder, "a.npz", channel, SIGHT, PLACE)
    refused("task 'activity': deepmimo has labels for one of line_of_sight", "deepmimo", folder, task="activity")
    refused("1 beams, size 224: 2 to 1024", "deepmimo", folder, beams=1)
    path.write_bytes(path.read_bytes()[:300])
    refused("a.npz cannot be read as .npz", "deepmimo", folder)
    path.unlink()
    path = deepmimo(folder, "a.mat", channel, None, None)
    refused("a.mat holds channel, los is expected", "deepmimo", folder)
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + b"abc")
    refused("a.mat cannot be read as a MATLAB file", "deepmimo", folder)


def test_the_command_takes_beams(tmp_path, capsys):
    deepmimo(tmp_path / "d", "a.npz", channels(), SIGHT, None)
    out = tmp_path / "x.h5"
    choice = ["--task", "beam", "--beams", "8", "--size", "16"]
    assert command.main(["build", "--from", "deepmimo", str(tmp_path / "d"), "--out", str(out), *choice]) == 0
    assert "task beam" in capsys.readouterr().out


# UWB


PLACES = [(0.5, 1.25, 1.2), (3.0, -2.0, 1.2)]


def test_uwb_responses_of_eight_anchors(tmp_path):
    uwb_indoor(tmp_path / "d", "environment0", PLACES)
    dataset = read("uwb-indoor", tmp_path / "d")
    assert (dataset.kind, dataset.count, dataset.shape) == ("sample", 8, (2, 8, 12))
    assert (dataset.task, dataset.sample_rate) == ("uwb_position", 998.4e6)
    np.testing.assert_array_equal(dataset.label, np.repeat(np.array(PLACES, np.float32), 4, axis=0))
    assert dataset.groups["source"].tolist() == ["0.5_1.25_1.2"] * 4 + ["3.0_-2.0_1.2"] * 4
    assert dataset.groups["channel"].tolist() == ["ch1", "ch1", "ch5", "ch5"] * 2
    seen = dataset.read_iq(range(8))
    assert seen[5, :, 3].tolist() == [11 + 1j * anchor for anchor in range(1, 9)], "place 1, second measurement"
    assert dataset.scene == {"low": [0.5, -2.0, pytest.approx(1.2)], "high": [3.0, 1.25, pytest.approx(1.2)]}
    assert dataset.signal["level"] == "absolute"


def test_uwb_environments_are_scenes_of_their_own(tmp_path):
    uwb_indoor(tmp_path / "d", "environment0", PLACES[:1])
    uwb_indoor(tmp_path / "d", "environment1", PLACES)
    refused("holds several scenes: choose one of environment0, environment1 with --scene", "uwb-indoor", tmp_path / "d")
    refused("holds no scene 'x': choose one of", "uwb-indoor", tmp_path / "d", scene="x")
    assert read("uwb-indoor", tmp_path / "d", scene="environment1").count == 8
    assert read("uwb-indoor", tmp_path / "d" / "environment0").count == 4


def test_uwb_places_without_an_anchor_are_left_out(tmp_path):
    path = uwb_indoor(tmp_path / "d", "environment0", PLACES)
    held = json.loads(path.read_text())
    del held["measurements"]["3.0_-2.0_1.2"]["A8"]
    held["measurements"]["0.5_1.25_1.2"]["A2"]["ch5"].pop()
    path.write_text(json.dumps(held))
    assert read("uwb-indoor", tmp_path / "d").groups["channel"].tolist() == ["ch1", "ch1", "ch5"]


def test_uwb_faults_are_named(tmp_path):
    folder, name = tmp_path / "d", "environment0"
    path = uwb_indoor(folder, name, PLACES, anchors=7)
    refused("data.json has no place where all of A1, .* measured", "uwb-indoor", folder)
    uwb_indoor(folder, name, PLACES, cir=["1+j", "east"])
    refused("0.5_1.25_1.2 ch1 has a measurement without cir, x_tag", "uwb-indoor", folder)
    uwb_indoor(folder, name, PLACES, cir=None)
    refused("has a measurement without cir, x_tag", "uwb-indoor", folder)
    uwb_indoor(folder, name, PLACES, cir=["1+1j"] * 5)
    refused(r"0.5_1.25_1.2 ch1 has responses of \[5, 12\] samples", "uwb-indoor", folder)
    uwb_indoor(folder, name, PLACES, x_tag=7)
    refused(r"was measured at \[7.0, 1.25, 1.2\], not where its name says", "uwb-indoor", folder)
    uwb_indoor(folder, name, PLACES, samples=0)
    refused("0.5_1.25_1.2 has empty responses", "uwb-indoor", folder)
    uwb_indoor(folder, name, PLACES, cir=["1e39+1j"] * 12)
    refused(r"window 0 \(source 0.5_1.25_1.2\) has values that are not finite", "uwb-indoor", folder)
    text = path.read_text()
    path.write_text(text.replace("0.5_1.25_1.2", "kitchen"))
    refused("a place 'kitchen', x_y_z in metres is expected", "uwb-indoor", folder)
    path.write_text(text[: len(text) // 2])
    refused("data.json is not readable as JSON", "uwb-indoor", folder)
    path.write_text('{"anchors": {}}')
    refused("no measurements in it", "uwb-indoor", folder)


@pytest.mark.parametrize(
    "text",
    [
        '{"m": {}}', ' {"a": [1, {"m": 2}], "m" : { "b": 1 ,"c":[2, {"d": 3}] } , "z": 1}', '{"m": {"b": null}}',
        '\ufeff{"m":{"\u00e4":"\u00e4"}}',
    ],
)  # fmt: skip
def test_members_of_json_one_at_a_time(text):
    assert dict(read_members(text.encode(), "x", "m")) == json.loads(text.removeprefix("\ufeff"))["m"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is expected"), ("[]", "{ is expected"), ('{"m": []}', "{ is expected"), ('{"m": {"a": 1,}}', "x is not"),
        ('{"m": {"a" 1}}', ": is expected"), ('{"m": {1: 1}}', "without a name"), ('{"m": {"a": 1', "is expected"),
        ('{"m": {"a": ' + "[" * 100_000, "x is not"), ('{"a": 1}', "no m in it"), ('{"m": {"a": nope}}', "x is not"),
        ('{"m": {"a": {"b": 1, "b": 2}}}', "two members 'b'"), ("\udcff", "x is not"),
    ],
)  # fmt: skip
def test_members_of_what_is_no_json(text, reason):
    with pytest.raises(WfmError, match=reason):
        list(read_members(text.encode("utf-8", "surrogateescape"), "x", "m"))
