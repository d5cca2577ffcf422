# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own HDF5 file, MATLAB's -v7.3 among them, with an array of windows beside arrays of their labels and groups.

Arrays are named by their path in the file; the windows are read in pieces, so it may be larger than the memory.
Complex numbers may be pairs of their parts. MATLAB stores the axes in reverse (`N x 1` is `[1, N]`), complex numbers as
a compound of `real` and `imag`, texts as their UTF-16 codes and cells as references to arrays. An array of windows is
left in the file's order, whose axes are named; columns (labels, positions, groups) come as MATLAB shows them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.data.hdf5_file import open_hdf5
from wfm_core.data.readers.own.table import read_table

_PARTS = ({"real", "imag"}, {"re", "im"}, {"r", "i"})
_CODES = {1: "utf-8", 2: "utf-16-le", 4: "utf-32-le"}


@contextmanager
def open_table(source: Path) -> Iterator[tuple[list[str], Callable]]:
    """The names of an HDF5 file's arrays, and what opens one of them by its path. Raises `WfmError`."""
    with open_hdf5(source, "name an existing HDF5 file") as file:

        def entry(name: str):
            found = file[name]
            return Hdf5Array(file, found) if isinstance(found, h5py.Dataset) else found

        yield [name for name in file if not name.startswith("#")], entry  # where MATLAB keeps what cells refer to


class Hdf5Array:
    """An array of the file, its rows read when they are asked for. `dtype`, `shape` and indices as numpy has them."""

    def __init__(self, file: h5py.File, dataset: h5py.Dataset):
        self._file, self._dataset = file, dataset
        self._name = f"{Path(file.filename).name}: {dataset.name.lstrip('/')}"
        self.is_matlab = "MATLAB_class" in dataset.attrs
        self.shape = dataset.shape
        parts = _parts(dataset.dtype)
        self._parts = parts
        self.dtype = dataset.dtype if parts is None else np.result_type(dataset.dtype[parts[0]], np.complex64)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows) -> np.ndarray:
        values = self._dataset[rows]
        if self._parts is None:
            return values
        real, imag = (values[part] for part in self._parts)
        joined = np.empty(values.shape, self.dtype)
        joined.real, joined.imag = real, imag
        return joined

    def as_windows(self) -> "Hdf5Array":
        """Itself, if it may be an array of windows. Raises `WfmError`."""
        _refuse_objects(self._dataset, self._name)
        if self._has_cells:
            raise WfmError(
                f"{self._name} is a cell array, windows are expected in one numeric array; in MATLAB: "
                "x = cat(ndims(x{1}) + 1, x{:})"
            )
        return self

    def as_column(self) -> np.ndarray:
        """All of it, with MATLAB's axes where it is MATLAB's: numbers, or texts. Raises `WfmError`."""
        _refuse_objects(self._dataset, self._name)
        if self._has_cells:
            return np.array([self._cell(reference) for reference in self._dataset[...].reshape(-1)])
        if self.is_matlab and _matlab_class(self._dataset) == "char":
            return np.array([_text(row).rstrip() for row in self._dataset[...].T])
        values = self[...]
        return values.T if self.is_matlab else values

    @property
    def _has_cells(self) -> bool:
        return h5py.check_ref_dtype(self._dataset.dtype) is h5py.Reference

    def _cell(self, reference: h5py.Reference):
        """The one text or number in a cell."""
        try:
            held = self._file[reference]
        except (ValueError, KeyError, RuntimeError) as error:
            raise WfmError(f"{self._name} has a cell that refers to nothing ({error}): save it again") from error
        if isinstance(held, h5py.Dataset):
            _refuse_objects(held, self._name)
            empty = bool(held.attrs.get("MATLAB_empty", 0))
            if _matlab_class(held) == "char" and (empty or held.size == max(held.shape)):
                return "" if empty else _text(held[...])
            if held.size == 1 and not empty and held.dtype.kind in "iufb":
                return held[...].reshape(-1)[0]
        kind = f"{_matlab_class(held)} {list(held.shape)[::-1]}" if isinstance(held, h5py.Dataset) else "a group"
        raise WfmError(
            f"{self._name} is a cell array with {kind} in a cell: one text or number in each is expected, save it so"
        )


def _parts(dtype: np.dtype) -> tuple[str, str] | None:
    """The fields of a compound that is a complex number, real part first."""
    names = dtype.names or ()
    if {name.lower() for name in names} not in _PARTS or len(names) != 2:
        return None
    first, second = sorted(names, key=lambda name: "im" in name.lower() or name.lower() == "i")
    return (first, second) if all(dtype[name].kind in "iuf" for name in names) else None


def _matlab_class(dataset: h5py.Dataset) -> str:
    kind = dataset.attrs.get("MATLAB_class", b"")
    return kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind)


def _text(codes: np.ndarray) -> str:
    codes = np.ascontiguousarray(codes.reshape(-1))
    encoding = _CODES[codes.dtype.itemsize]
    return codes.astype(codes.dtype.newbyteorder("<")).tobytes().decode(encoding, "replace")


def _refuse_objects(dataset: h5py.Dataset, name: str) -> None:
    if "MATLAB_object_decode" in dataset.attrs:
        raise WfmError(
            f"{name} is of MATLAB's class {_matlab_class(dataset)}, an object that only MATLAB can read; save it as a "
            "cell array of texts (in MATLAB: x = cellstr(x)) or as numbers"
        )


read = partial(read_table, "hdf5", open_table)
