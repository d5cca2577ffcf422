# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of an HDF5 file lie in global heap collections; one that is damaged keeps the library in a loop for ever.

(HDF5 2.0.0: a free space of 0 bytes is skipped by 0 bytes.) So the collections are walked here first. They are looked
for in what is left of the file without the values of its data sets, which may be large.
"""

import struct
from pathlib import Path
from typing import BinaryIO

import h5py

from wfm_core.base.files import open_file

HEAP = b"GCOL\x01\0\0\0"
CHUNKS_LIMIT = 100_000
_BLOCK = 16 << 20


def check_heaps(path: Path, values: list[tuple[int, int]]) -> None:
    """Raise `OSError` for a file with a damaged collection; `values` are the places of its data sets' values."""
    with open_file(path) as file:  # not mapped: a file that is cut meanwhile would be a signal
        begin, end = 0, file.seek(0, 2)
        for start, stop in [*sorted(values), (end, end)]:
            for place in range(begin, min(start, end), _BLOCK):
                file.seek(place)
                _check_block(file, file.read(min(_BLOCK + len(HEAP) - 1, start - place)), place)
            begin = max(begin, stop)


def places_of(dataset: h5py.Dataset) -> list[tuple[int, int]]:
    """Where in the file its values are, begins and ends."""
    places: list[tuple[int, int]] = []
    if dataset.chunks is None:
        offset = dataset.id.get_offset()
        if offset is not None:
            places.append((offset, offset + dataset.id.get_storage_size()))
    elif dataset.id.get_num_chunks() <= CHUNKS_LIMIT:
        dataset.id.chunk_iter(lambda chunk: places.append((chunk.byte_offset, chunk.byte_offset + chunk.size)))
    return places


def _check_block(file: BinaryIO, block: bytes, begin: int) -> None:
    """Walk the collections that begin in `block`, the bytes of the file from `begin` on."""
    place = block.find(HEAP)
    while place >= 0:
        file.seek(begin + place + len(HEAP))
        head = file.read(8)
        size = int.from_bytes(head, "little")
        if len(head) < 8 or not 16 <= size <= _BLOCK:
            raise OSError(f"a heap at {begin + place} of {size} bytes")
        _check_objects(file.read(size - 16), size - 16, begin + place)
        place = block.find(HEAP, place + len(HEAP))


def _check_objects(objects: bytes, length: int, heap: int) -> None:
    """Objects of 16 bytes and their contents, padded to 8; number 0 is free space, whose size is with its 16 bytes."""
    if len(objects) < length:
        raise OSError(f"a heap at {heap} that ends beyond the file")
    place = 0
    while place + 16 <= length:
        number, _, _, size = struct.unpack_from("<HHIQ", objects, place)
        needed = size if number == 0 else 16 + (size + 7) // 8 * 8
        if not 16 <= needed <= length - place:
            raise OSError(f"object {number} of a heap at {heap} has {size} bytes")
        place += needed
