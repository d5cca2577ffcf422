# SPDX-License-Identifier: GPL-3.0-or-later
"""One signal out of a band: shifted to zero, filtered, and resampled to a fixed multiple of its bandwidth.

gr-wfm/lib/finder/extraction.cc does the same, with the same filters.
"""

import numpy as np
from scipy import signal as dsp

RATE_OVER_BANDWIDTH = 2.0
MOST_SECONDS = 2.0
MOST_SAMPLES = 1 << 20
MOST_DENOMINATOR = 128
"""Of the ratio of the rates: the rate is RATE_OVER_BANDWIDTH times the bandwidth within 1 %."""

_FLAT = 1.5  # of the bandwidth, about the middle: the edges that a finder gives are not exact
_STOP = 1.9
_BETA = 5.653  # Kaiser's window with 60 dB of attenuation
_WIDTH = (60 - 7.95) / (2.285 * 2 * np.pi)  # of its transition, in cycles a sample, times the number of taps
_COARSE = 5.0  # bandwidths that the rate keeps when a band is first decimated by a whole number
_COARSE_TAPS = 4  # on either side, in samples of the decimated rate


def extract(
    samples: np.ndarray,
    sample_rate: float,
    lower: float,
    upper: float,
    start: int,
    count: int,
    most: int = MOST_SAMPLES,
) -> tuple[np.ndarray, float]:
    """The signal between `lower` and `upper` in samples [start, start + count) of a band.

    samples: complex64 [n] of the band at `sample_rate` (Hz). lower, upper: Hz from the middle of the band. Returns
    complex64 [m] about 0 Hz, its sample k at the time of sample start + k * sample_rate / rate of the band, and its
    rate in Hz: RATE_OVER_BANDWIDTH times the bandwidth within 1 %. At most MOST_SECONDS and `most` samples of it are
    taken, from its begin; m is 0 where nothing of it lies in the band's samples.

    It is flat (within 0.02 dB) over 1.5 times the bandwidth, about its middle, and 60 dB down beside 1.9 times. What
    the band does not hold, beside its edges, is absent and not folded in from its other edge. What lies before and
    after the signal's samples counts as zeros, and so do values that are not finite.
    """
    bandwidth = max(upper - lower, sample_rate * 1e-6)
    step = max(int(sample_rate / (_COARSE * bandwidth)), 1)
    coarse_rate = sample_rate / step
    up, down = _ratio(RATE_OVER_BANDWIDTH * bandwidth / coarse_rate)
    rate = coarse_rate * up / down
    begin, end = max(start, 0), min(start + count, len(samples))
    end = min(end, begin + int(min(MOST_SECONDS, most / rate) * sample_rate) + 1)
    if end <= begin:
        return np.zeros(0, np.complex64), rate

    middle = 0.5 * (lower + upper)
    reach = 0.25 * (_FLAT + _STOP) * bandwidth
    lowest, highest = max(middle - reach, -0.5 * sample_rate), min(middle + reach, 0.5 * sample_rate)
    kept = 0.5 * (lowest + highest)
    x = np.nan_to_num(samples[begin:end].astype(np.complex64), nan=0.0, posinf=0.0, neginf=0.0)
    x = x * _tone(-kept / sample_rate, len(x))
    if step > 1:
        x = _resampled(x, 1, step, _lowpass(0.5 / step, _COARSE_TAPS * step))
    transition = 0.5 * (_STOP - _FLAT) * bandwidth / coarse_rate
    half = int(np.ceil(0.5 * _WIDTH / transition * up))
    x = _resampled(x, up, down, _lowpass(0.5 * (highest - lowest) / (coarse_rate * up), half))[:most]
    if kept != middle:
        x = x * _tone((kept - middle) / rate, len(x))
    return x.astype(np.complex64), rate


def _ratio(value: float) -> tuple[int, int]:
    """The nearest fraction with a denominator of MOST_DENOMINATOR at most, in lowest terms."""
    down = np.arange(1, MOST_DENOMINATOR + 1)
    up = np.maximum(np.floor(value * down + 0.5), 1)
    nearest = int(np.argmin(np.abs(up / down - value)))
    return int(up[nearest]), int(down[nearest])


def _resampled(x: np.ndarray, up: int, down: int, taps: np.ndarray) -> np.ndarray:
    """x at up / down times its rate, without the delay of the filter (odd, at up times the rate of x)."""
    half = len(taps) // 2
    ahead = -half % down
    delayed = dsp.upfirdn(np.concatenate([np.zeros(ahead, np.float32), taps * np.float32(up)]), x, up, down)
    first = (half + ahead) // down
    return delayed[first : first - (-len(x) * up // down)]


def _lowpass(cutoff: float, half: int) -> np.ndarray:
    """float32 [2 * half + 1]: half of the amplitude at `cutoff` (cycles a sample), 1 at 0 Hz."""
    return dsp.firwin(2 * half + 1, 2 * cutoff, window=("kaiser", _BETA)).astype(np.float32)


def _tone(frequency: float, count: int) -> np.ndarray:
    """exp(2j pi frequency k), complex64, its phase reduced in double precision."""
    turns = frequency * np.arange(count)
    return np.exp(2j * np.pi * (turns - np.round(turns))).astype(np.complex64)
