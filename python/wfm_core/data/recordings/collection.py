# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF collections: coherent channels in several recordings, read as one."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file
from wfm_core.base.rates import same_rate
from wfm_core.data.recordings.captures import TIME_TOLERANCE
from wfm_core.data.recordings.record import MOST_CHANNELS, Recording
from wfm_core.data.recordings.sigmf_meta import METADATA_LIMIT_BYTES, meta_path_of, name_beside, parse_json, sigmf_of

COLLECTION = ".sigmf-collection"


@dataclass(frozen=True)
class Stream:
    """One recording of a collection: its base name, and the SHA512 of its metadata where that is stated."""

    name: str
    hash: str | None

    def check(self, metadata: bytes, path: Path) -> None:
        """Raise WfmError unless the bytes of the recording's metadata are those that the collection `path` means."""
        actual = hashlib.sha512(metadata).hexdigest()
        if self.hash and actual != self.hash.lower():
            raise WfmError(
                f"the metadata of {self.name} has sha512 {actual[:12]}..., {path} states {self.hash[:12]}...: it was "
                "changed since, write the collection again"
            )


def read_collection(path: Path) -> Recording:
    """One recording with the channels of all that the collection names, which lie beside it. Raises WfmError."""
    recordings = []
    for stream in streams_in(path):
        meta = meta_path_of(path.with_name(f"{stream.name}.sigmf-meta"))
        content = read_file(meta, METADATA_LIMIT_BYTES)  # once: what is checked is what is read
        stream.check(content, path)
        recordings.append(sigmf_of(content, meta))
    return joined(path, recordings)


def streams_in(path: Path) -> list[Stream]:
    """What the collection in the file `path` names. Raises WfmError."""
    return streams_of(parse_json(read_file(path, METADATA_LIMIT_BYTES), path), path)


def streams_of(content: dict, path: Path) -> list[Stream]:
    """What a collection's JSON names, in its order."""
    collection = content.get("collection")
    entries = collection.get("core:streams") if isinstance(collection, dict) else None
    if not isinstance(entries, list) or not entries:
        raise WfmError(f"{path} names no recordings: core:streams in its collection section is expected to list them")
    if len(entries) > MOST_CHANNELS:
        raise WfmError(f"{path} names {len(entries)} recordings, at most {MOST_CHANNELS} are read as channels of one")
    streams = []
    for entry in entries:
        if isinstance(entry, list) and len(entry) == 2:  # as SigMF had it before 1.0
            entry = dict(zip(("name", "hash"), entry, strict=True))
        name = name_beside(entry.get("name")) if isinstance(entry, dict) else None
        name = name and name_beside(name.removesuffix(".sigmf-meta"))
        if name is None:
            raise WfmError(f"{path} has {entry!r:.80} in core:streams: an object with name and hash is expected")
        digest = entry.get("hash")
        streams.append(Stream(name, digest if isinstance(digest, str) else None))
    if len({stream.name for stream in streams}) < len(streams):
        raise WfmError(f"{path} names a recording twice in core:streams: each of its channels once is expected")
    return streams


def joined(path: Path, recordings: list[Recording]) -> Recording:
    """The channels of all `recordings`, which must be of one receiver; annotations of all. Raises WfmError."""
    first = recordings[0]
    for other in recordings[1:]:
        difference = _difference(first, other)
        if difference:
            raise WfmError(
                f"{path}: {first.meta_path.name} and {other.meta_path.name} differ in {difference}: they are no "
                "channels of one receiver, name one of them"
            )
    annotations = dict.fromkeys(annotation for recording in recordings for annotation in recording.annotations)
    return Recording(
        meta_path=path,
        files=tuple(file for recording in recordings for file in recording.files),
        sample_rate=first.sample_rate,
        samples=first.samples,
        captures=first.captures,
        annotations=tuple(sorted(annotations, key=lambda annotation: annotation.sample_start)),
    )


def _difference(one: Recording, other: Recording) -> str:
    """In words; "" where they go together."""
    if not same_rate(one.sample_rate, other.sample_rate):
        return f"sample rate ({one.sample_rate:.12g} and {other.sample_rate:.12g} Hz)"
    if one.samples != other.samples:
        return f"length ({one.samples} and {other.samples} samples)"
    if one.breaks != other.breaks:
        return "where they break (retunes, missing samples)"
    for sample in (0, *one.breaks):
        ours, theirs = one.center_freq_at(sample), other.center_freq_at(sample)
        if ours != theirs:
            return f"frequency at sample {sample} ({ours} and {theirs} Hz)"
        ours, theirs = one.rx_time_at(sample), other.rx_time_at(sample)
        if (ours is None) != (theirs is None):
            return f"whether the time at sample {sample} is known"
        if ours and abs(ours[0] - theirs[0] + (ours[1] - theirs[1])) * one.sample_rate > TIME_TOLERANCE:
            return f"time at sample {sample}"
    return ""
