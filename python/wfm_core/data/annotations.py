# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotations into the metadata of a SigMF recording, finished or still growing.

Whoever changes the metadata of a recording holds flock() on its data file meanwhile, and renames a whole new file over
the old one: readers see either. WFM Recorder does the same, so both may write to one recording.
"""

import fcntl
import json
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from wfm_core.data.sample_format import sample_format
from wfm_core.data.sigmf_meta import data_path_of, extent_of, meta_path_of
from wfm_core.errors import WfmError
from wfm_core.files import write_atomically

GENERATOR = "gr-wfm"
_LOCK_SECONDS = 3.0
"""The recorder holds the lock for less."""
_LOCK_POLL_SECONDS = 0.002
_INDENT = "\n    "


@dataclass(frozen=True)
class Mark:
    """Samples [start, end) carry `label`, as `task` says with `comment`; `generator` tells kinds of marks apart."""

    start: int
    end: int
    label: str
    task: str
    comment: str
    generator: str = GENERATOR

    @property
    def key(self) -> tuple:
        """A mark with the key of an earlier one takes its place: an event that went on is one annotation."""
        return self.generator, self.task, self.label, self.start

    def entry(self, start: int, end: int) -> dict:
        """As SigMF annotation of the samples [start, end)."""
        return {
            "core:sample_start": start,
            "core:sample_count": end - start,
            "core:label": self.label,
            "core:comment": f"{self.task} {self.comment}",
            "core:generator": self.generator,
        }


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
            core:global_index places in the recording; else the recording's own samples, from 0.

    Raises:
        WfmError: no recording there, or the disk does not take it; the metadata is as before then.
    """
    meta_path = meta_path_of(Path(path))
    with _locked(data_path_of(meta_path, _load(meta_path)["global"])):
        metadata = _load(meta_path)
        places = _Places(meta_path, metadata, in_stream)
        found = {mark: place for mark in marks if (place := places.of(mark.start, mark.end))}
        entries = [mark.entry(*place) for mark, place in found.items()]
        if entries:
            metadata["annotations"] = _merged(metadata["annotations"], entries)
            text = _text(metadata)
            write_atomically(meta_path, lambda temporary: _write(temporary, text))
    return Written(frozenset(found), places.reach)


class _Places:
    """Where in the recording a stretch of samples is."""

    def __init__(self, meta_path: Path, metadata: dict, in_stream: bool):
        head = metadata["global"]
        form = sample_format(head.get("core:datatype"))
        data_path = data_path_of(meta_path, head)
        _, samples = extent_of(
            str(data_path), data_path.stat().st_size, metadata, form, head.get("core:num_channels", 1)
        )
        self._offset = head.get("core:offset", 0)
        begins = [capture["core:sample_start"] - self._offset for capture in metadata["captures"]] or [0]
        indices = [
            capture.get("core:global_index", b) for capture, b in zip(metadata["captures"], begins, strict=False)
        ]
        if not in_stream or not indices:
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


def _merged(old: list[dict], new: list[dict]) -> list[dict]:
    """In the order of the samples, as SigMF wants it."""
    keys = {_identity(entry) for entry in new}
    return sorted([*(e for e in old if _identity(e) not in keys), *new], key=lambda entry: entry["core:sample_start"])


def _identity(entry: dict) -> tuple:
    task = entry.get("core:comment", "").partition(" ")[0]
    return entry.get("core:generator"), task, entry.get("core:label"), entry["core:sample_start"]


def _text(metadata: dict) -> str:
    """One capture or annotation a line: long recordings have many."""
    sections = {
        name: f"[{_INDENT}" + f",{_INDENT}".join(map(json.dumps, value)) + "\n  ]"
        if name in ("captures", "annotations") and value
        else json.dumps(value, indent=2).replace("\n", "\n  ")
        for name, value in metadata.items()
    }
    return "{\n" + ",\n".join(f"  {json.dumps(name)}: {text}" for name, text in sections.items()) + "\n}\n"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WfmError(f"annotations cannot be written ({error.strerror}): make room on the disk") from error


def _load(meta_path: Path) -> dict:
    """With its three sections; whether it is valid SigMF in all else, its writer knows."""
    try:
        metadata = json.loads(meta_path.read_bytes())
        whole = isinstance(metadata["global"], dict)
        for section in ("captures", "annotations"):
            whole = whole and all(entry["core:sample_start"] >= 0 for entry in metadata[section])
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise WfmError(f"{meta_path} is not SigMF metadata ({error!r}): name the .sigmf-meta of a recording") from error
    if not whole:
        raise WfmError(f"{meta_path} has no global section or a negative sample_start: fix the metadata")
    return metadata


def _lock(stream, data_path: Path) -> None:
    give_up = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise WfmError(
                    f"{data_path} was locked by another program for {_LOCK_SECONDS:g} s (flock): end that program"
                ) from None
            time.sleep(_LOCK_POLL_SECONDS)


@contextmanager
def _locked(data_path: Path):
    try:
        with data_path.open("rb") as stream:
            _lock(stream, data_path)
            yield
    except OSError as error:
        raise WfmError(f"{data_path} cannot be read ({error.strerror}): give the right to read it") from error
