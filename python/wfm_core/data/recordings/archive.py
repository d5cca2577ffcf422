# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF archives (`.sigmf`): recordings in a tar file, read where they are. Nothing is unpacked."""

import os
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file
from wfm_core.data.recordings.collection import COLLECTION, joined, streams_of
from wfm_core.data.recordings.record import Recording
from wfm_core.data.recordings.sigmf_meta import Dataset, data_name, parse_json, parse_metadata, recording_of

SUFFIX = ".sigmf"
META = ".sigmf-meta"
MOST_METADATA_BYTES = 256 << 20
"""Larger metadata is refused: an archive comes from anywhere."""
_MOST_MEMBERS = 100_000
_MOST_HEADER_BYTES = 1 << 20


class _Headers:
    """The stream for tarfile, which reads the long headers of a member at once, however long they say they are."""

    def __init__(self, stream: BinaryIO):
        self._stream, self.seek, self.tell = stream, stream.seek, stream.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MOST_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {size} bytes, at most {_MOST_HEADER_BYTES} are read")
        return self._stream.read(size)


@dataclass(frozen=True)
class _Archive:
    path: Path
    members: dict[str, tarfile.TarInfo]

    def bytes_of(self, name: str) -> bytes:
        member = self.members[name]
        if member.size > MOST_METADATA_BYTES:
            raise WfmError(
                f"{self.path}: {name} has {member.size} bytes, {MOST_METADATA_BYTES} at most are expected of metadata: "
                "unpack the archive if you trust it"
            )
        try:
            with open_file(self.path) as stream:
                stream.seek(member.offset_data)
                return stream.read(member.size)
        except OSError as error:
            raise WfmError(f"{self.path} cannot be read any more ({error.strerror}): get it again") from error

    def recording(self, name: str, content: bytes | None = None) -> Recording:
        """That of the member `name`, a metadata file."""
        called = self.path / name
        metadata = parse_metadata(self.bytes_of(name) if content is None else content, called)
        data = str(PurePosixPath(name).with_name(data_name(called, metadata["global"])))
        if data not in self.members:
            raise WfmError(f"{self.path} has no {data} beside {name}: it is not whole, fetch it again")
        member = self.members[data]
        dataset = Dataset(self.path, member.offset_data, member.size, str(self.path / data))
        return recording_of(metadata, called, dataset)


def read_archive(path: Path) -> list[Recording]:
    """All recordings of an archive, or where it has collections those, in the order of their names. Raises WfmError."""
    archive = _open(path)
    collections = sorted(name for name in archive.members if name.endswith(COLLECTION))
    if collections:
        return [_collection(archive, name) for name in collections]
    names = sorted(name for name in archive.members if name.endswith(META))
    if not names:
        raise WfmError(f"{path} holds no recording ({META}): name a SigMF archive")
    return [archive.recording(name) for name in names]


def _collection(archive: _Archive, name: str) -> Recording:
    called, folder = archive.path / name, PurePosixPath(name).parent
    recordings = []
    for stream in streams_of(parse_json(archive.bytes_of(name), called), called):
        # beside the collection, or in a folder of the recording's own name, as archives have it
        places = [str(folder / f"{stream.name}{META}"), str(folder / stream.name / f"{stream.name}{META}")]
        place = next((place for place in places if place in archive.members), None)
        if place is None:
            raise WfmError(f"{archive.path} has no {places[0]}, which {name} names: it is not whole, fetch it again")
        content = archive.bytes_of(place)
        stream.check(content, called)
        recordings.append(archive.recording(place, content))
    return joined(called, recordings)


def _open(path: Path) -> _Archive:
    """The plain files in it. Links, devices and sparse files are passed over: what needs them is missing then."""
    members: dict[str, tarfile.TarInfo] = {}
    if not os.path.isfile(path):
        raise WfmError(f"no file {path}: name an existing SigMF archive")
    try:
        with open_file(path) as stream, tarfile.open(fileobj=_Headers(stream), mode="r:") as archive:
            size = os.fstat(stream.fileno()).st_size
            for number, member in enumerate(archive):
                if number >= _MOST_MEMBERS:
                    raise WfmError(f"{path} has more than {_MOST_MEMBERS} members: unpack it and name its recordings")
                resource_fork = PurePosixPath(member.name).name.startswith("._")
                if not member.isreg() or member.size < 0 or member.issparse() or resource_fork:
                    continue
                if member.offset_data + member.size > size:
                    raise WfmError(f"{path} ends within {member.name}: it is truncated, fetch it again")
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts:
                    raise WfmError(f"{path} holds {member.name}, a name that leads out of it: pack it again without")
                if str(name) in members:  # tar unpacks the last, others take the first
                    raise WfmError(f"{path} holds {name} twice: pack it again with one of them")
                members[str(name)] = member
    except (tarfile.TarError, OSError, ValueError, EOFError, RecursionError) as error:
        raise WfmError(
            f"{path} cannot be read as a SigMF archive ({error}): an uncompressed tar file is expected, fetch it again"
        ) from error
    return _Archive(path, members)
