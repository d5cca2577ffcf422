# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains of pulses with the edges of real transmitters, at any fraction of a sample."""

import numpy as np
from scipy import signal as dsp

_DENSE = 4


def pulses(starts: np.ndarray, widths, sample_rate: float, rise: float, fall: float) -> np.ndarray:
    """float64: an envelope of 0 to 1 that begins one sample before t = 0, band-limited to `sample_rate`.

    starts, widths: s, between half amplitudes, in order. Edges are raised cosines of `rise` and `fall` seconds.
    """
    starts = np.asarray(starts, np.float64)
    ends = starts + widths
    count = int(np.ceil((ends[-1] + fall) * sample_rate)) + 2
    time = (np.arange(count * _DENSE) / _DENSE - 1) / sample_rate
    # Edges in order; where pulses touch there is neither fall nor rise.
    times = np.stack([starts, ends], 1).ravel()
    places = np.searchsorted(times, time) - 1
    behind = _edge(np.clip(places, 0, len(times) - 1), times, time, rise, fall)
    ahead = _edge(np.clip(places + 1, 0, len(times) - 1), times, time, rise, fall)
    # Within a pulse both edges limit it; between pulses each contributes its own tail.
    envelope = np.where(places % 2 == 0, np.minimum(behind, ahead), np.maximum(behind, ahead))
    return dsp.resample_poly(envelope, 1, _DENSE, window=("kaiser", 5.0))[:count]


def _edge(nearest: np.ndarray, times: np.ndarray, time: np.ndarray, rise: float, fall: float) -> np.ndarray:
    rising = nearest % 2 == 0
    phase = np.clip((time - times[nearest]) / np.where(rising, rise, fall) + 0.5, 0, 1)
    edge = 0.5 - 0.5 * np.cos(np.pi * phase)
    return np.where(rising, edge, 1 - edge)


def chips(levels: np.ndarray, chip_rate: float, sample_rate: float, rise: float, fall: float, start: float = 0.0):
    """float64: `pulses` of a sequence of 0 and 1, the first of which begins `start` seconds after t = 0."""
    change = np.diff(np.concatenate([[0], np.asarray(levels, np.int64), [0]]))
    begin, end = np.flatnonzero(change == 1) / chip_rate, np.flatnonzero(change == -1) / chip_rate
    return pulses(begin + start, end - begin, sample_rate, rise, fall)
