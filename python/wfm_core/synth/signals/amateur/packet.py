# SPDX-License-Identifier: GPL-3.0-or-later
"""Packet radio: AFSK of 1200 bit/s (Bell 202) in FM, FSK of 9600 bit/s (G3RUH), and HF AFSK of 300 bit/s.

1200: tones of 1200 and 2200 Hz in FM of 2 to 4 kHz deviation, 8.5 to 10.5 kHz wide, 144.39, 144.8 and 145.825 MHz.
9600: scrambled FSK of about 3 kHz, 11.5 kHz wide, amateur UHF and satellites. 300: shift of 200 Hz in a sideband,
560 Hz wide, shortwave.
"""

import numpy as np
from scipy import signal as dsp

from wfm_core.synth.signals.amateur import ax25
from wfm_core.synth.signals.bits import nrzi, scrambled
from wfm_core.synth.signals.keying import filtered, frequency_modulated, fsk, held, ramped, tones
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

FM_RATE = 24e3
SLOW_RATE = 2400.0
FAST_RATE = 38400.0


def audio_1200(bits: np.ndarray, sample_rate: float, mark: float = 1200.0, space: float = 2200.0) -> np.ndarray:
    """Tones for bits as they are on the line (mark is 1), -1..1."""
    return tones(np.where(held(bits, 1200.0, sample_rate) > 0.5, mark, space), sample_rate)


def in_fm(audio: np.ndarray, sample_rate: float, deviation: float, before: float, after: float) -> np.ndarray:
    """Audio of -1..1 in FM, with bare carrier of so many seconds before and after it."""
    lead, tail = round(before * sample_rate), round(after * sample_rate)
    return ramped(frequency_modulated(np.pad(audio, (lead, tail)) * deviation, sample_rate), min(lead, tail, 96))


def emphasised(audio: np.ndarray, sample_rate: float) -> np.ndarray:
    """6 dB an octave up to 3 kHz, as FM voice transmitters do; peaks of 1."""
    audio = filtered(dsp.lfilter([1, -0.95], [1], audio), 0, 3000, sample_rate, 2)
    return audio / np.abs(audio).max()


def afsk(frames: list[bytes], flags: int, sample_rate: float = FM_RATE) -> np.ndarray:
    return audio_1200(nrzi(ax25.line_bits(frames, flags, 3)), sample_rate)


def afsk_1200(seconds: float, rng: np.random.Generator) -> Transmission:
    """Stations that report now and then, at times repeated at once by a digipeater."""
    emphasis, deviation = rng.random() < 0.5, rng.uniform(1.8, 4.5) * 1e3
    bursts = []
    for _ in range(rng.integers(1, 3)):
        flags = int(1200 / 8 * rng.uniform(0.05, 0.6))
        audio = afsk(ax25.any_frames(rng), flags)
        audio = emphasised(audio, FM_RATE) if emphasis else audio
        bursts.append(in_fm(audio, FM_RATE, deviation, rng.choice([0.004, rng.uniform(0.004, 0.2)]), 0.01))
    gaps = [round(rng.uniform(0.2, 3) * FM_RATE) for _ in bursts]
    bandwidth = 10.5e3 if deviation > 3.2e3 else 8.5e3
    return _sent(bursts, gaps, FM_RATE, bandwidth, "afsk1200", seconds, rng)


def g3ruh(frames: list[bytes], flags: int, state: int = 0) -> np.ndarray:
    """Bits on the air, scrambled by x^17 + x^12 + 1."""
    return scrambled(nrzi(ax25.line_bits(frames, flags, 6)), (12, 17), state)


def modulated_9600(bits: np.ndarray, deviation: float, cutoff: float) -> np.ndarray:
    frequency = filtered((2.0 * held(bits, 9600.0, FAST_RATE) - 1) * deviation, 0, cutoff, FAST_RATE, 4)
    lead = np.zeros(96)
    return ramped(frequency_modulated(np.concatenate([lead, frequency, lead]), FAST_RATE), 64)


def fsk_9600(seconds: float, rng: np.random.Generator) -> Transmission:
    """Terrestrial links and satellites."""
    deviation, cutoff = rng.uniform(2.2, 3.6) * 1e3, rng.uniform(4800, 7500)
    bursts = []
    for _ in range(rng.integers(1, 4)):
        flags = int(9600 / 8 * rng.uniform(0.03, 0.5))
        frames = [frame for _ in range(rng.integers(1, 4)) for frame in ax25.any_frames(rng)]
        bursts.append(modulated_9600(g3ruh(frames, flags, int(rng.integers(1 << 17))), deviation, cutoff))
    gaps = [round(rng.uniform(0.05, 2) * FAST_RATE) for _ in bursts]
    return _sent(bursts, gaps, FAST_RATE, 11.5e3, "fsk9600", seconds, rng)


def hf_300(seconds: float, rng: np.random.Generator) -> Transmission:
    """Shortwave: long frames, seconds each."""
    shift = 200 * rng.uniform(0.97, 1.03)
    bursts = []
    for _ in range(rng.integers(1, 3)):
        bits = nrzi(ax25.line_bits(ax25.any_frames(rng), int(300 / 8 * rng.uniform(0.2, 0.8)), 2))
        bursts.append(modulated_300(bits, shift))
    gaps = [round(rng.uniform(0.2, 4) * SLOW_RATE) for _ in bursts]
    return _sent(bursts, gaps, SLOW_RATE, 560.0, "hf300", seconds, rng)


def modulated_300(bits: np.ndarray, shift: float = 200.0) -> np.ndarray:
    """Line bits about 0 Hz; the lower tone is the mark."""
    return ramped(fsk(1 - 2.0 * bits, 300.0, SLOW_RATE, shift / 2), 24)


def _sent(bursts, gaps, sample_rate, bandwidth, kind, seconds, rng) -> Transmission:
    rate = sample_rate * (1 + rng.uniform(-20e-6, 20e-6))
    line = on_air(bursts, gaps, round(seconds * rate), rng)
    return transmission(line, rate, bandwidth, kind)
