# SPDX-License-Identifier: GPL-3.0-or-later
"""Narrow-band FM speech (ETSI EN 300 086, EN 300 296, TIA-603): hand-helds, base stations, marine, and repeaters.

Deviation up to 2.5 kHz (12.5 kHz channels: business radio, PMR446) or 5 kHz (25 kHz: amateurs, marine VHF), audio of
300 to 3000 Hz with 6 dB an octave of pre-emphasis and a limiter, sub-audible tone or code. 99 % of the power lie within
5 to 9 kHz, or 7 to 15 kHz, by how loud somebody speaks. Bare carrier before the first word and after the last.
"""

import numpy as np
from scipy import signal as dsp

from wfm_core.synth.signals.amateur.morse import elements, keyed
from wfm_core.synth.signals.content import call_sign, speech
from wfm_core.synth.signals.keying import filtered, frequency_modulated, ramped, smoothed
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission
from wfm_core.synth.signals.voice.subaudible import below_speech, closing, opening

SAMPLE_RATE = 24e3
WIDE_RATE = 40e3


def shaped(audio: np.ndarray, sample_rate: float, loudness: float) -> np.ndarray:
    """Speech as it meets the modulator, -1..1: band pass, pre-emphasis, limiter, low pass."""
    audio = filtered(audio, 300, 3000, sample_rate, 2)
    audio = dsp.lfilter([1, -0.96], [1], audio)
    audio = audio / (np.std(audio[np.abs(audio) > 1e-6]) + 1e-9) * loudness if np.any(audio) else audio
    return np.clip(filtered(np.tanh(audio), 0, 3100, sample_rate, 4), -1, 1)


def over(seconds: float, deviation: float, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Frequency (Hz) from key down to key up: carrier, perhaps tones, speech of `seconds`, carrier."""
    loudness = float(np.exp(rng.uniform(np.log(0.1), np.log(0.7))))
    words = speech(seconds, sample_rate, rng)
    words = words + 10 ** rng.uniform(-3.5, -1.5) * rng.standard_normal(len(words))
    pieces = [np.zeros(round(rng.uniform(0.05, 1.0) * sample_rate))]
    if rng.random() < 0.12:
        pieces += [rng.uniform(0.4, 0.8) * opening(sample_rate, rng), np.zeros(round(0.1 * sample_rate))]
    pieces += [shaped(words, sample_rate, loudness), np.zeros(round(rng.uniform(0.03, 0.7) * sample_rate))]
    if rng.random() < 0.12:
        pieces += [rng.uniform(0.3, 0.7) * closing(sample_rate, rng), np.zeros(round(0.03 * sample_rate))]
    audio = np.concatenate(pieces)
    frequency = audio * 0.88 * deviation + rng.uniform(0.08, 0.16) * deviation * below_speech(
        len(audio), sample_rate, rng
    )
    # The synthesiser settles within some milliseconds of key down.
    settling = np.exp(-np.arange(len(audio)) / sample_rate / rng.uniform(0.5e-3, 5e-3))
    return frequency + rng.choice([0.0, rng.uniform(-1500, 1500)]) * settling


def repeated(frequency: np.ndarray, deviation: float, seconds: float, sample_rate: float, rng) -> np.ndarray:
    """An over as a repeater sends it: noise when its input goes, a beep, a tail of carrier, at times its call sign."""
    noise = filtered(rng.standard_normal(round(rng.uniform(0.03, 0.2) * sample_rate)), 300, 3000, sample_rate)
    beep = closing(sample_rate, rng) if rng.random() < 0.6 else np.zeros(0)
    tail = np.zeros(round(rng.uniform(0.3, min(seconds + 0.5, 4.0)) * sample_rate))
    pieces = [frequency, np.clip(noise, -1, 1) * deviation, tail[: len(tail) // 4], 0.5 * deviation * beep, tail]
    if rng.random() < 0.3:
        key = _identity(sample_rate, rng)
        tone = np.sin(2 * np.pi * rng.uniform(600, 1200) * np.arange(len(key)) / sample_rate)
        pieces += [rng.uniform(0.15, 0.5) * deviation * key * tone, tail[: len(tail) // 2]]
    return np.concatenate(pieces)


def _identity(sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Envelope of a call sign in Morse code."""
    key = keyed(*elements(call_sign(rng)), 1.2 / rng.uniform(12, 25), sample_rate)
    return smoothed(key, 0.005, sample_rate)


def _nbfm(limit: float, sample_rate: float, through: bool, kind: str, seconds: float, rng) -> Transmission:
    deviation = limit * rng.uniform(0.85, 1.05)
    bursts = []
    for _ in range(1 if seconds < 1 else rng.integers(1, 3)):
        length = float(np.exp(rng.uniform(np.log(0.4), np.log(seconds + 1))))
        frequency = over(length, deviation, sample_rate, rng)
        if through:
            frequency = repeated(frequency, deviation, seconds, sample_rate, rng)
        edge = round(rng.uniform(0.5e-3, 8e-3) * sample_rate)
        bursts.append(ramped(frequency_modulated(frequency, sample_rate, rng.random()), edge))
    gaps = [round(rng.uniform(0.2, 2.5) * sample_rate) for _ in bursts]
    line = on_air(bursts, gaps, round(seconds * sample_rate), rng)
    return transmission(line, sample_rate, _bandwidth(line, sample_rate), kind)


def _bandwidth(line: np.ndarray, sample_rate: float) -> float:
    """By Carson's rule for speech of the deviation there is, whose power lies below 2.4 kHz (at least that of AM)."""
    on = np.abs(line[:-1]) * np.abs(line[1:]) > 0.25
    frequency = np.angle(line[1:] * line[:-1].conj())[on] * sample_rate / (2 * np.pi)
    return 2 * (1.7 * float(np.std(frequency)) + 1500.0) if len(frequency) else 3000.0


def narrow(seconds: float, rng: np.random.Generator) -> Transmission:
    """12.5 kHz channels."""
    return _nbfm(2500.0, SAMPLE_RATE, False, "nbfm-12k5", seconds, rng)


def wide(seconds: float, rng: np.random.Generator) -> Transmission:
    """25 kHz channels."""
    return _nbfm(5000.0, WIDE_RATE, False, "nbfm-25k", seconds, rng)


def repeater(seconds: float, rng: np.random.Generator) -> Transmission:
    """Repeaters of both spacings."""
    limit, rate = ((2500.0, SAMPLE_RATE), (5000.0, WIDE_RATE))[int(rng.integers(2))]
    return _nbfm(limit, rate, True, "repeater", seconds, rng)
