# SPDX-License-Identifier: GPL-3.0-or-later
"""The spectrogram: one definition for training, live, reports and summaries, and the scales that it is shown on.

Rows are time, columns frequency from -sample_rate/2 upwards. WFM Spectrogram computes the same in C++. Scales:

    power       abs(X)^2 of each transform X, as `spectrogram` gives it; means are taken of this
    decibels    of that, as WFM Spectrogram's rows have them
    dbfs        decibels over a full-scale tone
    relative    decibels over the mean bin of the whole spectrogram: free of the receiver's gain

All but `dbfs` are scriptable, all work on any device.
"""

import math

import torch
from torch import Tensor


def spectrogram(iq: Tensor, window: Tensor, hop: int) -> Tensor:
    """complex64 [..., T] -> float32 [..., (T - fft_size) // hop + 1, fft_size]: power.

    `window` [fft_size] is `hann(fft_size)`. Samples that fill no transform at the end are left out; raises `ValueError`
    where there is no whole transform.
    """
    fft_size = window.size(0)
    if iq.size(-1) < fft_size:
        raise ValueError(f"window of {iq.size(-1)} samples: a spectrogram needs fft_size {fft_size} or more")
    transforms = torch.fft.fft(iq.unfold(-1, fft_size, hop) * window)
    return torch.fft.fftshift(power_of(transforms), dim=-1)


def hann(fft_size: int) -> Tensor:
    """float32 [fft_size], periodic; its sum is fft_size / 2."""
    return torch.hann_window(fft_size, periodic=True)


def power_of(x: Tensor) -> Tensor:
    """complex64 -> float32: abs(x)^2."""
    return x.real.square() + x.imag.square()


def decibels(power: Tensor) -> Tensor:
    """-120 dB where there is nothing at all."""
    return 10 * torch.log10(power + 1e-12)


def relative(power: Tensor) -> Tensor:
    """float32 [..., rows, fft_size] in dB over the mean of all of them; -120 dB where there is nothing at all."""
    level = power.mean((-2, -1), keepdim=True).clamp(min=1e-30)
    return decibels(power / level)


def dbfs(power: Tensor) -> Tensor:
    """float32 [..., fft_size] in dB over a tone of full scale 1 in that bin."""
    return decibels(power) - full_scale_db(power.size(-1))


def full_scale_db(fft_size: int) -> float:
    """Decibels of a tone of full scale 1 in its bin: the window's sum."""
    return 20 * math.log10(fft_size / 2)
