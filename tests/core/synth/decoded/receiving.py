# SPDX-License-Identifier: GPL-3.0-or-later
"""From complex samples to what the sound card of a decoding program would get, and running such a program."""

import subprocess

import numpy as np
from scipy import signal as dsp


def noisy(x: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    return x + noise * (rng.standard_normal(len(x)) + 1j * rng.standard_normal(len(x)))


def between_silence(x: np.ndarray, sample_rate: float, seconds: float = 0.3) -> np.ndarray:
    quiet = np.zeros(round(seconds * sample_rate), np.complex128)
    return np.concatenate([quiet, x, quiet])


def discriminated(x: np.ndarray, sample_rate: float, audio_rate: float, rng, noise: float = 0.02) -> np.ndarray:
    """Frequency in Hz at each sample of `audio_rate`, of an FM receiver with some noise."""
    x = dsp.resample(x, round(len(x) * audio_rate / sample_rate))
    x = noisy(x, noise, rng)
    return np.angle(x[1:] * x[:-1].conj()) * audio_rate / (2 * np.pi)


def sideband_audio(x: np.ndarray, sample_rate: float, audio_rate: float, dial: float, rng, noise=0.02) -> np.ndarray:
    """Sound of a receiver of the upper sideband, tuned `dial` Hz below 0."""
    x = noisy(dsp.resample(x, round(len(x) * audio_rate / sample_rate)), noise, rng)
    return (x * np.exp(2j * np.pi * dial / audio_rate * np.arange(len(x)))).real


def sixteen_bits(audio: np.ndarray, full_scale: float) -> np.ndarray:
    return np.clip(np.round(audio / full_scale * 32767), -32767, 32767).astype("<i2")


def printed(*command, timeout: float = 120) -> str:
    """What a program prints, on both streams."""
    run = subprocess.run(list(map(str, command)), capture_output=True, timeout=timeout, check=False)
    return (run.stdout + run.stderr).decode(errors="replace")


def tell(label: str, kind: str, program: str, decoded: int, sent: int, least: float = 0.9) -> None:
    print(f"decoded: {label}/{kind} by {program}: {decoded} of {sent}")
    assert decoded >= least * sent
