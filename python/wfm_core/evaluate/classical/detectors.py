# SPDX-License-Identifier: GPL-3.0-or-later
"""Classical detectors: is there anything in a window? Beside them networks are measured.

All take windows complex64 [B, A, T] and give a number float32 [B] for each, larger where more speaks for a signal.
"""

import numpy as np
import torch
from torch import Tensor

from wfm_core.signal.spectrogram import hann, spectrogram

BINS, FLOOR = 32, 0.4
"""Of the spectrum that `cfar` looks at, and the share of its bins that are weaker than what it takes for noise."""
LAGS = 16
"""That the covariance of `eigenvalue` is of."""


def energy(iq: Tensor) -> Tensor:
    """The mean power (Urkowitz 1967): of use where the noise's is known, and no less than that is uncertain (Tandra and
    Sahai, SNR walls for signal detection, IEEE J. Sel. Topics Signal Process. 2 (1), 2008)."""
    return (iq.real.square() + iq.imag.square()).mean([1, 2])


def cfar(iq: Tensor) -> Tensor:
    """The strongest bin of the window's mean spectrum over one that is noise: whatever the noise's level is.

    Hann-windowed transforms of 32 samples, half over each other, without the window's constant; noise is the bin that
    40 % are weaker than (ordered statistics: Rohling, Radar CFAR thresholding in clutter and multiple target
    situations, IEEE Trans. Aerosp. Electron. Syst. 19 (4), 1983), which stays noise while signals fill less than half
    of the band, and beyond the edges where receivers roll off.
    """
    mean = spectrogram(_still(iq), hann(BINS), BINS // 2).mean([1, 2])
    floor = mean.sort(1)[0][:, int(FLOOR * BINS)]
    return mean.amax(1) / floor.clamp(min=1e-30)


def eigenvalue(iq: Tensor) -> Tensor:
    """The largest eigenvalue of the covariance of 16 samples in a row over the mean of all: 1 of white noise (Zeng and
    Liang, Eigenvalue-based spectrum sensing algorithms for cognitive radio, IEEE Trans. Commun. 57 (6), 2009)."""
    samples = iq.size(2)
    power = torch.fft.fft(_still(iq), 2 * samples).abs().square()
    lags = torch.fft.ifft(power).mean(1)[:, :LAGS] / samples
    step = torch.arange(LAGS)[:, None] - torch.arange(LAGS)
    covariance = torch.where(step >= 0, lags[:, step.abs()], lags[:, step.abs()].conj())
    values = torch.linalg.eigvalsh(covariance)
    return values[:, -1] / values.mean(1).clamp(min=1e-30)


def threshold(noise: Tensor, false_alarms: float) -> float:
    """The score that the share `false_alarms` of windows of noise exceeds."""
    return float(np.quantile(noise.numpy(), 1 - false_alarms))


def _still(iq: Tensor) -> Tensor:
    """Without the constant that receivers add."""
    return iq - iq.mean(2, keepdim=True)
