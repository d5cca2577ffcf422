# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the energy of a whole recording is: the box of what leaves no place in it to see the noise.

A packet that fills its file, or a carrier that fills the band, has nothing beside it that a finder's floor could be
taken from. Its box is that of most of the energy, in frequency and in time; whether that is a signal, or noise alone,
its model says.
"""

import numpy as np
from scipy import fft

_ROWS = 256


def energy_box(samples: np.ndarray, sample_rate: float, share: float = 0.99) -> tuple[int, int, float, float, float]:
    """(start, count, lower, upper, snr_db) of complex64 [n >= 1] at `sample_rate`; edges in Hz from the band's middle.

    share: of the energy, in time and in frequency.

    snr_db is over what lies beside the edges, or 0 where nothing does, at most 60. Values that are not finite count as
    zeros.
    """
    x = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    count = len(x)
    size = int(np.clip(1 << int(np.log2(max(count / 8, 16))), 16, 1024))
    x = np.pad(x, (0, max(size - count, 0)))
    starts = np.unique(np.linspace(0, len(x) - size, min(_ROWS, max(2 * len(x) // size, 1))).astype(int))
    rows = x[starts[:, None] + np.arange(size)] * np.hanning(size + 2)[1:-1].astype(np.float32)
    power = np.abs(fft.fftshift(fft.fft(rows, axis=1), axes=1)) ** 2
    lower, upper = _middle(power.sum(0), share)
    first, last = _middle(power.sum(1), share)
    if first == 0 and last == len(starts):
        begin, end = 0, count
    else:
        begin, end = int(starts[first]), min(int(starts[last - 1]) + size, count)
    spectrum = power[first:last].mean(0)
    beside = np.concatenate([spectrum[:lower], spectrum[upper:]])
    noise = beside.mean() if len(beside) else spectrum.mean()
    ratio = (spectrum[lower:upper].mean() - noise) / max(noise, 1e-30)
    edges = [-sample_rate / 2 + edge * sample_rate / size for edge in (lower, upper)]
    return begin, max(end - begin, 1), *edges, float(np.clip(10 * np.log10(max(ratio, 1.0)), 0, 60))


def _middle(energy: np.ndarray, share: float) -> tuple[int, int]:
    """First and last + 1 place of those that hold `share` of the energy; all where there is none."""
    total = np.cumsum(energy)
    if not total[-1] > 0:
        return 0, len(energy)
    rest = 0.5 * (1 - share) * total[-1]
    first = int(np.searchsorted(total, rest, side="right"))
    return first, max(int(np.searchsorted(total, total[-1] - rest)) + 1, first + 1)
