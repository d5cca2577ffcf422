# SPDX-License-Identifier: GPL-3.0-or-later
"""MATLAB's own format, from others: numbers are read, all else is one sentence."""

import struct
import zlib

import numpy as np
import pytest
import scipy.io

from wfm_core.base.errors import WfmError
from wfm_core.data.readers.own.matlab import read_matlab


def save(path, packed=False, **values):
    scipy.io.savemat(path, values, do_compression=packed)
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).random((342, 50)), np.arange(6, dtype=np.uint8).reshape(2, 3), np.ones((2, 3)) * 1j,
        np.zeros((0, 3)), np.ones((2, 3, 4), np.float32), np.array([[True, False]]), np.array([[7]], np.int64),
    ],
)  # fmt: skip
def test_arrays_of_numbers_are_read_as_scipy_reads_them(tmp_path, values, packed):
    path = save(tmp_path / "x.mat", packed, first="text", csi=values, last={"a": [1, "b"]})
    np.testing.assert_array_equal(read_matlab(path, "csi"), scipy.io.loadmat(path)["csi"])


@pytest.mark.parametrize(
    ("value", "kind"),
    [("abc", "text"), ({"a": 1}, "a struct"), (np.array([1, "b"], object), "a cell array"),
     (scipy.sparse.eye(3), "a sparse matrix")],
)  # fmt: skip
def test_what_is_no_array_of_numbers_is_one_sentence(tmp_path, value, kind):
    path = save(tmp_path / "x.mat", csi=value, y=1)
    with pytest.raises(WfmError, match=f"csi is {kind}, an array of numbers is expected"):
        read_matlab(path, "csi")
    assert read_matlab(path, "y") == 1
    with pytest.raises(WfmError, match="holds csi, y, z is expected"):
        read_matlab(path, "z")


def test_a_bomb_is_refused_before_it_is_read(tmp_path):
    path = save(tmp_path / "x.mat", True, small=np.ones(3), csi=np.zeros((1000, 10_000)))
    for name in ("csi", "small", "absent"):
        with pytest.raises(WfmError, match="inflates from .* at most 100 times"):
            read_matlab(path, name)


def packed(content: bytes) -> bytes:
    found = zlib.compress(content)
    return struct.pack("<2I", 15, len(found)) + found


def matrix(kind: int, shape, name: bytes, data: bytes, stored: int = 9, size: int | None = None) -> bytes:
    flags = struct.pack("<4I", 6, 8, kind, 0)
    lengths = struct.pack(f"<2I{len(shape)}i", 5, 4 * len(shape), *shape)
    lengths += bytes(-len(lengths) % 8)
    called = struct.pack("<2I", 1, len(name)) + name + bytes(-len(name) % 8)
    numbers = struct.pack("<2I", stored, len(data) if size is None else size) + data
    content = flags + lengths + called + numbers
    return struct.pack("<2I", 14, len(content)) + content


HEAD = b"MATLAB 5.0".ljust(124) + b"\x00\x01IM"
GOOD = matrix(6, (1, 2), b"csi", bytes(16))


@pytest.mark.parametrize(
    "content",
    [
        b"", b"MATLAB", HEAD[:100], HEAD + b"12345", HEAD + GOOD[:40], HEAD + GOOD + b"1", HEAD + GOOD + GOOD,
        HEAD + struct.pack("<2I", 3, 8) + bytes(8), HEAD + struct.pack("<2I", 14, 2**32 - 1) + GOOD[8:],
        HEAD + matrix(6, (1, 3), b"csi", bytes(16)), HEAD + matrix(6, (-1, -2), b"csi", bytes(16)),
        HEAD + matrix(6, (2**31 - 1, 2**31 - 1), b"csi", bytes(16)),
        HEAD + matrix(6, (1, 2), b"csi", b"", size=2**32 - 8),
        HEAD + matrix(6, (), b"csi", bytes(16)), HEAD + matrix(6, (1, 2), b"csi", bytes(16), stored=77),
        HEAD + matrix(99, (1, 2), b"csi", bytes(16)), HEAD + packed(GOOD)[:-9], HEAD + packed(GOOD[:30]),
        HEAD + struct.pack("<2I", 15, 9) + b"not zlib!", HEAD + packed(packed(GOOD)),
        b"\x00" * 4 + struct.pack("<4i", 1, 2, 0, 4) + b"csi\x00" + bytes(16), bytes(4096),
    ],
)  # fmt: skip
def test_damaged_files_are_one_sentence(tmp_path, content):
    path = tmp_path / "x.mat"
    path.write_bytes(content)
    with pytest.raises(WfmError) as caught:
        read_matlab(path, "csi")
    assert str(caught.value).isprintable()


def test_what_these_tests_make_is_read(tmp_path):
    path = tmp_path / "x.mat"
    for content in (GOOD, packed(GOOD), packed(matrix(1, (2**30, 2), b"cell", b"")) + GOOD):
        path.write_bytes(HEAD + content)
        assert read_matlab(path, "csi").shape == (1, 2)
