# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF recordings: checked metadata, and samples as complex64 at full scale 1.0."""

import hashlib
import json
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import jsonschema
import numpy as np

from wfm_core.data.sample_format import SampleFormat, sample_format
from wfm_core.errors import WfmError
from wfm_core.needs import needed

HASH_LIMIT_BYTES = 1 << 30  # a larger file is not hashed at opening: it would delay the start by seconds
TIME_TOLERANCE = 1.5  # samples by which a capture's time may miss the predicted one, the same as in window_tap


@dataclass(frozen=True)
class Capture:
    """From `sample_start` on: the tuned frequency in Hz and the UTC time (whole seconds, fraction) of that sample."""

    sample_start: int
    center_freq: float | None
    rx_time: tuple[int, float] | None


@dataclass(frozen=True)
class Annotation:
    """`sample_count` samples from `sample_start` on carry `label` ("" where the metadata gives none)."""

    sample_start: int
    sample_count: int
    label: str


@dataclass(frozen=True)
class Recording:
    """A SigMF recording whose metadata and data file agree; `samples` is per channel, `sample_rate` in Hz."""

    meta_path: Path
    data_path: Path
    datatype: str
    sample_rate: float
    channels: int
    samples: int
    header_bytes: int
    captures: tuple[Capture, ...]
    annotations: tuple[Annotation, ...]

    @cached_property
    def _components(self) -> np.ndarray:
        """The data file, memory mapped: [samples, channels, parts]."""
        form = sample_format(self.datatype)
        shape = (self.samples, self.channels, form.parts)
        return np.memmap(self.data_path, form.component, "r", offset=self.header_bytes, shape=shape)

    def read(self, start: int, count: int) -> np.ndarray:
        """Samples [start, start + count) as complex64 [channels, count], full scale 1.0; a real datatype has Q = 0."""
        if start < 0 or count < 0 or start + count > self.samples:
            raise ValueError(f"samples {start} to {start + count} asked for, the recording has 0 to {self.samples}")
        frames = self._components[start : start + count]
        return np.ascontiguousarray(sample_format(self.datatype).to_complex(frames).T)

    def center_freq_at(self, sample: int) -> float | None:
        """The last frequency in Hz stated at or before `sample`."""
        return next((c.center_freq for c in self._before(sample) if c.center_freq is not None), None)

    def rx_time_at(self, sample: int) -> tuple[int, float] | None:
        """The UTC time (whole seconds, fraction) of `sample`, counted on from the last time stated before it."""
        for capture in self._before(sample):
            if capture.rx_time is not None:
                elapsed = (sample - capture.sample_start) / self.sample_rate
                whole, fraction = divmod(capture.rx_time[1] + elapsed, 1.0)
                return capture.rx_time[0] + int(whole), fraction
        return None

    @property
    def breaks(self) -> list[int]:
        """Sample indices at which a capture retunes, or starts at another time than the samples before it predict.

        A frequency or a time that appears for the first time after the first sample is a break too: what the
        samples before it were is not known.
        """
        return [c.sample_start for c in self.captures if c.sample_start > 0 and (self._retunes(c) or self._jumps(c))]

    def _retunes(self, capture: Capture) -> bool:
        return capture.center_freq not in (None, self.center_freq_at(capture.sample_start - 1))

    def _jumps(self, capture: Capture) -> bool:
        if capture.rx_time is None:
            return False
        previous = self.rx_time_at(capture.sample_start - 1)
        if previous is None:
            return True
        step = (capture.rx_time[0] - previous[0]) + (capture.rx_time[1] - previous[1])
        return abs(step * self.sample_rate - 1) > TIME_TOLERANCE

    def _before(self, sample: int) -> list[Capture]:
        return [c for c in reversed(self.captures) if c.sample_start <= sample]


def open_recording(path: str | Path) -> Recording:
    """Open `X.sigmf-meta` (or its `X.sigmf-data`, or `X`) and check it; raises WfmError naming what is wrong.

    Sample indices are relative to the first sample of this file (`core:offset` is taken off). A stated
    `core:sha512` is verified for data files up to 1 GiB.
    """
    meta_path = meta_path_of(Path(path))
    metadata = _load(meta_path)
    head = metadata["global"]
    form = sample_format(head.get("core:datatype"))
    channels = head.get("core:num_channels", 1)
    data_path = data_path_of(meta_path, head)
    header_bytes, samples = extent_of(data_path, metadata, form, channels)
    offset = head.get("core:offset", 0)
    captures = tuple(_capture(entry, offset, meta_path) for entry in metadata["captures"])
    captures = captures or (Capture(0, None, None),)
    annotations = tuple(_annotation(entry, offset, captures, samples) for entry in metadata["annotations"])
    _check_reach(data_path, captures, annotations, samples)
    _check_hash(data_path, head.get("core:sha512"))
    return Recording(
        meta_path=meta_path,
        data_path=data_path,
        datatype=form.name,
        sample_rate=float(head["core:sample_rate"]),
        channels=channels,
        samples=samples,
        header_bytes=header_bytes,
        captures=captures,
        annotations=annotations,
    )


def meta_path_of(path: Path) -> Path:
    """X.sigmf-meta of `path`, which may name it, the data or X; raises WfmError if there is none."""
    if path.suffix == ".sigmf":
        raise WfmError(f"{path} is a SigMF archive: unpack it (tar -xf) and name its .sigmf-meta file")
    meta_path = path.with_name(path.name.removesuffix(".sigmf-data").removesuffix(".sigmf-meta") + ".sigmf-meta")
    if not meta_path.is_file():
        raise WfmError(f"no SigMF metadata at {meta_path}: name an existing .sigmf-meta file")
    return meta_path


def _load(meta_path: Path) -> dict:
    """The metadata, valid by the SigMF schema, with the fields we need."""
    try:
        metadata = json.loads(meta_path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise WfmError(f"{meta_path} is not readable as JSON ({error}): write SigMF metadata anew") from error
    if not isinstance(metadata, dict):
        kind = type(metadata).__name__
        raise WfmError(f"{meta_path} holds a JSON {kind}: an object with global, captures, annotations is wanted")
    for section, kind in (("global", dict), ("captures", list), ("annotations", list)):
        if not isinstance(metadata.get(section), kind):
            raise WfmError(f"{meta_path} has no {section!r} section: add it (global, captures, annotations are needed)")
    for field in ("core:datatype", "core:sample_rate"):
        if field not in metadata["global"]:
            raise WfmError(f"{meta_path} lacks the field {field} in its global section: add it")
    sample_format(metadata["global"]["core:datatype"])  # its sentence says more than the schema's pattern
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # undeclared extensions do not concern us
            needed("sigmf.validate", "reading SigMF").validate(metadata)
    except jsonschema.ValidationError as error:
        where = "/".join(str(step) for step in error.absolute_path) or "the metadata"
        raise WfmError(f"{meta_path} is not valid SigMF at {where}: {error.message}; mend that field") from error
    rate = metadata["global"]["core:sample_rate"]
    if not rate > 0:
        raise WfmError(f"{meta_path} states core:sample_rate {rate}: a rate above 0 Hz is wanted, mend that field")
    return metadata


def data_path_of(meta_path: Path, head: dict) -> Path:
    """The data file that the global section `head` of `meta_path` speaks of; raises WfmError if it is missing."""
    if head.get("core:metadata_only"):
        raise WfmError(f"{meta_path} says core:metadata_only: there are no samples to read, use a recording with data")
    name = head.get("core:dataset", meta_path.name.removesuffix("-meta") + "-data")
    data_path = meta_path.with_name(Path(name).name)  # a dataset lies beside its metadata, never elsewhere
    if not data_path.is_file():
        raise WfmError(f"the data file {data_path} of {meta_path.name} is missing: put it beside the metadata")
    return data_path


def extent_of(data_path: Path, metadata: dict, form: SampleFormat, channels: int) -> tuple[int, int]:
    """Bytes before the first sample, and the number of samples per channel; raises WfmError for a part of one."""
    headers = [entry.get("core:header_bytes", 0) for entry in metadata["captures"]]
    if any(headers[1:]):
        raise WfmError(
            f"{data_path} has core:header_bytes inside the stream: only a header before the first capture is read, "
            "strip the others"
        )
    header_bytes = headers[0] if headers else 0
    size = data_path.stat().st_size
    payload = size - header_bytes - metadata["global"].get("core:trailing_bytes", 0)
    frame = form.bytes * channels
    if payload <= 0:
        raise WfmError(f"the data file {data_path} holds no samples ({size} bytes): record it again")
    if payload % frame:
        raise WfmError(
            f"the data file {data_path} has {payload} bytes of samples, not a multiple of {frame} "
            f"({channels} channels of {form.name}): it is truncated or its datatype is another, mend one of them"
        )
    return header_bytes, payload // frame


def _capture(entry: dict, offset: int, meta_path: Path) -> Capture:
    stamp = entry.get("core:datetime")
    frequency = entry.get("core:frequency")
    return Capture(
        entry["core:sample_start"] - offset,
        None if frequency is None else float(frequency),
        None if stamp is None else _utc(stamp, meta_path),
    )


def _annotation(entry: dict, offset: int, captures: tuple[Capture, ...], samples: int) -> Annotation:
    """Without a count an annotation lasts to the end of its capture (SigMF)."""
    start = entry["core:sample_start"] - offset
    end = min((c.sample_start for c in captures if c.sample_start > start), default=samples)
    return Annotation(start, entry.get("core:sample_count", max(end - start, 0)), entry.get("core:label", ""))


def _utc(text: str, meta_path: Path) -> tuple[int, float]:
    """ISO 8601 UTC with any number of decimals (datetime keeps only six) -> whole seconds, fraction."""
    body, _, decimals = text.removesuffix("Z").partition(".")
    try:
        whole = datetime.fromisoformat(body).replace(tzinfo=UTC)
        return int(whole.timestamp()), float(f"0.{decimals or 0}")
    except ValueError as error:
        raise WfmError(
            f"{meta_path} states core:datetime {text!r}: a UTC time like 2026-01-31T12:00:00.5Z is wanted"
        ) from error


def _check_reach(data_path: Path, captures: tuple, annotations: tuple, samples: int) -> None:
    reach = [("a capture starts at", c.sample_start + 1) for c in captures]
    reach += [("an annotation ends at", a.sample_start + a.sample_count) for a in annotations]
    for what, least in reach:
        if least > samples:
            raise WfmError(
                f"the data file {data_path} has {samples} samples per channel but {what} sample {least}: "
                "it is truncated, fetch it again or mend the metadata"
            )


def _check_hash(data_path: Path, stated: str | None) -> None:
    if stated is None or data_path.stat().st_size > HASH_LIMIT_BYTES:
        return
    with data_path.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha512").hexdigest()
    if actual != stated.lower():
        raise WfmError(
            f"the data file {data_path} has sha512 {actual[:12]}..., its metadata states {stated[:12]}...: "
            "it is truncated or changed, fetch it again"
        )
