# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows inside the annotations of a recording, resampled where that is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
from scipy.signal import resample_poly

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.recording import Recording
from wfm_core.data.recordings.windows import check_samples, window_labels, window_starts

_LARGEST_FACTOR = 10_000
"""Rates whose ratio needs a larger up- or downsampling factor than this are not resampled."""
_RESAMPLED_LIMIT = 1 << 28
"""Samples of all channels of a stretch that is resampled, which is in memory as a whole."""
_BLOCK_VALUES = 1 << 22
"""Samples of all antennas in the windows that are in memory at a time."""


@dataclass(frozen=True)
class Cut:
    """Windows of one label out of one stretch [begin, end) of a recording, which has no break and is resampled by
    `ratio` as a whole; `starts` count samples after that."""

    recording: Recording
    label: str
    begin: int
    end: int
    ratio: Fraction
    starts: np.ndarray

    def windows(self, window: int, antennas: int) -> Iterator[np.ndarray]:
        """complex64 [n, antennas, window] for a few of `starts` at a time, in order, of the first channels."""
        recording, resampled = self.recording, None
        if self.ratio != 1:
            if (self.end - self.begin) * recording.channels > _RESAMPLED_LIMIT:
                raise WfmError(
                    f"{recording.meta_path}: {self.label!r} from sample {self.begin} on has {self.end - self.begin} "
                    f"samples of {recording.channels} channels, at most {_RESAMPLED_LIMIT} in all are resampled at "
                    "once; annotate it in pieces"
                )
            whole = self._read(self.begin, self.end - self.begin, antennas)
            resampled = resample_poly(whole, self.ratio.numerator, self.ratio.denominator, axis=1)
        step = max(1, _BLOCK_VALUES // (window * antennas))
        for first in range(0, len(self.starts), step):
            block = self.starts[first : first + step].tolist()
            if resampled is None:
                yield np.stack([self._read(self.begin + start, window, antennas) for start in block])
            else:
                yield np.stack([resampled[:, start : start + window] for start in block])

    def _read(self, start: int, count: int, antennas: int) -> np.ndarray:
        iq = self.recording.read(start, count)[:antennas]
        check_samples(self.recording, iq, start)
        return iq


def ratio_to(rate: float, recording: Recording) -> Fraction:
    """`rate` (Hz) over the recording's. Raises `WfmError` where only large factors have it."""
    exact = Fraction(rate) / Fraction(recording.sample_rate)
    ratio = exact.limit_denominator(_LARGEST_FACTOR)
    if ratio.numerator > _LARGEST_FACTOR or not ratio or abs(float(ratio / exact) - 1) > 1e-6:
        raise WfmError(
            f"{recording.meta_path} has {recording.sample_rate:.12g} Hz, which no ratio of whole numbers up to "
            f"{_LARGEST_FACTOR} brings to {rate:.12g} Hz; choose another rate with --resample"
        )
    return ratio


def cut_annotations(recording: Recording, names: list[str], window: int, hop: int, rate: float) -> Iterator[Cut]:
    """The stretches of labelled annotations between breaks, each with the windows that no other of them touches.

    `window` and `hop` (0: one window) are in samples at `rate` Hz; the first window starts with the stretch.
    """
    ratio = ratio_to(rate, recording)
    known = set(names)
    breaks = np.array(recording.breaks, np.int64)
    cuts: list[Cut] = []
    for annotation in recording.annotations:
        if annotation.label not in known:
            continue
        begin, last = annotation.sample_start, annotation.sample_start + annotation.sample_count
        inside = breaks[np.searchsorted(breaks, begin, "right") : np.searchsorted(breaks, last)].tolist()
        for first, end in pairwise([begin, *inside, last]):
            starts = window_starts(int((end - first) * ratio), window, hop)
            cuts.append(Cut(recording, annotation.label, first, end, ratio, starts))
    if not cuts:
        return
    # One look at all windows of the recording: its annotations may be as many.
    at_source = [cut.begin + cut.starts * ratio.denominator // ratio.numerator for cut in cuts]
    truth = window_labels(np.concatenate(at_source), int(window / ratio), recording.annotations, names)
    ends = np.cumsum([len(cut.starts) for cut in cuts])[:-1]
    for cut, own in zip(cuts, np.split(truth, ends), strict=True):
        yield replace(cut, starts=cut.starts[own >= 0])
