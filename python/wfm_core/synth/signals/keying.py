# SPDX-License-Identifier: GPL-3.0-or-later
"""From symbols and sound to complex samples: FSK with shaping, linear modulation, on-off keying, AM, FM, SSB."""

import numpy as np
from scipy import signal as dsp


def resampled(x: np.ndarray, count: int) -> np.ndarray:
    """x, real or complex [n], as `count` samples over the same time (band-limited; periodic at its ends)."""
    if len(x) == count:
        return x
    return dsp.resample(x, count)


def held(symbols: np.ndarray, symbol_rate: float, sample_rate: float) -> np.ndarray:
    """float64: each symbol for as long as it lasts, at any, also fractional, number of samples per symbol."""
    count = int(len(symbols) * sample_rate / symbol_rate)
    place = (np.arange(count) * (symbol_rate / sample_rate)).astype(np.int64)
    return np.asarray(symbols, np.float64)[np.minimum(place, len(symbols) - 1)]


def gaussian(x: np.ndarray, bandwidth: float, sample_rate: float) -> np.ndarray:
    """x through a Gaussian filter with its 3 dB point at `bandwidth` (Hz), of the same length."""
    sigma = np.sqrt(np.log(2)) / (2 * np.pi * bandwidth) * sample_rate
    reach = int(np.ceil(4 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-9)) ** 2)
    padded = np.pad(x, reach, mode="edge")
    return dsp.fftconvolve(padded, kernel / kernel.sum(), "valid")


def root_raised_cosine(symbol_rate: float, sample_rate: float, rolloff: float, reach: int = 8) -> np.ndarray:
    """Taps of `reach` symbols to each side, whose sum of squares is one symbol's samples."""
    per_symbol = sample_rate / symbol_rate
    t = np.arange(-int(reach * per_symbol), int(reach * per_symbol) + 1) / per_symbol
    t = np.where(np.abs(t) < 1e-9, 1e-9, t)
    edge = np.abs(np.abs(4 * rolloff * t) - 1) < 1e-6
    t = np.where(edge, t * (1 + 1e-5), t)
    top = np.sin(np.pi * t * (1 - rolloff)) + 4 * rolloff * t * np.cos(np.pi * t * (1 + rolloff))
    taps = top / (np.pi * t * (1 - (4 * rolloff * t) ** 2))
    return taps / np.sqrt(np.sum(taps**2) / per_symbol)


def linear(symbols: np.ndarray, symbol_rate: float, sample_rate: float, rolloff: float, reach: int = 8) -> np.ndarray:
    """Complex symbols, root-raised-cosine shaped: [(len + 2 reach) samples per symbol], symbols in the middle.

    sample_rate must be a multiple of symbol_rate.
    """
    per_symbol = round(sample_rate / symbol_rate)
    taps = root_raised_cosine(symbol_rate, per_symbol * symbol_rate, rolloff, reach)
    return dsp.upfirdn(taps, np.asarray(symbols), per_symbol)


def frequency_modulated(frequency: np.ndarray, sample_rate: float, phase: float = 0.0) -> np.ndarray:
    """complex128 of unit amplitude: `frequency` (Hz) at each sample."""
    cycles = np.cumsum(np.asarray(frequency, np.float64)) / sample_rate
    return np.exp(2j * np.pi * (cycles + phase))


def fsk(
    symbols: np.ndarray,
    symbol_rate: float,
    sample_rate: float,
    deviation: float,
    bandwidth_time: float | None = None,
    phase: float = 0.0,
) -> np.ndarray:
    """Continuous-phase FSK: symbols (+-1, or +-1 and +-1/3) times `deviation` (Hz), Gaussian filtered if asked."""
    frequency = held(symbols, symbol_rate, sample_rate) * deviation
    if bandwidth_time is not None:
        frequency = gaussian(frequency, bandwidth_time * symbol_rate, sample_rate)
    return frequency_modulated(frequency, sample_rate, phase)


def shaped_fsk(symbols, symbol_rate, sample_rate, deviation, taps: np.ndarray, phase: float = 0.0) -> np.ndarray:
    """FSK whose symbols (one impulse each) pass `taps` (peak 1 for a lone symbol); whole samples per symbol."""
    per_symbol = round(sample_rate / symbol_rate)
    frequency = dsp.upfirdn(taps, np.asarray(symbols, np.float64), per_symbol)
    delay = (len(taps) - 1) // 2
    frequency = frequency[delay : delay + len(symbols) * per_symbol] * deviation
    return frequency_modulated(frequency, sample_rate, phase)


def ramped(x: np.ndarray, samples: int) -> np.ndarray:
    """A burst whose first and last `samples` follow a raised cosine: as a transmitter is switched."""
    samples = min(samples, len(x) // 2)
    if samples < 1:
        return x
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / samples)
    shape = np.ones(len(x))
    shape[:samples], shape[-samples:] = ramp, ramp[::-1]
    return x * shape


def keyed(levels: np.ndarray, symbol_rate: float, sample_rate: float, edge: float = 0.0) -> np.ndarray:
    """Envelope of on-off keying, float64: levels 0..1, with edges that take `edge` seconds."""
    envelope = held(levels, symbol_rate, sample_rate)
    return smoothed(envelope, edge, sample_rate)


def smoothed(envelope: np.ndarray, edge: float, sample_rate: float) -> np.ndarray:
    """An envelope whose steps become raised cosines of `edge` seconds."""
    count = round(edge * sample_rate)
    if count < 2:
        return envelope
    kernel = np.hanning(count + 2)[1:-1]
    return np.clip(dsp.fftconvolve(envelope, kernel / kernel.sum(), "same"), 0.0, None)


def amplitude_modulated(audio: np.ndarray, depth: float) -> np.ndarray:
    """Carrier and both sidebands; audio -1..1."""
    return (1 + depth * audio).astype(np.complex128)


def single_sideband(audio: np.ndarray, upper: bool = True) -> np.ndarray:
    """The upper (or lower) sideband of a suppressed carrier at 0 Hz."""
    return dsp.hilbert(audio) if upper else np.conj(dsp.hilbert(audio))


def tones(frequencies: np.ndarray, sample_rate: float) -> np.ndarray:
    """float64: a sine of the given frequency (Hz) at each sample, of continuous phase: AFSK, SSTV."""
    return np.sin(2 * np.pi * np.cumsum(frequencies) / sample_rate)


def filtered(x: np.ndarray, low: float, high: float, sample_rate: float, order: int = 4) -> np.ndarray:
    """x, real, through a Butterworth band pass of `low` to `high` Hz (low 0: a low pass)."""
    high = min(high, 0.45 * sample_rate)
    band = high if low <= 0 else (low, high)
    sections = dsp.butter(order, band, "lowpass" if low <= 0 else "bandpass", fs=sample_rate, output="sos")
    return dsp.sosfilt(sections, x)
