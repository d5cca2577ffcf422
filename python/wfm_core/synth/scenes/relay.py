# SPDX-License-Identifier: GPL-3.0-or-later
"""Narrow signals that went through a voice radio: received, their sound filtered, and put on a carrier once more.

So do repeaters, data sent by the microphone socket of a voice radio, and audio recordings that are played back. The
sound has no level at 0 Hz, is limited in width, and goes on as hiss where the transmitter is off; what modulates is as
loud as the operator made it. The sound of a voice radio begins at 300 Hz (TIA-603), that of its data socket at a few.
"""

from dataclasses import replace

import numpy as np
from scipy import signal as dsp

from wfm_core.synth.signals.transmission import Transmission, transmission

BY_FM = ("apt", "digital-voice", "morse", "nbfm", "packet", "pocsag", "radiosonde", "satellite", "sstv")
BY_SIDEBAND = ("morse", "packet", "rtty", "satellite", "sstv")
BY_AM = ("acars", "airband", "vor")
"""Classes that voice radios of each kind carry: what is FM itself, what fits a sideband, what has a carrier."""

_STEADY = 0.2  # deviation of the envelope over its mean, of what an FM receiver loses nothing of
_WIDEST = 45e3  # Hz
_VOICE, _SIDEBAND = 2e3, 3.4e3  # Hz: nothing narrower is FM, nothing wider fits a sideband
_LEAST_RATE = 24e3


def relayed(label: str, sent: Transmission, rng: np.random.Generator) -> Transmission:
    """A transmission of a class as a radio that received it sends it on; as it is where voice radios do not."""
    on = sent.samples != 0
    if sent.bandwidth > _WIDEST or not on.any():
        return sent
    envelope = np.abs(sent.samples[on])
    if label in BY_FM and sent.bandwidth > _VOICE and envelope.std() < _STEADY * envelope.mean():
        return _by_fm(sent, rng)
    if label in BY_SIDEBAND and sent.bandwidth < _SIDEBAND:
        return _by_sideband(sent, rng)
    return _by_am(sent, rng) if label in BY_AM else sent


def _by_fm(sent: Transmission, rng: np.random.Generator) -> Transmission:
    x, rate = _fast(sent, 4 * sent.bandwidth)
    # discriminators click, and hiss where there is nothing
    x = _with_hiss(x, rate, sent.bandwidth, rng.uniform(12, 35), 0.65 * sent.bandwidth, rng)
    own = np.angle(x[1:] * np.conj(x[:-1])) * (rate / (2 * np.pi))
    sound = _filtered(own, rate, 10 ** rng.uniform(0, 2.4), 0.5 * sent.bandwidth * rng.uniform(0.8, 2.0))
    loud = float(np.percentile(np.abs(sound), 99))
    deviation = np.percentile(np.abs(own - np.median(own)), 95) * np.exp(rng.normal(0, 0.4))
    deviation = float(np.clip(deviation, 300, 0.25 * rate))
    turns = np.cumsum(sound * (rng.choice((-1, 1)) * deviation / max(loud, 1e-9))) / rate
    return _again(np.exp(2j * np.pi * (turns - np.round(turns))), rate, sent)


def _by_sideband(sent: Transmission, rng: np.random.Generator) -> Transmission:
    x, rate = _fast(sent, _LEAST_RATE)
    width = rng.uniform(max(sent.bandwidth, 300), _SIDEBAND)
    place = rng.uniform(-0.5, 0.5) * (width - sent.bandwidth)
    x = x * np.exp(2j * np.pi * place / rate * np.arange(len(x)))
    return _again(_with_hiss(x, rate, sent.bandwidth, rng.uniform(5, 30), width / 2, rng), rate, sent)


def _by_am(sent: Transmission, rng: np.random.Generator) -> Transmission:
    x, rate = _fast(sent, 3 * sent.bandwidth)
    x = _with_hiss(x, rate, sent.bandwidth, rng.uniform(12, 35), 0.65 * sent.bandwidth, rng)
    sound = _filtered(np.abs(x), rate, 10 ** rng.uniform(0, 2), 0.6 * sent.bandwidth)
    loud = float(np.percentile(np.abs(sound), 99.5))
    return _again(1 + rng.uniform(0.5, 0.95) * sound / max(loud, 1e-9) + 0j, rate, sent)


def _fast(sent: Transmission, least: float) -> tuple[np.ndarray, float]:
    up = int(np.ceil(least / sent.sample_rate))
    return (dsp.resample_poly(sent.samples, up, 1) if up > 1 else sent.samples), sent.sample_rate * max(up, 1)


def _with_hiss(
    x: np.ndarray, rate: float, width: float, snr_db: float, edge: float, rng: np.random.Generator
) -> np.ndarray:
    """x with noise (snr_db below it in `width`), both within `edge` Hz of the middle."""
    noise = rng.standard_normal((len(x), 2)).view(np.complex128)[:, 0]
    x = x + noise * np.sqrt(0.5 * rate / width * 10 ** (-snr_db / 10))
    if edge >= 0.45 * rate:
        return x
    return dsp.sosfilt(dsp.butter(6, edge, fs=rate, output="sos"), x)


def _filtered(sound: np.ndarray, rate: float, low: float, high: float) -> np.ndarray:
    sound = sound - sound.mean()
    sound = dsp.sosfilt(dsp.butter(1, low, "highpass", fs=rate, output="sos"), sound)
    return dsp.sosfilt(dsp.butter(4, min(high, 0.45 * rate), fs=rate, output="sos"), sound)


def _again(x: np.ndarray, rate: float, sent: Transmission) -> Transmission:
    count = round(len(sent.samples) * rate / sent.sample_rate)
    x = np.concatenate([x, np.repeat(x[-1:], max(count - len(x), 0))])[:count]
    power = np.fft.fftshift(np.abs(np.fft.fft(x)) ** 2).cumsum()
    lower, upper = np.searchsorted(power, (0.005 * power[-1], 0.995 * power[-1]))
    again = transmission(x, rate, max((upper - lower) * rate / len(x), sent.bandwidth), sent.kind)
    return replace(again, bandwidth=min(again.bandwidth, rate))
