# SPDX-License-Identifier: GPL-3.0-or-later
"""A labelled data set in one file: what goes in comes out, whole or not at all, and every fault is named."""

import json

import h5py
import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import open_dataset, write_dataset

IQ = {"kind": "iq_standard", "mean": [0.0, 0.0], "std": [1.0, 2.0], "level": "absolute"}
IMAGE = {"kind": "standard_image", "size": [16, 16], "minimum": 0.0, "maximum": 1.0, "mean": [0.5], "std": [0.5]}
FACTS = {"task": "custom", "signal": IQ, "provenance": {"reader": "test"}, "labels": ["a", "b"]}
PLACES = {"task": "position", "signal": IQ, "provenance": {}}


def windows(count=5, antennas=2, samples=8):
    """Window w, part p, antenna a, sample t holds 1000 w + 100 p + 10 a + t."""
    grid = np.meshgrid(np.arange(count), np.arange(2), np.arange(antennas), np.arange(samples), indexing="ij")
    return np.tensordot([1000.0, 100.0, 10.0, 1.0], grid, 1).astype(np.float32)


def images(count=4, channels=1):
    return np.random.default_rng(0).random((count, channels, 6, 9), np.float32)


def refused(reason, function, *arguments, **options):
    with pytest.raises(WfmError, match=reason) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)


def test_what_goes_in_comes_out(tmp_path):
    groups = {"source": ["r1", "r1", "r2", "r2", "größer"], "room": list("xxyyy")}
    path = write_dataset(
        tmp_path / "d.h5", "sample", windows(), [0, 1, 1, 0, 1], groups=groups, sample_rate=2.5e6, **FACTS
    )
    dataset = open_dataset(path)
    assert (dataset.kind, dataset.modality, dataset.count, dataset.shape) == ("sample", "iq", 5, (2, 2, 8))
    assert (dataset.task, dataset.labels, dataset.signal, dataset.sample_rate) == ("custom", ("a", "b"), IQ, 2.5e6)
    assert dataset.label.dtype == np.int64
    assert dataset.label.tolist() == [0, 1, 1, 0, 1]
    assert {name: texts.tolist() for name, texts in dataset.groups.items()} == groups
    assert (dataset.provenance, dataset.scene) == ({"reader": "test"}, None)
    assert np.array_equal(dataset.read(range(5)), windows())


def test_windows_are_read_in_the_order_that_is_asked_for(tmp_path):
    write_dataset(tmp_path / "d.h5", "sample", windows(), [0, 1, 1, 0, 1], **FACTS)
    dataset = open_dataset(tmp_path / "d.h5")
    assert dataset.read(np.array([4, 0, 4]))[:, 0, 0, 0].tolist() == [4000, 0, 4000]
    assert dataset.read([]).shape == (0, 2, 2, 8)
    iq = dataset.read_iq([3])
    assert (iq.dtype, iq.shape, iq[0, 1, 2]) == (np.complex64, (1, 2, 8), 3012 + 3112j)


def test_parts_of_windows_are_read(tmp_path):
    dataset = open_dataset(write_dataset(tmp_path / "d.h5", "sample", windows(), [0, 1, 1, 0, 1], **FACTS))
    parts = dataset.read([4, 0, 4], [5, 0, 2], 3)
    assert parts.shape == (3, 2, 2, 3)
    assert parts[:, 0, 0].tolist() == [[4005, 4006, 4007], [0, 1, 2], [4002, 4003, 4004]]
    assert dataset.read_iq([3], [6], 2)[0, 1].tolist() == [3016 + 3116j, 3017 + 3117j]


def test_a_set_without_labels_is_read_by_who_needs_none(tmp_path):
    facts = FACTS | {"labels": None}
    for values, count in ((windows(), None), ([windows()[:2], windows()[2:]], 5)):
        path = write_dataset(
            tmp_path / "d.h5", "sample", values, None, groups={"source": "abcde"}, count=count, **facts
        )
        dataset = open_dataset(path, unlabelled=True)
        assert (dataset.label, dataset.labels, dataset.task, dataset.count) == (None, (), "custom", 5)
        assert dataset.groups["source"].tolist() == list("abcde")
        assert np.array_equal(dataset.read(range(5)), windows())
        refused("d.h5 has no labels and can only pretrain; build it with --label or --position", open_dataset, path)
    refused("task custom and classes a, b without labels", write_dataset, path, "sample", windows(), None, **FACTS)
    refused("task position without labels", write_dataset, path, "sample", windows(), None, **PLACES)
    refused("no windows at all", write_dataset, path, "sample", windows()[:0], None, **facts)


def test_complex_windows_become_i_and_q(tmp_path):
    iq = windows()[:, 0] + 1j * windows()[:, 1]
    write_dataset(tmp_path / "d.h5", "sample", iq.astype(np.complex64), [0, 1, 1, 0, 1], **FACTS)
    assert np.array_equal(open_dataset(tmp_path / "d.h5").read(range(5)), windows())


def test_parts_are_taken_one_at_a_time(tmp_path):
    alive = []

    def parts():
        for start in (0, 2, 3):
            alive.append(start)
            stored = [path for path in tmp_path.iterdir() if not path.name.endswith(".h5")]
            assert len(alive) == 1 or stored, "the file is begun before the last part is made"
            yield windows()[start : {0: 2, 2: 3, 3: 5}[start]]

    write_dataset(tmp_path / "d.h5", "sample", parts(), [0, 1, 1, 0, 1], **FACTS)
    assert np.array_equal(open_dataset(tmp_path / "d.h5").read(range(5)), windows())


@pytest.mark.parametrize("kind", ["image", "csi", "features"])
def test_images_of_all_kinds_and_positions(tmp_path, kind):
    scene = {"low": [0.0, 0.0, 0.0], "high": [8.0, 6.0, 0.0]}
    places = np.arange(12.0).reshape(4, 3)
    write_dataset(tmp_path / "d.h5", kind, images(), places, task="position", signal=IMAGE, provenance={}, scene=scene)
    dataset = open_dataset(tmp_path / "d.h5")
    assert (dataset.kind, dataset.modality, dataset.labels, dataset.scene) == (kind, "image", (), scene)
    assert dataset.label.dtype == np.float32
    assert np.array_equal(dataset.label, places)
    assert np.array_equal(dataset.read([1, 3]), images()[[1, 3]])
    refused(f"holds {kind}, not IQ", dataset.read_iq, [0])


def test_gains_of_beams(tmp_path):
    gains = np.linspace(-60, 0, 15, dtype=np.float32).reshape(5, 3)
    facts = FACTS | {"labels": ["a", "b", "c"]}
    path = write_dataset(tmp_path / "d.h5", "sample", windows(), [0, 1, 1, 0, 2], **facts, gain_db=gains)
    np.testing.assert_array_equal(open_dataset(path).gain_db, gains)
    for wrong in (gains[:4], gains[:, :2], np.full((5, 3), np.nan)):
        refused(
            r"gain_db float.*finite floats \[5, 3\]", write_dataset, path, "sample", windows(), [0, 1, 1, 0, 2],
            **facts, gain_db=wrong,
        )  # fmt: skip
    with h5py.File(path, "a") as file:
        del file["gain_db"]
        file.create_group("gain_db")
    refused("gain_db is a group, an array is expected", open_dataset, path)


def test_iq_that_is_prepared_as_a_spectrogram_is_for_the_image_side(tmp_path):
    signal = {"kind": "spectrogram", "fft_size": 8, "hop": 4, "size": [16, 16]}
    signal |= {"minimum": -40.0, "maximum": 20.0, "mean": 0.5, "std": 0.2}
    write_dataset(tmp_path / "d.h5", "sample", windows(), [0, 1, 1, 0, 1], **FACTS | {"signal": signal})
    assert open_dataset(tmp_path / "d.h5").modality == "image"


@pytest.mark.parametrize(
    ("kind", "shape", "reason"),
    [
        ("sample", (3, 4, 32, 2), "the last axis has 2 entries, so I and Q seem to be last"),
        ("sample", (3, 2, 32, 2), "the last axis has 2 entries, so I and Q seem to be last"),
        ("sample", (3, 4, 2, 32), "axis 2 has 2 entries and axis 1 has 4, so I and Q seem to be on axis 2"),
        ("sample", (3, 1, 4, 32), "axis 1 has 1 entries, I and Q are expected"),
        ("sample", (3, 2, 32, 4), "32 antennas of 4 samples, so antennas and samples seem to be swapped"),
        ("sample", (3, 2, 32), r"\[3, 2, 32\], \(windows, 2 for I and Q, antennas, samples\) is expected"),
        ("image", (3, 24, 24, 3), "axis 1 has 24 entries and the last one 3, so the channels seem to be last"),
        ("csi", (3, 0, 4, 4), "none of them empty"),
    ],
)
def test_swapped_axes_are_named(tmp_path, kind, shape, reason):
    refused(reason, write_dataset, tmp_path / "d.h5", kind, np.zeros(shape, np.float32), [0, 0, 1], **FACTS)
    write_dataset(tmp_path / "d.h5", "sample", windows(3), [0, 0, 1], **FACTS)
    with h5py.File(tmp_path / "d.h5", "a") as file:
        del file["sample"]
        file[kind] = np.zeros(shape, np.float32)
    refused(reason, open_dataset, tmp_path / "d.h5")


@pytest.mark.parametrize(
    ("label", "facts", "reason"),
    [
        ([0, 1, 1, 0], FACTS, "5 windows or more, but 4 labels|5 windows, but 4 labels"),
        ([0, 1, 1, 0, 1, 1], FACTS, "5 windows, but 6 labels"),
        ([0, 1, 2, 0, 1], FACTS, "window 2 has label 2, from 0 to 1 is expected for the classes a, b"),
        ([0, -1, 1, 0, 1], FACTS, "window 1 has label -1"),
        ([0.0, 1.0, 1.0, 0.0, 1.0], FACTS, r"label is float64 \[5\], one integer"),
        ([0, 1, 1, 0, 1], FACTS | {"labels": ["a", "a"]}, "every name once"),
        ([0, 1, 1, 0, 1], FACTS | {"labels": None}, "positions are floats"),
        ([0, 1, 1, 0, 1], FACTS | {"labels": None, "task": "activity"}, "activity without names of classes"),
        ([0, 1, 1, 0, 1], FACTS | {"task": "dancing"}, "task 'dancing' is not known"),
        (np.zeros((5, 2)), PLACES, r"positions are floats \[5, 3\]"),
        (np.full((5, 3), np.nan), PLACES, "window 0 has a position that is not finite"),
        (np.zeros((5, 3)), PLACES | {"labels": ["a"]}, "task position with classes a"),
        ([0, 1, 1, 0, 1], FACTS | {"groups": {"source": ["a"]}}, "group source has 1 entries for 5 windows"),
        ([0, 1, 1, 0, 1], FACTS | {"sample_rate": 0.0}, "sample_rate 0.0"),
        ([0, 1, 1, 0, 1], FACTS | {"scene": {"low": [0, 0, 0], "high": [1, -1, 1]}}, "low <= high"),
        ([0, 1, 1, 0, 1], FACTS | {"signal": {"kind": "none"}}, "signal kind 'none' is not known"),
    ],
)
def test_labels_and_facts_that_cannot_be_are_named(tmp_path, label, facts, reason):
    refused(reason, write_dataset, tmp_path / "d.h5", "sample", windows(), label, **facts)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_first_window_that_is_not_finite_is_named(tmp_path, value):
    bad = windows()
    bad[3:, 1, 0, 5] = value
    sources = {"source": ["r1", "r1", "r2", "r7", "r8"]}
    refused(
        r"window 3 \(source r7\) has values that are not finite", write_dataset, tmp_path / "d.h5", "sample",
        iter([bad[:2], bad[2:]]), [0, 1, 1, 0, 1], groups=sources, **FACTS,
    )  # fmt: skip
    assert not list(tmp_path.iterdir())
    write_dataset(tmp_path / "d.h5", "sample", windows(), [0, 1, 1, 0, 1], **FACTS)
    with h5py.File(tmp_path / "d.h5", "a") as file:
        file["sample"][...] = bad
    dataset = open_dataset(tmp_path / "d.h5")
    assert len(dataset.read([0, 1])) == 2
    refused("window 4 has values", dataset.read, [0, 4, 3])


def test_windows_of_two_shapes_are_named(tmp_path):
    parts = [windows(2), windows(3, samples=9)]
    refused(
        r"window 2 is \[2, 2, 9\], those before it \[2, 2, 8\]", write_dataset, tmp_path / "d.h5", "sample", parts,
        [0, 1, 1, 0, 1], **FACTS,
    )  # fmt: skip


def test_a_file_is_replaced_at_the_end_and_not_before(tmp_path):
    path = write_dataset(tmp_path / "d.h5", "sample", windows(), [0, 1, 1, 0, 1], **FACTS)
    before = path.read_bytes()

    def parts():
        yield windows(2)
        raise WfmError("the third window is gone")

    refused("third window", write_dataset, path, "sample", parts(), [0, 1, 1, 0, 1], **FACTS)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    refused("cannot write", write_dataset, tmp_path / "no" / "d.h5", "sample", windows(), [0, 1, 1, 0, 1], **FACTS)


def change(path, **attributes):
    with h5py.File(path, "a") as file:
        for name, value in attributes.items():
            file.attrs[name] = value


def test_files_of_others_are_named(tmp_path):
    refused("no data set at .*nowhere.h5", open_dataset, tmp_path / "nowhere.h5")
    path = tmp_path / "d.h5"
    path.write_text("hello")
    refused("d.h5 cannot be read as HDF5", open_dataset, path)
    with h5py.File(path, "w") as file:
        file["x"] = [1]
    refused("holds x: one of sample, image, csi, features is expected", open_dataset, path)
    with h5py.File(path, "w") as file:
        file["sample"], file["csi"] = windows(), images()
    refused("holds sample, csi: one of", open_dataset, path)
    with h5py.File(path, "w") as file:
        file["sample"], file["label"] = windows(), [0, 1, 1, 0, 1]
    refused("has no attribute task; .*--from hdf5", open_dataset, path)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"labels": json.dumps(["a"])}, "window 1 has label 1"),
        ({"signal": "nothing"}, "attribute signal is not JSON"),
        ({"signal": "[1]"}, r"attribute signal is \[1\], a mapping"),
        ({"signal": json.dumps(IQ | {"std": [0.0, 1.0]})}, r"std \[0.0, 1.0\]"),
        ({"sample_rate": -1.0}, "sample_rate"),
    ],
)
def test_attributes_that_do_not_fit_are_named(tmp_path, attributes, reason):
    path = write_dataset(tmp_path / "d.h5", "sample", windows(), [0, 1, 1, 0, 1], **FACTS)
    change(path, **attributes)
    refused(reason, open_dataset, path)
