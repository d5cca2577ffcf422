# SPDX-License-Identifier: GPL-3.0-or-later
"""One signal out of a band: shifted to zero, filtered, and resampled to a fixed multiple of its bandwidth."""

import numpy as np
from scipy import fft
from scipy import signal as dsp

RATE_OVER_BANDWIDTH = 2.0
MOST_SECONDS = 2.0
MOST_SAMPLES = 1 << 20
_FLAT = 1.5  # of the bandwidth, about the middle: the edges that a finder gives are not exact
_STOP = 1.9


def extract(
    samples: np.ndarray, sample_rate: float, lower: float, upper: float, start: int, count: int
) -> tuple[np.ndarray, float]:
    """The signal between `lower` and `upper` (Hz from the middle of the band) in samples [start, start + count).

    samples: complex64 [n] of the band. Returns complex64 [m] about 0 Hz and its rate, RATE_OVER_BANDWIDTH times the
    bandwidth, in Hz; at most MOST_SECONDS and MOST_SAMPLES of it, from its begin. What lies beside 1.5 times the
    bandwidth fades out, and is 60 dB down at 1.9 times. Values that are not finite count as zeros.
    """
    bandwidth = max(upper - lower, sample_rate * 1e-6)
    rate = RATE_OVER_BANDWIDTH * bandwidth
    count = min(count, len(samples) - start, int(min(MOST_SECONDS, MOST_SAMPLES / rate) * sample_rate) + 1)
    crop = np.nan_to_num(samples[start : start + count], nan=0.0, posinf=0.0, neginf=0.0)
    middle = 0.5 * (lower + upper) / sample_rate
    step = max(int(sample_rate / (2.5 * rate)), 1)
    if step > 1:
        # Far narrower than the band: a polyphase filter first, so that the long transform is a short one.
        crop = crop * _tone(-middle, count)
        crop = dsp.resample_poly(crop, 1, step, window=("kaiser", 6.0)).astype(np.complex64)
        sample_rate, middle = sample_rate / step, 0.0
    return _by_transform(crop, sample_rate, middle, bandwidth, rate), rate


def _by_transform(x: np.ndarray, sample_rate: float, middle: float, bandwidth: float, rate: float) -> np.ndarray:
    """x about `middle` (of its rate) at `rate`. Zeros at the end keep its two ends from meeting."""
    margin = min(64 + int(4 * sample_rate / bandwidth), 8 * len(x) + 64)
    count = fft.next_fast_len(len(x) + margin)
    out = max(round(count * rate / sample_rate), 1)
    bins = fft.fft(x, count)
    place = fft.fftfreq(out, 1 / out).astype(np.int64)
    frequency = np.abs(place) * (sample_rate / count)
    kept = frequency < 0.5 * _STOP * bandwidth
    source = place + round(middle * count)
    # What a receiver's band does not hold is zero, not folded in from its other edge.
    kept &= (source >= -(count // 2)) & (source < count - count // 2)
    edge = np.clip((frequency - 0.5 * _FLAT * bandwidth) / (0.5 * (_STOP - _FLAT) * bandwidth), 0, 1)
    taken = np.where(kept, bins[source % count] * (np.cos(edge * np.pi / 2) ** 2), 0).astype(np.complex64)
    resampled = fft.ifft(taken, overwrite_x=True) * np.float32(out / count)
    return resampled[: max(round(len(x) * rate / sample_rate), 1)].astype(np.complex64)


def _tone(frequency: float, count: int) -> np.ndarray:
    """exp(2j pi frequency k), complex64, its phase reduced in double precision."""
    turns = frequency * np.arange(count)
    return np.exp(2j * np.pi * (turns - np.round(turns))).astype(np.complex64)
