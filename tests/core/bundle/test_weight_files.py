# SPDX-License-Identifier: GPL-3.0-or-later
"""safetensors and PyTorch files of others: what the header claims must be there, and is read within limits."""

import io
import json
import zipfile

import pytest
import safetensors.torch
import torch

from wfm_core.base.errors import WfmError
from wfm_core.base.weights_file import FILE_LIMIT, HEADER_LIMIT, read_weights
from wfm_core.bundle.checkpoints import read_checkpoint
from wfm_core.model.prototypes import Prototypes


def file_of(path, header, size: int = 16):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(size))
    return path


def one(shape, begin: int = 0, end: int = 16, dtype: str = "F32") -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "header",
    [
        {"a": one([5])}, {"a": one([4], 0, 20)}, {"a": one([2], 0, 8)}, {"a": one([2], 8, 16)}, {"a": one([-4])},
        {"a": one([1 << 40, 0])}, {"a": one([4.0])}, {"a": one([4], dtype="F33")}, {"a": one([4]), "b": one([4])},
        {"a": one([1 << 62])}, {"a": {"dtype": "F32", "shape": [4]}}, {"a": 1}, [], {"__metadata__": {"a": 1}},
        {"__metadata__": 3}, b'{"a": {}, "a": {}}', b"[" * 100_000, b"{", b"\xff\xff", {"a": one([True])},
    ],
)  # fmt: skip
def test_headers_that_are_not_true(tmp_path, header):
    with pytest.raises(WfmError, match="cannot be read as safetensors") as caught:
        read_weights(file_of(tmp_path / "x.safetensors", header))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize("content", [b"", b"1234", (1 << 60).to_bytes(8, "little") + b"{}", bytes(100)])
def test_files_without_a_header(tmp_path, content):
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(WfmError, match="cannot be read as safetensors"):
        read_weights(tmp_path / "x.safetensors")


def test_sparse_files_are_not_read(tmp_path):
    path = tmp_path / "x.safetensors"
    for length in (HEADER_LIMIT + 1, 100):
        with open(path, "wb") as file:
            file.write(length.to_bytes(8, "little"))
            file.truncate(8 << 30)
        with pytest.raises(WfmError, match=f"at most {FILE_LIMIT}"):
            read_weights(path)


def test_what_was_written_is_read(tmp_path):
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.zeros(0, 4), "c": torch.tensor(2, dtype=torch.int64)}
    safetensors.torch.save_file(tensors, tmp_path / "x.safetensors", metadata={"x": "y"})
    read = read_weights(tmp_path / "x.safetensors")
    assert read.keys() == tensors.keys() and all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_prototypes_that_are_none(tmp_path):
    safetensors.torch.save_file({"0": torch.zeros(3, 2)}, tmp_path / "x", metadata={"wfm_prototypes": "1"})
    with pytest.raises(WfmError, match="cannot be read as prototypes"):
        Prototypes.load(tmp_path / "x")
    with pytest.raises(WfmError, match="no prototypes: .*cannot be read as safetensors"):
        Prototypes.load(tmp_path / "absent")


def rewritten(path, change) -> None:
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, change(name, content))


@pytest.mark.parametrize("cut", [lambda b: b[:8], lambda b: b"", lambda b: b + b"1"])
def test_checkpoints_with_fewer_bytes_than_stated(tmp_path, cut):
    """torch reads on behind a record that is too short: heap memory as weights."""
    path = tmp_path / "x.pth"
    torch.save({"a": torch.arange(8.0), "b": torch.ones(3)}, path)
    assert set(read_checkpoint(path)[0]) == {"a", "b"}
    rewritten(path, lambda name, content: cut(content) if name.endswith("data/0") else content)
    with pytest.raises(WfmError, match="cannot be read as a checkpoint .*are stated"):
        read_checkpoint(path)


def test_checkpoints_with_two_files_of_one_name(tmp_path):
    path = tmp_path / "x.pth"
    torch.save({"a": torch.arange(8.0)}, path)
    data = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr(next(name for name in archive.namelist() if name.endswith("data.pkl")).upper(), b"x")
    path.write_bytes(data.getvalue())
    with pytest.raises(WfmError, match="two files of one name"):
        read_checkpoint(path)
