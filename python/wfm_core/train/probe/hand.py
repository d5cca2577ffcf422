# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand-made features: what a forest is given in place of a foundation's."""

import numpy as np

LAGS = (1, 2, 4, 8, 16)


def image_features(values: np.ndarray, rows_too: bool = False) -> np.ndarray:
    """Images float32 [N, C, H, W] -> float32 [N, F]: means and spreads of the rows, how fast they change along the last
    axis, and the spectrum of the mean over the rows; `rows_too` adds means, maxima and spreads of the columns.

    Rows are subcarriers and columns packets of CSI; of spectrograms rows are time, so that columns matter too.
    """
    steps = np.abs(np.diff(values, axis=3))
    motion = values.mean(2) - values.mean((2, 3))[..., None]
    spectrum = np.abs(np.fft.rfft(motion, axis=2))[..., 1:33]
    parts = [values.mean(3), values.std(3), steps.mean(3), spectrum]
    if rows_too:
        parts += [values.mean(2), values.max(2), values.std(2)]
    return np.concatenate([part.reshape(len(values), -1) for part in parts], axis=1).astype(np.float32)


def csi_features(amplitude: np.ndarray) -> np.ndarray:
    """CSI amplitudes float32 [N, antennas, subcarriers, packets] -> float32 [N, F]; each window over its own RMS."""
    level = np.sqrt((amplitude**2).mean((1, 2, 3), keepdims=True)).clip(1e-9)
    return image_features(amplitude / level)


def iq_features(iq: np.ndarray) -> np.ndarray:
    """IQ windows complex64 [N, A, T] -> float32 [N, F], of each antenna.

    Moments of order 1 to 6 of the window of unit power, as modulation recognition takes them (Swami and Sadler 2000),
    autocorrelation, steps of phase and of amplitude, log spectra of the signal and of its second and fourth power.
    """
    x = iq / np.sqrt((np.abs(iq) ** 2).mean(2, keepdims=True)).clip(1e-12)
    a = np.abs(x)
    moments = [np.abs((x**p).mean(2)) for p in (2, 4, 6)] + [(a**p).mean(2) for p in (1, 3, 4, 6)]
    moments += [np.abs((x**3 * x.conj()).mean(2)), np.abs((x**4 * x.conj() ** 2).mean(2))]
    lags = [(x[..., lag:] * x[..., :-lag].conj()).mean(2) for lag in LAGS]
    turn = np.angle(x[..., 1:] * x[..., :-1].conj())
    steps = [turn.mean(2), turn.std(2), np.abs(turn).mean(2), np.diff(a, axis=2).std(2), a.std(2), a.max(2)]
    flat = np.stack([*moments, *(one.real for one in lags), *(one.imag for one in lags), *steps], axis=2)
    spectra = [_spectrum(x**power, 32) for power in (1, 2, 4)]
    return np.concatenate([part.reshape(len(x), -1) for part in (flat, *spectra)], axis=1).astype(np.float32)


def _spectrum(x: np.ndarray, bins: int) -> np.ndarray:
    """log10 of the mean power in `bins` bins and, over them, of the strongest line, [N, A, bins + 1]."""
    power = np.abs(np.fft.fft(x * np.hanning(x.shape[-1]))) ** 2
    power = power / power.mean(-1, keepdims=True).clip(1e-12)
    binned = power[..., : power.shape[-1] // bins * bins].reshape(*power.shape[:-1], bins, -1).mean(-1)
    return np.log10(np.concatenate([binned, power.max(-1, keepdims=True)], axis=-1) + 1e-6)
