# SPDX-License-Identifier: GPL-3.0-or-later
"""What MATLAB's save(..., '-v7.3') leaves, by `wfm-dataset build --from hdf5`: cells, texts, complex, columns."""

import h5py
import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.cli.dataset import main
from wfm_core.data.dataset import open_dataset
from wfm_core.data.readers.own import hdf5

N = 6
NAMES = ["walk", "fall", "empty", "walk", "größer", "шаг"]
WINDOWS = np.arange(N * 4 * 3, dtype="<f8").reshape(N, 4, 3) + 1  # [windows, packets, subcarriers] as the file has it


class MatlabFile:
    """A file as MATLAB writes it; `values` are given as MATLAB shows them."""

    def __init__(self, path):
        self.file = h5py.File(path, "w", userblock_size=512)
        self.number = 0

    def put(self, name, values, kind, **attributes):
        stored = np.ascontiguousarray(np.asarray(values).T)
        dataset = self.file.create_dataset(name, data=stored)
        dataset.attrs["MATLAB_class"] = np.bytes_(kind)
        for key, value in attributes.items():
            dataset.attrs[key] = value
        return dataset

    def char(self, name, text):
        if not text:
            return self.put(name, np.array([0, 0], "<u8"), "char", MATLAB_empty=np.uint8(1))
        return self.put(name, np.frombuffer(text.encode("utf-16-le"), "<u2")[None, :], "char", MATLAB_int_decode=2)

    def cell(self, name, entries, shape):
        references = np.empty(len(entries), h5py.ref_dtype)
        for place, entry in enumerate(entries):
            self.number += 1
            where = f"#refs#/{self.number}"
            held = self.char(where, entry) if isinstance(entry, str) else self.put(where, entry, "double")
            references[place] = held.ref
        stored = references.reshape(shape[::-1])
        self.file.create_dataset(name, data=stored, dtype=h5py.ref_dtype).attrs["MATLAB_class"] = np.bytes_("cell")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "x.mat"
    matlab = MatlabFile(path)
    pairs = np.zeros(WINDOWS.shape, [("real", "<f4"), ("imag", "<f4")])
    pairs["real"], pairs["imag"] = 3 * WINDOWS, 4 * WINDOWS
    matlab.put("amp", WINDOWS.T, "double")
    matlab.put("csi", pairs.T, "single")
    whole = np.zeros(WINDOWS.shape, [("real", "<i2"), ("imag", "<i2")])
    whole["real"], whole["imag"] = 3 * WINDOWS, -4 * WINDOWS
    matlab.put("codes", whole.T, "int16")
    matlab.cell("column", NAMES, (N, 1))
    matlab.cell("row", NAMES, (1, N))
    matlab.cell("numbers", [np.array([[k % 2 + 7.0]]) for k in range(N)], (N, 1))
    matlab.cell("gappy", ["a", "", "a", "b", "", "b"], (N, 1))
    matlab.cell("matrices", [np.ones((3, 4))] * N, (N, 1))
    padded = np.array([list(name.ljust(5)) for name in ("walk", "fall", "empty", "walk", "fall", "empty")])
    matlab.put("padded", padded.view(np.uint32).reshape(padded.shape).astype("<u2"), "char", MATLAB_int_decode=2)
    matlab.put("flag", (np.arange(N)[:, None] % 2).astype("u1"), "logical", MATLAB_int_decode=1)
    matlab.put("label_column", np.arange(N)[:, None] // 2.0, "double")
    matlab.put("label_row", np.arange(N)[None, :] // 2.0, "double")
    matlab.put("place", np.arange(N * 3.0).reshape(N, 3), "double")
    matlab.put("strings", np.arange(6)[None, :].astype("<u4"), "string", MATLAB_object_decode=3)
    matlab.put("first", np.ones((N, 3, 4)), "double")
    matlab.file.create_group("s")["inner"] = np.arange(N) % 2
    matlab.file.close()
    return path


def build(path, array="amp", **options):
    options = {"axes": ["packets", "subcarriers"], "kind": "csi", **options}
    return open_dataset(hdf5.read(path, path.with_name("d.h5"), array=array, **options))


@pytest.mark.parametrize(
    ("label", "classes", "truth"),
    [
        ("column", sorted(set(NAMES)), [sorted(set(NAMES)).index(name) for name in NAMES]),
        ("row", sorted(set(NAMES)), [sorted(set(NAMES)).index(name) for name in NAMES]),
        ("numbers", ["7", "8"], [0, 1, 0, 1, 0, 1]),
        ("padded", ["empty", "fall", "walk"], [2, 1, 0, 2, 1, 0]),
        ("flag", ["0", "1"], [0, 1, 0, 1, 0, 1]),
        ("label_column", ["0", "1", "2"], [0, 0, 1, 1, 2, 2]),
        ("label_row", ["0", "1", "2"], [0, 0, 1, 1, 2, 2]),
        ("s/inner", ["0", "1"], [0, 1, 0, 1, 0, 1]),
    ],
)
def test_labels(path, label, classes, truth):
    built = build(path, label=label, group=["column", "gappy"])
    assert list(built.labels) == classes
    assert built.label.tolist() == truth
    assert built.groups["column"].tolist() == NAMES
    assert built.groups["gappy"].tolist() == ["a", "", "a", "b", "", "b"]


@pytest.mark.parametrize(("array", "amplitude"), [("amp", 1), ("csi", 5), ("codes", 5)])
def test_complex_numbers_of_any_kind(path, array, amplitude):
    built = build(path, array, label="flag")
    np.testing.assert_allclose(built.read(range(N))[:, 0], amplitude * WINDOWS.transpose(0, 2, 1))


def test_positions_in_one_array_and_in_several(path):
    built = build(path, position=["place"])
    np.testing.assert_array_equal(built.label, np.arange(N * 3).reshape(N, 3))
    built = build(path, position=["label_column", "label_row"])
    np.testing.assert_array_equal(built.label[:, :2], np.stack([np.arange(N) // 2] * 2, 1))


def test_three_windows_are_not_taken_for_three_coordinates(tmp_path):
    matlab = MatlabFile(tmp_path / "x.mat")
    matlab.put("amp", WINDOWS[:3].T, "double")
    matlab.put("place", [[1.0, 2, 3], [4, 5, 6], [7, 8, 9]], "double")
    matlab.file.close()
    assert build(tmp_path / "x.mat", position=["place"]).label.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def test_columns_of_one_row_and_pairs_are_read_of_others_too(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        pairs = np.zeros(WINDOWS.shape, [("im", "<f8"), ("re", "<f8")])
        pairs["re"], pairs["im"] = 3 * WINDOWS, 4 * WINDOWS
        file["csi"], file["label"] = pairs, np.arange(N)[None, :] % 3
        file["native"] = (3 - 4j) * WINDOWS
    for array in ("csi", "native"):
        built = build(tmp_path / "x.h5", array, label="label")
        assert built.label.tolist() == [0, 1, 2, 0, 1, 2]
        np.testing.assert_allclose(built.read([1])[0, 0], 5 * WINDOWS[1].T)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"label": "strings"}, r"x.mat: strings is of MATLAB's class string.*cellstr"),
        ({"label": "matrices"}, r"matrices is a cell array with double \[3, 4\] in a cell"),
        ({"label": "flag", "array": "matrices"}, "matrices is a cell array, .*cat"),
        ({"label": "flag", "array": "first"}, r"flag has the shape \[6, 1\] for 4 windows.*axes in reverse"),
        ({"label": "gappy"}, "none of them empty"),
        ({"label": "flag", "array": "strings"}, "class string"),
        ({"label": "flgo"}, "no array 'flgo'; did you mean flag"),
        ({"label": "s"}, "s is a group"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(path, options, reason):
    with pytest.raises(WfmError, match=reason) as caught:
        build(path, **options)
    assert "\n" not in str(caught.value) and "#refs#" not in str(caught.value)


def test_the_command_builds_of_matlab_s_file(path, capsys):
    options = ["--array", "csi", "--label", "column", "--kind", "csi", "--axes", "packets,subcarriers"]
    out = path.with_name("d.h5")
    assert main(["build", "--from", "hdf5", str(path), *options, "--out", str(out)]) == 0
    assert "walk" in capsys.readouterr().out
