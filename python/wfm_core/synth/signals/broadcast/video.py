# SPDX-License-Identifier: GPL-3.0-or-later
"""Analogue television (ITU-R BT.470, BT.1700), as FM links of drones have it and as broadcast."""

import numpy as np
from scipy import fft
from scipy import signal as dsp

from wfm_core.synth.signals.content import picture, programme
from wfm_core.synth.signals.keying import frequency_modulated
from wfm_core.synth.signals.transmission import Transmission, transmission


def composite(seconds: float, rate: float, pal: bool, rng: np.random.Generator) -> np.ndarray:
    """float64 in -0.3..1: lines with sync, colour burst and picture; equalising and broad pulses between fields."""
    line_rate, lines, subcarrier = (15625.0, 312.5, 4.43361875e6) if pal else (15734.26, 262.5, 3.579545e6)
    count = int(seconds * rate)
    t = np.arange(count) / rate + rng.random() * 0.04
    line = t * line_rate
    inside = (line % 1.0) / line_rate
    field = line % lines
    image = picture(96, 128, rng)
    row = np.clip((field - 20) / (lines - 20) * 96, 0, 95).astype(int)
    column = np.clip((inside - 10.5e-6) / 52e-6 * 128, 0, 127).astype(int)
    red, green, blue = (image[row, column, channel] for channel in range(3))
    luma = 0.3 * red + 0.59 * green + 0.11 * blue
    phase = 2 * np.pi * subcarrier * t
    chroma = 0.49 * (blue - luma) * np.sin(phase) + 0.88 * (red - luma) * np.cos(phase)
    active = (inside > 10.5e-6) & (inside < 62.5e-6) & (field > 20)
    video = np.where(active, 0.7 * luma + 0.5 * chroma * (rng.random() < 0.9), 0.0)
    burst = (inside > 5.6e-6) & (inside < 7.9e-6) & (field > 9)
    video = np.where(burst, 0.15 * np.sin(phase + 2.4), video)
    video = np.where(inside < 4.7e-6, -0.3, video)
    half = (line % 0.5) / line_rate
    broad = field < 3
    video = np.where(broad, np.where(half < 0.5 / line_rate - 4.7e-6, -0.3, 0.0), video)
    equalising = (field >= 3) & (field < 6)
    return np.where(equalising, np.where(half < 2.3e-6, -0.3, 0.0), video)


def fm_video(seconds: float, rng: np.random.Generator) -> Transmission:
    """A drone's analogue video: FM of 3 to 8 MHz, sound on 6.0 or 6.5 MHz or none."""
    rate = 40e6
    pal = rng.random() < 0.5
    video = composite(seconds, rate, pal, rng)
    video = dsp.sosfilt(dsp.butter(3, 5e6, fs=rate, output="sos"), video)
    if rng.random() < 0.5:
        sound = frequency_modulated(50e3 * programme(seconds, rate, rng)[: len(video)], rate).real
        tone = float(rng.choice([6.0e6, 6.5e6]))
        carrier = np.cos(2 * np.pi * tone / rate * np.arange(len(video)) + np.pi * (1 - sound))
        video = video + 0.08 * carrier
    swing = rng.uniform(2.5e6, 7e6)
    sign = 1 if rng.random() < 0.7 else -1
    frequency = sign * swing * (video - 0.3)
    sent = frequency_modulated(frequency, rate, rng.random())
    return transmission(sent, rate, min(2 * (swing * 0.65 + 3e6), 20e6), "fm-video")


def am_video(seconds: float, rng: np.random.Generator) -> Transmission:
    """Broadcast television: negative AM of the picture with a vestigial lower sideband, FM sound above it."""
    rate = 16e6
    pal = rng.random() < 0.5
    video = dsp.sosfilt(dsp.butter(4, 5e6 if pal else 4.2e6, fs=rate, output="sos"), composite(seconds, rate, pal, rng))
    sent = 1 - 0.6 * (video + 0.3)
    bins = fft.fft(sent)
    frequency = fft.fftfreq(len(sent), 1 / rate)
    bins *= np.clip((frequency + 1.25e6) / 0.5e6, 0, 1)
    picture_part = fft.ifft(bins)
    sound = 50e3 * programme(seconds, rate, rng)[: len(sent)]
    spacing = 5.5e6 if pal else 4.5e6
    t = np.arange(len(sent)) / rate
    sent = picture_part + 0.25 * frequency_modulated(sound + spacing, rate)
    # from 1.25 MHz below the picture's carrier to a little above the sound's
    sent = sent * np.exp(-1j * np.pi * (spacing - 1e6) * t)
    return transmission(sent, rate, spacing + 1.5e6, "am-video")
