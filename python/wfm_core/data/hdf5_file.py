# SPDX-License-Identifier: GPL-3.0-or-later
"""HDF5 files of others, opened for reading after a look at what is in them.

An HDF5 file may have its values in other files of the machine, by external links, external storage or virtual data
sets, may ask for a filter that is loaded as a library, and may state terabytes of which nothing is stored.
"""

import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import h5py

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file
from wfm_core.data.hdf5_heap import check_heaps, places_of

OBJECTS_LIMIT = 100_000
CHUNK_LIMIT = 1 << 30
"""Bytes of a chunk, which is unpacked at once."""
FREE_BYTES = 64 << 20
INFLATION_LIMIT = 1000
"""A data set of more than `FREE_BYTES` may be so many times what is stored of it."""
FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}
"""Those that come with h5py."""
CHECKED_LIMIT = 1024
_CHECKED: dict[tuple, None] = {}
"""Files that are in order, as long as they are not changed."""


DAMAGED = (OSError, RuntimeError, KeyError, UnicodeError)
"""What h5py raises where a file turns out to be damaged while it is read."""


@contextmanager
def open_hdf5(
    path: Path, advice: str = "get the file again", called: str = "HDF5", most: int = OBJECTS_LIMIT
) -> Iterator[h5py.File]:
    """The file, for reading. Raises `WfmError` for what is no HDF5, which says the `advice`, for what it may not hold,
    and for damage that is met while it is open; `called` is what the user knows such a file as, and `most` how many
    objects it may hold."""
    with ExitStack() as closing:
        try:
            open_file(path).close()  # to open a pipe would wait for its writer
            file = closing.enter_context(h5py.File(path, "r"))
            found = os.stat(path)
            about = (str(path), most, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if about not in _CHECKED:  # a data set is opened for each batch
                _check(file, path, most)
                _CHECKED[about] = None
                while len(_CHECKED) > CHECKED_LIMIT:
                    _CHECKED.pop(next(iter(_CHECKED)), None)
        except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
            said = error if isinstance(error, OSError) else f"damaged: {_said(error)}"
            raise WfmError(f"{path} cannot be read as {called} ({said}); {advice}") from error
        try:
            yield file
        except DAMAGED as error:
            raise WfmError(f"{path} cannot be read as HDF5 ({_said(error)}); get the file again") from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def _check(file: h5py.File, path: Path, most: int) -> None:
    seen, waiting, links, values = set(), [file], 0, []
    while waiting:
        group = waiting.pop()
        for name in group:
            links += 1
            if links > most:
                raise WfmError(f"{path} holds more than {most} objects; split the file")
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise _elsewhere(path, name, f"a link to {str(link.filename)[:80]!r}")
            if isinstance(link, h5py.SoftLink):
                continue  # to something in this file, which is met there
            item = group[name]
            place = h5py.h5o.get_info(item.id).addr
            if place in seen:
                continue
            seen.add(place)
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif isinstance(item, h5py.Dataset):
                _check_dataset(item, path)
                values += places_of(item)  # not the data set, which HDF5 would keep open
    check_heaps(path, values)


def _check_dataset(dataset: h5py.Dataset, path: Path) -> None:
    if dataset.external:
        raise _elsewhere(path, dataset.name, f"stored in {str(dataset.external[0][0])[:80]!r}")
    if dataset.is_virtual:
        raise _elsewhere(path, dataset.name, "a virtual data set")
    layout = dataset.id.get_create_plist()
    for number in range(layout.get_nfilters()):
        code = layout.get_filter(number)[0]
        if code not in FILTERS:
            raise WfmError(
                f"{path}: {dataset.name[:80]!r} is packed by filter {code}, which is not one of "
                f"{', '.join(FILTERS.values())}; write it with one of these"
            )
    if dataset.shape is None or dataset.size == 0:
        return
    stored, size = dataset.id.get_storage_size(), dataset.size * dataset.dtype.itemsize
    if size > FREE_BYTES and size > INFLATION_LIMIT * stored:
        raise WfmError(
            f"{path}: {dataset.name[:80]!r} states {size} bytes, {stored} are stored; write it with all its values"
        )
    if dataset.chunks is not None:
        chunk = dataset.dtype.itemsize * math.prod(dataset.chunks)
        if chunk > CHUNK_LIMIT:
            raise WfmError(
                f"{path}: {dataset.name[:80]!r} has chunks of {chunk} bytes, at most {CHUNK_LIMIT} are read; write it "
                "with smaller ones"
            )


def _elsewhere(path: Path, name: str, what: str) -> WfmError:
    return WfmError(f"{path}: {name[:80]!r} is {what}; values of other files are not read: write them into this one")
