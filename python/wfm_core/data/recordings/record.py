# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording as every reader sees it, whatever kind of file it came in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.files import open_file
from wfm_core.data.recordings.analytic import analytic
from wfm_core.data.recordings.captures import Capture, Timeline
from wfm_core.data.recordings.sample_format import SampleFormat, sample_format

MOST_CHANNELS = 64
HIGHEST_RATE = 1e12
"""Hz, of SigMF."""
LONGEST_SECONDS = 1e12


@dataclass(frozen=True)
class Annotation:
    """`sample_count` samples from `sample_start` on carry `label` ("" where the metadata gives none); `fields` is the
    annotation as the metadata has it."""

    sample_start: int
    sample_count: int
    label: str
    fields: Mapping = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class SampleFile:
    """One file of interleaved samples: `channels` of SigMF's `datatype`, after `header_bytes` of something else."""

    path: Path
    datatype: str
    channels: int
    header_bytes: int

    @property
    def format(self) -> SampleFormat:
        return sample_format(self.datatype)

    def read(self, start: int, count: int) -> np.ndarray:
        """Samples [start, start + count) as complex64 [channels, count]; real ones get Q = 0.

        Raises `WfmError` where the file does not have them any more. Read and not mapped: what is cut off a mapped file
        ends the process (SIGBUS).
        """
        form, wanted = self.format, count * self.channels * self.format.parts
        begin = self.header_bytes + start * self.channels * form.bytes
        try:
            with open_file(self.path) as stream:
                values = np.fromfile(stream, form.component, wanted, offset=begin)
        except OSError as error:
            raise WfmError(f"{self.path} cannot be read any more ({error.strerror}): get it again") from error
        if len(values) < wanted:
            raise WfmError(f"{self.path} was cut while it was read: sample {start + count - 1} is gone; get it again")
        return form.to_complex(values.reshape(count, self.channels, form.parts)).T


@dataclass(frozen=True)
class Recording:
    """Metadata and data that agree; `samples` is per channel, `sample_rate` in Hz.

    `meta_path` is the file that was named, or its metadata; `files` hold the channels, those of each after those of
    the one before. Real samples are made analytic.
    """

    meta_path: Path
    files: tuple[SampleFile, ...]
    sample_rate: float
    samples: int
    captures: tuple[Capture, ...]
    annotations: tuple[Annotation, ...]

    @property
    def channels(self) -> int:
        return sum(file.channels for file in self.files)

    @property
    def datatype(self) -> str:
        return self.files[0].datatype

    @property
    def data_path(self) -> Path:
        """The file of the first channel."""
        return self.files[0].path

    @property
    def header_bytes(self) -> int:
        return self.files[0].header_bytes

    @property
    def is_real(self) -> bool:
        """Does any channel hold real samples?"""
        return any(file.format.parts == 1 for file in self.files)

    def read(self, start: int, count: int) -> np.ndarray:
        """Samples [start, start + count) as complex64 [channels, count], full scale 1.0.

        Raises `WfmError` for a file that has become shorter since it was opened.
        """
        if start < 0 or count < 0 or start + count > self.samples:
            raise ValueError(f"samples {start} to {start + count} asked for, the recording has 0 to {self.samples}")
        parts = [
            file.read(start, count) if file.format.parts == 2 else analytic(file.read, start, count, self.samples)
            for file in self.files
        ]
        return np.ascontiguousarray(parts[0] if len(parts) == 1 else np.concatenate(parts))

    @cached_property
    def timeline(self) -> Timeline:
        return Timeline(self.captures, self.sample_rate, self.samples)

    def center_freq_at(self, sample: int) -> float | None:
        """The frequency in Hz of `sample`; None where its capture states none."""
        return self.timeline.center_freq_at(sample)

    def rx_time_at(self, sample: int) -> tuple[int, float] | None:
        """The UTC time (whole seconds, fraction) of `sample`; None where its capture states none."""
        return self.timeline.rx_time_at(sample)

    @property
    def breaks(self) -> list[int]:
        """Samples that no window may reach across, ascending: see `Timeline`."""
        return self.timeline.breaks
