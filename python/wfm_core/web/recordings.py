# SPDX-License-Identifier: GPL-3.0-or-later
"""The SigMF recordings of one folder, by their names in it; nothing outside of it is ever opened."""

import base64
import threading
import time
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.folder import without_system_files
from wfm_core.data.recordings.recording import Annotation, Recording, open_recording
from wfm_core.scan.waterfall import waterfall

MOST_RECORDINGS = 1000
MOST_ANNOTATIONS = 2000
_ROWS, _COLUMNS = 240, 512
_FRESH_SECONDS = 3.0
_AT_ONCE = 2
_LONGEST_TEXT = 200
_META = ".sigmf-meta"


class Recordings:
    """The newest recordings in and under `folder`. Safe to call from several threads.

    Names are looked up in the list, and never made into paths.

    Raises:
        WfmError: there is no such folder.
    """

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise WfmError(f"no folder {folder}: name an existing folder of recordings")
        self._folder = folder.resolve()
        self._lock = threading.Lock()
        self._looked = -_FRESH_SECONDS
        self._paths: dict[str, Path] = {}
        self._told: dict[Path, tuple[tuple, dict]] = {}
        self._drawing = threading.Semaphore(_AT_ONCE)

    def listed(self) -> list[dict]:
        """What can be said of each without its samples, the newest first; one that cannot be read says why."""
        with self._lock:
            self._look()
            told = {path: self._tell(name, path) for name, path in self._paths.items()}
            self._told = told
            return [fields for _, fields in told.values()]

    def path(self, name: str, data: bool) -> Path | None:
        """The metadata or the samples of a recording in the list; None where it has none of that name."""
        with self._lock:
            self._look()
            path = self._paths.get(name)
        if path is None or not data:
            return path
        return self._opened(path).data_path

    def shown(self, name: str) -> dict | None:
        """A recording as a waterfall with its annotations, as JSON object; None where there is none of that name.

        Levels are bytes, `lowest` dB and `step` dB a byte, row by row, in base64; from the lowest frequency on.

        Raises:
            WfmError: it cannot be read.
        """
        path = self.path(name, data=False)
        if path is None:
            return None
        recording = self._opened(path)
        with self._drawing:
            levels = waterfall(recording, _ROWS, _COLUMNS)
        weak, strong = (float(level) for level in np.percentile(levels, [1, 99.9]))
        step = max(strong - weak, 10.0) / 255
        shades = np.clip(np.rint((levels - weak) / step), 0, 255).astype(np.uint8)
        marks = sorted(recording.annotations, key=lambda mark: mark.sample_start)[:MOST_ANNOTATIONS]
        return {
            **_facts(name, recording),
            "columns": levels.shape[1],
            "lowest": weak,
            "step": step,
            "levels": base64.b64encode(shades.tobytes()).decode(),
            "marks": [_mark_json(mark) for mark in marks],
        }

    def _look(self) -> None:
        """Unless that was a moment ago."""
        now = time.monotonic()
        if now - self._looked < _FRESH_SECONDS:
            return
        found = []
        for path in without_system_files(self._folder.rglob(f"*{_META}"), self._folder):
            try:
                if path.is_file() and path.resolve().is_relative_to(self._folder):
                    found.append((path.stat().st_mtime, path))
            except OSError:
                continue  # deleted meanwhile
        newest = sorted(found, reverse=True)[:MOST_RECORDINGS]
        self._paths = {path.relative_to(self._folder).as_posix(): path for _, path in newest}
        self._looked = now

    def _tell(self, name: str, path: Path) -> tuple[tuple, dict]:
        """What was told before, while the file is the same."""
        try:
            state = path.stat()
            stamp = state.st_mtime_ns, state.st_size
            if path in self._told and self._told[path][0] == stamp:
                return self._told[path]
            return stamp, _facts(name, self._opened(path))
        except (WfmError, OSError) as error:
            return (), {"name": name, "error": str(error).replace(str(self._folder), ".")[:_LONGEST_TEXT]}

    def _opened(self, path: Path) -> Recording:
        recording = open_recording(path)
        for file in recording.files:
            if not file.path.resolve().is_relative_to(self._folder):
                raise WfmError(f"the samples of {path.name} lie outside of the folder: put them beside their metadata")
        return recording


def _facts(name: str, recording: Recording) -> dict:
    """time: seconds since 1970 of the first sample, freq in Hz; None where the recording does not say them."""
    time_ = recording.rx_time_at(0) if recording.samples else None
    return {
        "name": name,
        "time": None if time_ is None else time_[0] + time_[1],
        "seconds": recording.samples / recording.sample_rate,
        "samples": recording.samples,
        "sample_rate": recording.sample_rate,
        "freq": recording.center_freq_at(0) if recording.samples else None,
        "channels": recording.channels,
        "datatype": recording.datatype,
        "labels": sorted({mark.label[:_LONGEST_TEXT] for mark in recording.annotations if mark.label})[:20],
    }


def _mark_json(mark: Annotation) -> dict:
    lower, upper = (mark.fields.get(f"core:freq_{edge}_edge") for edge in ("lower", "upper"))
    return {
        "label": mark.label[:_LONGEST_TEXT],
        "comment": str(mark.fields.get("core:comment", ""))[:_LONGEST_TEXT],
        "sample_start": mark.sample_start,
        "sample_count": mark.sample_count,
        "lower": lower if lower is not None and upper is not None else None,
        "upper": upper if lower is not None and upper is not None else None,
    }
