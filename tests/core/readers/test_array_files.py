# SPDX-License-Identifier: GPL-3.0-or-later
"""npz and HDF5 files of others: no values out of other files, no bombs, no objects."""

import io
import struct
import zipfile

import h5py
import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import open_dataset
from wfm_core.data.hdf5_file import open_hdf5
from wfm_core.data.readers.own import hdf5, matlab, npz
from wfm_core.data.readers.public import wavesfm
from wfm_core.data.sources import DatasetSource


def external_link(file):
    file["iq"] = h5py.ExternalLink("/etc/passwd", "/x")


def external_link_in_a_group(file):
    file.create_group("a/b")["x"] = h5py.ExternalLink("other.h5", "/x")


def external_storage(file):
    file.create_dataset("iq", (8,), "u1", external=[("/etc/passwd", 0, 8)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("iq", layout)


def sparse(file):
    file.create_dataset("iq", (1 << 40,), "f4", chunks=(1 << 16,))


def huge_chunk(file):
    file.create_dataset("iq", (1 << 29, 4), "f4", chunks=(1 << 28, 2), compression="gzip")[:1] = 1


def foreign_filter(file):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((4,))
    plist.set_filter(305, h5py.h5z.FLAG_OPTIONAL)
    h5py.h5d.create(file.id, b"iq", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((4,)), plist)


BAD = {
    external_link: "'iq' is a link to '/etc/passwd'",
    external_link_in_a_group: "'x' is a link to 'other.h5'",
    external_storage: "stored in '/etc/passwd'",
    virtual: "a virtual data set",
    sparse: "states 4398046511104 bytes, 0 are stored",
    huge_chunk: "states .* are stored|has chunks of",
    foreign_filter: "packed by filter 305",
}


@pytest.mark.parametrize("make", BAD)
def test_hdf5_that_is_not_read(tmp_path, make):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        make(file)
    with pytest.raises(WfmError, match=BAD[make]), open_hdf5(path):
        pass
    chosen = {"array": "iq", "kind": "sample", "label": "y"}
    for read in (
        lambda: open_dataset(path),
        lambda: DatasetSource(path),
        lambda: hdf5.read(path, tmp_path / "out.h5", **chosen),
        lambda: wavesfm.read(path, tmp_path / "out.h5"),
        lambda: matlab.read_matlab(path, "iq"),
    ):
        with pytest.raises(WfmError, match=BAD[make]):
            read()


def test_hdf5_with_a_ring_of_groups_and_links_inside(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a/b/x"] = np.arange(4)
        file["a/b/up"] = file["a"]
        file["a/soft"], file["a/gone"] = h5py.SoftLink("/a/b/x"), h5py.SoftLink("/absent")
        file.create_dataset("packed", data=np.zeros((100, 100)), compression="gzip", shuffle=True, fletcher32=True)
    with open_hdf5(tmp_path / "x.h5") as file:
        assert file["a/soft"][2] == 2


def save(path, arrays: dict[str, bytes], method: int = zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in arrays.items():
            archive.writestr(name, content)
    return path


def array(values, shape=None) -> bytes:
    """The bytes of a .npy, with another shape than it has."""
    buffer = io.BytesIO()
    np.save(buffer, values)
    if shape is None:
        return buffer.getvalue()
    head = f"{{'descr': '{np.asarray(values).dtype.str}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(head)) + head + np.asarray(values).tobytes()


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"a.npy": array(np.zeros(4), "(5,)")}, "needs .* are there"),
        ({"a.npy": array(np.zeros(4), "(3,)")}, "needs .* are there"),
        ({"a.npy": array(np.zeros(4), "(1 << 60,)")}, "cannot be read"),
        ({"a.npy": array(np.zeros(4), str((1 << 62, 1 << 62)))}, "needs .* are there"),
        ({"a.npy": array(np.zeros(4), "(-4,)")}, "needs .* are there"),
        ({"a.npy": array(np.zeros(4), "(" * 5000)}, "cannot be read"),
        ({"a.npy": b"hello"}, "cannot be read"),
        ({"a.txt": b"hello"}, "is no array"),
    ],
)
def test_npz_that_is_damaged(tmp_path, arrays, reason):
    with pytest.raises(WfmError, match=reason) as caught, npz.open_npz(save(tmp_path / "x.npz", arrays)):
        pass
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_npz_bombs(tmp_path):
    bomb = save(tmp_path / "x.npz", {"a.npy": array(np.zeros(1 << 24))}, zipfile.ZIP_DEFLATED)
    with pytest.raises(WfmError, match="inflates from"), npz.open_npz(bomb):
        pass
    with open(tmp_path / "y.npz", "wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(8 << 30)
    with pytest.raises(WfmError, match="cannot be read as .npz"), npz.open_npz(tmp_path / "y.npz"):
        pass
    with zipfile.ZipFile(tmp_path / "z.npz", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.npy", array(np.zeros(2)))
        archive.writestr("a.npy", array(np.ones(2)))
    with pytest.raises(WfmError, match="two arrays of one name"), npz.open_npz(tmp_path / "z.npz"):
        pass


def test_a_heap_of_texts_that_would_be_read_for_ever(tmp_path):
    """Free space of 0 bytes, over which HDF5 1.14 does not get: a text is never read."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.attrs["task"] = "a text"
        file["numbers"] = np.frombuffer(b"GCOL\x01\0\0\0" * 64, np.uint8)  # values are no heap
    with open_hdf5(path) as file:
        assert file.attrs["task"] == "a text"
    data = bytearray(path.read_bytes())
    heap = next(
        place for place in range(len(data)) if data[place : place + 8] == b"GCOL\x01\0\0\0" and data[place + 16]
    )
    free = heap + 16 + 16 + 8  # behind the header, and the object of 6 bytes with its own
    assert data[free : free + 2] == b"\0\0"
    data[free + 8 : free + 16] = bytes(8)
    path.write_bytes(data)
    with pytest.raises((WfmError, OSError), match="object 0 of a heap"), open_hdf5(path):
        pass
