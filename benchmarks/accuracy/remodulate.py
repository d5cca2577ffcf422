# SPDX-License-Identifier: GPL-3.0-or-later
"""Demodulated recordings back on a carrier: what a receiver would have had, but for noise that is made up."""

import re

import numpy as np
from scipy import signal as dsp

from wfm_core.data.recordings.recording import Recording

SNR_DB = 20.0
"""In the signal's own bandwidth, about."""
_MOST_SECONDS = 6.0


def remodulated(source: Recording, row: dict, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """complex64 [n] and its rate (Hz) of a real-valued recording, as its `modulator` says.

    FM: the loudest per cent of the sound is the stated deviation (3 kHz where none is). AM: 80 % depth; full carrier:
    the envelope as it is. USB: the upper sideband. The carrier is somewhere within a quarter of the band; at most 6
    seconds.
    """
    sound = source.read(0, min(source.samples, int(_MOST_SECONDS * source.sample_rate)))[0].real.astype(np.float64)
    rate, modulator = source.sample_rate, row["modulator"]
    if modulator.startswith("nbfm"):
        up = max(1, round(96e3 / rate))
        sound, rate = dsp.resample_poly(sound - np.mean(sound), up, 1), rate * up
        deviation = _deviation(modulator)
        sent = np.exp(2j * np.pi * np.cumsum(sound / np.percentile(np.abs(sound), 99) * deviation) / rate)
        width = 2 * (deviation + 3e3)
    elif modulator.startswith("am (full"):
        sent, width = np.maximum(sound, 0) + 0j, 2e6
        sent /= np.percentile(np.abs(sent), 99)
    elif modulator.startswith("am"):
        up = max(1, round(24e3 / rate))
        sound, rate = dsp.resample_poly(sound - np.mean(sound), up, 1), rate * up
        sent = 1 + 0.8 * sound / np.percentile(np.abs(sound), 99.5) + 0j
        width = 8e3
    else:
        up = max(1, round(24e3 / rate))
        sent = dsp.resample_poly(dsp.hilbert(sound - np.mean(sound)), up, 1)
        rate, width = rate * up, 3e3
        sent /= np.sqrt(np.mean(np.abs(sent) ** 2))
    level = np.mean(np.abs(sent) ** 2)
    sent = sent * np.exp(2j * np.pi * rng.uniform(-0.12, 0.12) * np.arange(len(sent)))
    noise = np.sqrt(level * 10 ** (-SNR_DB / 10) * rate / min(width, rate))
    sent = sent + noise * (rng.standard_normal(len(sent)) + 1j * rng.standard_normal(len(sent))) / np.sqrt(2)
    return (0.3 * sent / np.sqrt(np.mean(np.abs(sent) ** 2))).astype(np.complex64), rate


def _deviation(modulator: str) -> float:
    found = re.search(r"([0-9.]+) kHz", modulator)
    return 1e3 * float(found.group(1)) if found else 3e3
