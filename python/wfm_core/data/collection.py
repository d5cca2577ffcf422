# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF collections: coherent channels in several recordings, read as one."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from wfm_core.data.captures import TIME_TOLERANCE
from wfm_core.data.record import Annotation, Recording, same_rate
from wfm_core.data.sigmf_meta import parse_json, read_sigmf
from wfm_core.errors import WfmError

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
    try:
        content = path.read_bytes()
        for stream in streams_of(parse_json(content, path), path):
            meta = path.with_name(f"{stream.name}.sigmf-meta")
            if meta.is_file():
                stream.check(meta.read_bytes(), path)
            recordings.append(read_sigmf(meta))
    except OSError as error:
        raise WfmError(f"{path} cannot be read ({error.strerror}): name an existing {COLLECTION} file") from error
    return joined(path, recordings)


def streams_of(content: dict, path: Path) -> list[Stream]:
    """What a collection's JSON names, in its order."""
    collection = content.get("collection")
    entries = collection.get("core:streams") if isinstance(collection, dict) else None
    if not isinstance(entries, list) or not entries:
        raise WfmError(f"{path} names no recordings: core:streams in its collection section is expected to list them")
    streams = []
    for entry in entries:
        if isinstance(entry, list) and len(entry) == 2:  # as SigMF had it before 1.0
            entry = dict(zip(("name", "hash"), entry, strict=True))
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise WfmError(f"{path} has {entry!r} in core:streams: an object with name and hash is expected")
        name, digest = Path(entry["name"]).name, entry.get("hash")  # beside the collection, never elsewhere
        streams.append(Stream(name.removesuffix(".sigmf-meta"), digest if isinstance(digest, str) else None))
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
    annotations: list[Annotation] = []
    seen = set()
    for annotation in (a for recording in recordings for a in recording.annotations):
        if (annotation.sample_start, annotation.sample_count, annotation.label) not in seen:
            seen.add((annotation.sample_start, annotation.sample_count, annotation.label))
            annotations.append(annotation)
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
