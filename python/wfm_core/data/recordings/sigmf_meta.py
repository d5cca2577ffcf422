# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF metadata, checked against its schema, its data file and itself."""

import contextlib
import hashlib
import json
import math
import os
import stat
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file, read_file, write_atomically
from wfm_core.base.json_text import read_json
from wfm_core.base.needs import needed
from wfm_core.data.recordings.captures import Capture
from wfm_core.data.recordings.record import Annotation, Recording, SampleFile
from wfm_core.data.recordings.sample_format import SampleFormat, sample_format
from wfm_core.data.recordings.utc import utc_time

METADATA_LIMIT_BYTES = 256 << 20  # some million captures
_LONGEST_NAME = 255  # bytes, of a file on any usual system
_WHOLE = frozenset({
    "core:num_channels", "core:offset", "core:trailing_bytes", "core:sample_start", "core:sample_count",
    "core:global_index", "core:header_bytes", "wfm:stream_index",
})  # fmt: skip
_MOST = 2**63 - 1
HASH_LIMIT_BYTES = 1 << 30  # a larger file is not hashed at opening: it would delay the start by seconds


@dataclass(frozen=True)
class Dataset:
    """The bytes that a recording's metadata speak of: `size` of them in `path` from `begin` on; `name` to call them."""

    path: Path
    begin: int
    size: int
    name: str


def meta_path_of(path: Path) -> Path:
    """X.sigmf-meta of `path`, which may name it, the data or X; raises WfmError if there is none."""
    if not path.name:
        raise WfmError(f"{path} is a folder: name a recording in it")
    if path.suffix == ".sigmf":
        raise WfmError(f"{path} is a SigMF archive, which is only read: unpack it (tar -xf), name its .sigmf-meta file")
    meta_path = path.with_name(path.name.removesuffix(".sigmf-data").removesuffix(".sigmf-meta") + ".sigmf-meta")
    if not os.path.isfile(meta_path):
        raise WfmError(f"no SigMF metadata at {meta_path}: name an existing .sigmf-meta file")
    return meta_path


def read_sigmf(path: Path) -> Recording:
    """The recording of X.sigmf-meta, X.sigmf-data or X, real samples included. Raises WfmError naming what is wrong."""
    meta_path = meta_path_of(path)
    return sigmf_of(read_file(meta_path, METADATA_LIMIT_BYTES), meta_path)


def sigmf_of(content: bytes, meta_path: Path) -> Recording:
    """The recording of metadata that were read from `meta_path`, with the data beside it. Raises WfmError."""
    metadata = parse_metadata(content, meta_path)
    data_path, size = data_of(meta_path, metadata["global"])
    return recording_of(metadata, meta_path, Dataset(data_path, 0, size, str(data_path)))


def recording_of(metadata: dict, meta_path: Path, dataset: Dataset) -> Recording:
    """The recording of checked `metadata` over `dataset`; `meta_path` is what it is called. Raises WfmError.

    Sample indices are relative to the first sample of this file (`core:offset` is taken off). A stated
    `core:sha512` is verified for data up to 1 GiB.
    """
    head = metadata["global"]
    form = sample_format(head["core:datatype"])
    channels = head.get("core:num_channels", 1)
    header_bytes, samples = extent_of(dataset.name, dataset.size, metadata, form, channels)
    offset = head.get("core:offset", 0)
    captures = tuple(_capture(entry, offset, meta_path) for entry in metadata["captures"]) or (Capture(0),)
    annotations = _annotations(metadata["annotations"], offset, captures, samples)
    _check_reach(dataset.name, captures, annotations, samples)
    _check_hash(dataset, head.get("core:sha512"))
    return Recording(
        meta_path=meta_path,
        files=(SampleFile(dataset.path, form.name, channels, dataset.begin + header_bytes),),
        sample_rate=float(head["core:sample_rate"]),
        samples=samples,
        captures=captures,
        annotations=annotations,
    )


def parse_metadata(content: bytes, meta_path: Path) -> dict:
    """The metadata, valid by the SigMF schema, with the fields we need. Raises WfmError."""
    metadata = parse_sections(content, meta_path)
    for field in ("core:datatype", "core:sample_rate"):
        if field not in metadata["global"]:
            raise WfmError(f"{meta_path} lacks the field {field} in its global section: add it")
    sample_format(metadata["global"]["core:datatype"])  # its sentence says more than the schema's pattern
    _validate(metadata, meta_path)
    for section in (metadata["global"], *metadata["captures"], *metadata["annotations"]):
        as_whole(section, meta_path)
    rate = metadata["global"]["core:sample_rate"]
    if not 0 < rate < math.inf:
        raise WfmError(f"{meta_path} states core:sample_rate {rate}: a rate above 0 Hz is expected, fix that field")
    return metadata


def parse_sections(content: bytes, meta_path: Path) -> dict:
    """The metadata with their three sections, which are checked no further. Raises WfmError."""
    metadata = parse_json(content, meta_path)
    for section, kind in (("global", dict), ("captures", list), ("annotations", list)):
        if not isinstance(metadata.get(section), kind):
            raise WfmError(f"{meta_path} has no {section!r} section: add it (global, captures, annotations are needed)")
    return metadata


def as_whole(section: dict, meta_path: Path) -> None:
    """Make JSON's 2.0 a 2 in the fields of `section` that count; raises WfmError for what is no such number."""
    for name in _WHOLE.intersection(section):
        value = section[name]
        whole = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST
        if not whole or value != int(value):
            raise WfmError(
                f"{meta_path} states {name} {value!r:.80}: a whole number from 0 to {_MOST} is expected, fix that field"
            )
        section[name] = int(value)


def write_metadata(path: Path, metadata: Mapping) -> None:
    """Write the metadata of a recording, whole or not at all; `captures` and `annotations` may be any iterables.

    One of those a line, as they come: long recordings have many. Raises ValueError for numbers that JSON has not.
    """

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8") as file:
            for number, (name, value) in enumerate(metadata.items()):
                file.write(f"{',' if number else '{'}\n  {json.dumps(name)}: ")
                if name in ("captures", "annotations"):
                    file.writelines(_lines(value))
                else:
                    file.write(json.dumps(value, indent=2, allow_nan=False).replace("\n", "\n  "))
            file.write("\n}\n")

    write_atomically(path, write)


def _lines(entries: Iterable[dict]) -> Iterator[str]:
    before = "["
    for entry in entries:
        yield f"{before}\n    {json.dumps(entry, allow_nan=False)}"
        before = ","
    yield "[]" if before == "[" else "\n  ]"


def parse_json(content: bytes, path: Path) -> dict:
    """The JSON object of a file of SigMF. Raises WfmError."""
    metadata = read_json(content, str(path))
    if not isinstance(metadata, dict):
        kind = type(metadata).__name__
        raise WfmError(f"{path} holds a JSON {kind}: an object with global, captures, annotations is expected")
    return metadata


def _validate(metadata: dict, meta_path: Path) -> None:
    import jsonschema

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # undeclared extensions do not concern us
            needed("sigmf.validate", "reading SigMF").validate(metadata)
    except jsonschema.ValidationError as error:
        where = "/".join(str(step) for step in error.absolute_path) or "the metadata"
        raise WfmError(f"{meta_path} is not valid SigMF at {where}: {error.message}; fix that field") from error


def data_of(meta_path: Path, head: dict) -> tuple[Path, int]:
    """The data file that the global section `head` of `meta_path` speaks of, and its bytes; raises WfmError if it is
    missing."""
    data_path = meta_path.with_name(data_name(meta_path, head))
    with contextlib.suppress(OSError, ValueError):
        found = os.stat(data_path)
        if stat.S_ISREG(found.st_mode):
            return data_path, found.st_size
    raise WfmError(f"the data file {data_path} of {meta_path.name} is missing: put it beside the metadata")


def data_name(meta_path: Path, head: dict) -> str:
    """The name of the data file: a dataset lies beside its metadata, never elsewhere."""
    if head.get("core:metadata_only"):
        raise WfmError(f"{meta_path} says core:metadata_only: there are no samples to read, use a recording with data")
    stated = head.get("core:dataset", meta_path.name.removesuffix("-meta") + "-data")
    name = name_beside(stated)
    if name is None:
        raise WfmError(f"{meta_path} states core:dataset {stated!r:.40}: the name of a file beside it is expected")
    return name


def name_beside(stated: object) -> str | None:
    """The file that SigMF's `stated` name means: whatever folder that says, it lies beside. None for no such name."""
    name = Path(stated).name if isinstance(stated, str) else ""
    usable = name not in ("", "..") and "\0" not in name and len(name.encode(errors="replace")) <= _LONGEST_NAME
    return name if usable else None


def extent_of(name: str, size: int, metadata: dict, form: SampleFormat, channels: int) -> tuple[int, int]:
    """Bytes before the first sample, and the number of samples per channel, of `size` bytes called `name`; raises
    WfmError for a part of a sample."""
    headers = [entry.get("core:header_bytes", 0) for entry in metadata["captures"]]
    if any(headers[1:]):
        raise WfmError(
            f"{name} has core:header_bytes inside the stream: only a header before the first capture is read, "
            "strip the others"
        )
    header_bytes = headers[0] if headers else 0
    trailing_bytes = metadata["global"].get("core:trailing_bytes", 0)
    payload = size - header_bytes - trailing_bytes
    if payload <= 0:
        around = f", {header_bytes + trailing_bytes} of them header or trailer" if header_bytes + trailing_bytes else ""
        raise WfmError(f"the data file {name} holds no samples ({size} bytes{around}): record it again")
    return header_bytes, form.samples_in(payload, channels, f"the data file {name}", "its datatype is another")


def _capture(entry: dict, offset: int, meta_path: Path) -> Capture:
    stamp, frequency = entry.get("core:datetime"), entry.get("core:frequency")
    try:
        *time, step = (0, 0.0, 0.0) if stamp is None else utc_time(stamp)
    except (ValueError, OverflowError) as error:
        raise WfmError(
            f"{meta_path} states core:datetime {stamp!r} ({error}): a time like 2026-01-31T12:00:00.5Z is expected"
        ) from error
    start = entry["core:sample_start"] - offset
    known = frequency is not None and math.isfinite(frequency)
    return Capture(
        start,
        float(frequency) if known else None,
        None if stamp is None else tuple(time),
        entry.get("core:global_index"),
        step,
    )


def _annotations(entries: list[dict], offset: int, captures: Sequence[Capture], samples: int) -> tuple[Annotation, ...]:
    """Without a count an annotation lasts to the end of its capture (SigMF)."""
    ends = [*sorted(capture.sample_start for capture in captures), samples]
    annotations = []
    for entry in entries:
        start = entry["core:sample_start"] - offset
        end = ends[min(bisect_right(ends, start), len(ends) - 1)]
        count = entry.get("core:sample_count", max(end - start, 0))
        annotations.append(Annotation(start, count, entry.get("core:label", ""), entry))
    return tuple(annotations)


def _check_reach(name: str, captures: Sequence[Capture], annotations: Sequence[Annotation], samples: int) -> None:
    """A capture may begin at the end: it is that of a radio that retuned and gave no sample any more."""
    first = min(entry.sample_start for entry in (*captures, *annotations))
    if first < 0:
        raise WfmError(
            f"the metadata of {name} speak of samples from {-first} before its first one on: core:offset is that "
            "sample's number, fix it"
        )
    reach = [("a capture starts at", c.sample_start) for c in captures]
    reach += [("an annotation ends at", a.sample_start + a.sample_count) for a in annotations]
    for what, least in reach:
        if least > samples:
            raise WfmError(
                f"the data file {name} has {samples} samples per channel but {what} sample {least}: "
                "it is truncated, fetch it again or fix the metadata"
            )


def _check_hash(dataset: Dataset, stated: str | None) -> None:
    if stated is None or dataset.size > HASH_LIMIT_BYTES:
        return
    digest, left = hashlib.sha512(), dataset.size
    try:
        with open_file(dataset.path) as stream:
            stream.seek(dataset.begin)
            while left and (block := stream.read(min(left, 1 << 20))):
                digest.update(block)
                left -= len(block)
    except OSError as error:
        raise WfmError(f"the data file {dataset.name} cannot be read ({error.strerror}): get it again") from error
    actual = digest.hexdigest()
    if actual != stated.lower():
        raise WfmError(
            f"the data file {dataset.name} has sha512 {actual[:12]}..., its metadata states {stated[:12]}...: "
            "it is truncated or changed, fetch it again"
        )
