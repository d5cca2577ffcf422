# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotations into the metadata of a SigMF recording, finished or still growing.

Whoever changes the metadata of a recording holds flock() on its data file meanwhile, and renames a whole new file over
the old one: readers see either. WFM Recorder does the same, so both may write to one recording.
"""

import fcntl
import operator
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import lock_within, open_file, read_file
from wfm_core.data.recordings.sample_format import sample_format
from wfm_core.data.recordings.sigmf_meta import (
    METADATA_LIMIT_BYTES,
    as_whole,
    data_of,
    extent_of,
    meta_path_of,
    parse_sections,
    write_metadata,
)

GENERATOR = "gr-wfm"
LONGEST_TEXT = 1000
"""Bytes of a mark's texts in UTF-8."""
MOST_SAMPLES = 2**63 - 1
PATIENCE_SECONDS = 3.0
"""With who has the metadata locked."""


@dataclass(frozen=True)
class Mark:
    """Samples [start, end) carry `label`, as `task` says with `comment`; `generator` tells kinds of marks apart.

    lower, upper: the edges in Hz of the band that it speaks of; None for the whole one.

    Raises `WfmError` for samples that are none, and texts that are not one line of at most `LONGEST_TEXT` bytes.
    """

    start: int
    end: int
    label: str
    task: str
    comment: str
    generator: str = GENERATOR
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self):
        for name in ("start", "end"):
            object.__setattr__(self, name, _sample(name, getattr(self, name)))
        if self.start > self.end:
            raise WfmError(
                f"a mark of the samples {self.start} to {self.end}: an end at or after the start is expected"
            )
        for name in ("label", "task", "comment", "generator"):
            _check_text(name, getattr(self, name))

    @property
    def key(self) -> tuple:
        """A mark with the key of an earlier one takes its place: an event that went on is one annotation."""
        return self.generator, self.task, self.label, self.start, self.lower

    def entry(self, start: int, end: int) -> dict:
        """As SigMF annotation of the samples [start, end)."""
        band = {"core:freq_lower_edge": self.lower, "core:freq_upper_edge": self.upper}
        return {
            "core:sample_start": start,
            "core:sample_count": end - start,
            **{key: edge for key, edge in band.items() if edge is not None},
            "core:label": self.label,
            "core:comment": f"{self.task} {self.comment}",
            "core:generator": self.generator,
        }


def _sample(name: str, value: object) -> int:
    """Also of numpy's kinds."""
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = -1
    if not 0 <= number <= MOST_SAMPLES:
        raise WfmError(f"{name} {value!r:.80} of a mark: a whole number from 0 to {MOST_SAMPLES} is expected")
    return number


def _check_text(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise WfmError(f"{name} {text!r:.80} of a mark: a text is expected")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise WfmError(f"{name} {text!r:.80} of a mark has control characters: one line of text is expected")
    if len(text.encode()) > LONGEST_TEXT:
        raise WfmError(
            f"{name} {text!r:.80} of a mark has {len(text.encode())} bytes, {LONGEST_TEXT} at most are written"
        )


@dataclass(frozen=True)
class Written:
    """The marks that have a place in the recording, and the end of its samples: in the stream, or in the recording."""

    placed: frozenset[Mark]
    reach: int


def annotate(path: str | Path, marks: Iterable[Mark], *, in_stream: bool) -> Written:
    """Add `marks` to the recording's metadata, each as far as the recording has its samples.

    Args:
        path: X.sigmf-meta, X.sigmf-data or X.
        marks: none, one or many.
        in_stream: the marks count the samples of the stream that was recorded, which each capture's
            wfm:stream_index, or else core:global_index, places in the recording; else the recording's own samples,
            from 0.

    Raises:
        WfmError: no recording there, or the disk does not take it; the metadata is as before then.
    """
    meta_path = meta_path_of(Path(path))
    data_path, _ = data_of(meta_path, _load(meta_path)["global"])
    with _locked(data_path):
        metadata = _load(meta_path)
        places = _Places(meta_path, metadata, in_stream)
        found = {mark: place for mark in marks if (place := places.of(mark.start, mark.end))}
        entries = [mark.entry(*place) for mark, place in found.items()]
        if entries:
            new = {_identity(entry) for entry in entries}
            kept = [entry for entry in metadata["annotations"] if _identity(entry) not in new]
            # In the order of the samples, as SigMF wants it.
            metadata["annotations"] = sorted([*kept, *entries], key=lambda entry: entry["core:sample_start"])
            _replace(meta_path, metadata)
    return Written(frozenset(found), places.reach)


class _Places:
    """Where in the recording a stretch of samples is."""

    def __init__(self, meta_path: Path, metadata: dict, in_stream: bool):
        head = metadata["global"]
        form = sample_format(head.get("core:datatype"))
        channels = head.get("core:num_channels", 1)
        if not channels:
            raise WfmError(f"{meta_path} states core:num_channels 0: 1 or more are expected, fix that field")
        data_path, size = data_of(meta_path, head)
        _, samples = extent_of(str(data_path), size, metadata, form, channels)
        self._offset = head.get("core:offset", 0)
        begins = [capture["core:sample_start"] - self._offset for capture in metadata["captures"]] or [0]
        # The global index counts lost samples, too; who marks samples of the stream has not seen those.
        indices = [
            capture.get("wfm:stream_index", capture.get("core:global_index", begin))
            for capture, begin in zip(metadata["captures"], begins, strict=False)
        ] or [0]
        if min(begins) < 0:
            raise WfmError(f"{meta_path} has a capture before sample core:offset {self._offset}: fix that field")
        if not in_stream:
            begins, indices = [0], [0]
        ends = [*begins[1:], samples]
        pieces = sorted((i, b, e - b) for b, e, i in zip(begins, ends, indices, strict=True) if e > b)
        self._indices = [index for index, _, _ in pieces]
        self._ends = list(accumulate((index + count for index, _, count in pieces), max))
        self._pieces = pieces
        self.reach = max(self._ends, default=0)

    def of(self, start: int, end: int) -> tuple[int, int] | None:
        """[start, end) of the recording, as far as it is there; None if it is not."""
        first, last = bisect_right(self._ends, start), bisect_left(self._indices, end) - 1
        if first > last or start >= end:
            return None
        index, begin, _ = self._pieces[first]
        begin += max(start - index, 0)
        index, stop, count = self._pieces[last]
        stop += min(end - index, count)
        return (begin + self._offset, stop + self._offset) if stop > begin else None


def _identity(entry: dict) -> tuple | None:
    """None for an entry that is none of ours, whatever is in it."""
    texts = [entry.get(f"core:{name}") for name in ("generator", "label", "comment")]
    if not all(isinstance(text, str) for text in texts):
        return None
    generator, label, comment = texts
    lower = entry.get("core:freq_lower_edge")
    return generator, comment.partition(" ")[0], label, entry["core:sample_start"], str(lower)


def _replace(path: Path, metadata: dict) -> None:
    try:
        write_metadata(path, metadata)
    except ValueError as error:
        raise WfmError(f"{path} states numbers that JSON has not, such as NaN ({error}): fix the metadata") from error
    except OSError as error:
        raise WfmError(f"annotations cannot be written ({error.strerror}): make room on the disk") from error


def _load(meta_path: Path) -> dict:
    """Checked as far as marks need it; whether it is valid SigMF in all else, its writer knows."""
    metadata = parse_sections(read_file(meta_path, METADATA_LIMIT_BYTES), meta_path)
    as_whole(metadata["global"], meta_path)
    for name in ("captures", "annotations"):
        for entry in metadata[name]:
            if not isinstance(entry, dict) or "core:sample_start" not in entry:
                raise WfmError(f"{meta_path} has {entry!r:.80} in {name}: an object with core:sample_start is expected")
            as_whole(entry, meta_path)
    return metadata


@contextmanager
def _locked(data_path: Path):
    """Whoever holds the lock writes metadata, which takes no time."""
    try:
        stream = open_file(data_path)
    except OSError as error:
        raise WfmError(f"{data_path} cannot be read ({error.strerror}): give the right to read it") from error
    with stream:
        try:
            held = lock_within(stream.fileno(), fcntl.LOCK_EX, PATIENCE_SECONDS)
        except OSError as error:
            raise WfmError(
                f"{data_path} cannot be locked ({error.strerror}): copy it to another file system"
            ) from error
        if not held:
            raise WfmError(f"{data_path} is locked by another program for {PATIENCE_SECONDS:g} s: end that one")
        yield
