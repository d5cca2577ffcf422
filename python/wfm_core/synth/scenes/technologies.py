# SPDX-License-Identifier: GPL-3.0-or-later
"""A band with eight signals of different technologies at once, each on its own frequency and in its own time."""

import math

import numpy as np
import torch
from scipy import fft

from wfm_core.base.errors import WfmError
from wfm_core.synth.scenes.air import Placed, Truth, compose
from wfm_core.synth.scenes.rendering import Scene, Segment
from wfm_core.synth.signals.catalogue import SIGNALS
from wfm_core.synth.signals.transmission import Transmission

CENTER_FREQ = 433.92e6
STATIONS = (
    ("fm-broadcast", "fm", -900e3, 20.0),
    ("cellular", "gsm", -560e3, 18.0),
    ("lora", "lorawan", -240e3, 15.0),
    ("digital-voice", "dmr", -60e3, 22.0),
    ("nbfm", "nbfm-25k", 100e3, 24.0),
    ("pocsag", "pocsag", 300e3, 22.0),
    ("ook", "nexus", 560e3, 22.0),
    ("packet", "afsk1200", 850e3, 22.0),
)
"""Label, kind, Hz from the middle of the band, SNR in dB in the signal's own bandwidth."""
LEAST_RATE = 2.1e6
WIDEST = 260e3
"""Hz; a station of a kind that may be wider, such as LoRa of 500 kHz, is drawn again."""
_NOISE_DBFS = -40.0


def air(seconds: float, sample_rate: float, antennas: int, seed: int) -> Scene:
    """The scene from a seed: one receiver without flaws, white noise at -40 dBFS in the whole band.

    The truth has an entry for each stretch in which a station is on, with the edges (Hz) that hold 99 % of its power.
    Antennas hear the same with noise of their own, each station at an angle of its own.

    Raises `WfmError` for a rate below `LEAST_RATE`, which has no room for all.
    """
    if sample_rate < LEAST_RATE:
        raise WfmError(
            f"the scene air at {sample_rate / 1e6:g} MS/s: its stations need {LEAST_RATE / 1e6:g} MS/s or more, such "
            "as 2.4 MS/s"
        )
    rng = np.random.default_rng(seed)
    count = round(seconds * sample_rate)
    whole = fft.next_fast_len(max(count, 1))
    placed = [
        Placed(label, _sent(label, kind, whole / sample_rate, rng), centre, snr)
        for label, kind, centre, snr in STATIONS
    ]
    gain = np.float32(10 ** (_NOISE_DBFS / 20))
    samples = torch.empty(antennas, count, dtype=torch.complex64)
    for antenna in range(antennas):
        heard = placed if antenna == 0 else [_turned(one, rng) for one in placed]
        band = compose(sample_rate, whole, heard, rng, flaws=False)
        samples[antenna] = torch.from_numpy(band.samples[:count] * gain)
    segments = [segment for truth in band.truths for segment in _segments(truth, count)]
    return Scene(samples, sample_rate, CENTER_FREQ, sorted(segments, key=lambda one: one.sample_start))


def _sent(label: str, kind: str, seconds: float, rng: np.random.Generator) -> Transmission:
    while (sent := SIGNALS[label][kind](seconds, rng)).bandwidth > WIDEST:
        pass
    return sent


def _turned(one: Placed, rng: np.random.Generator) -> Placed:
    sent = one.sent
    turned = (sent.samples * np.exp(2j * math.pi * rng.random())).astype(np.complex64)
    return Placed(one.label, type(sent)(turned, sent.sample_rate, sent.bandwidth, sent.kind), one.centre, one.snr_db)


def _segments(truth: Truth, count: int) -> list[Segment]:
    edges = truth.freq_lower_edge, truth.freq_upper_edge
    return [
        Segment(int(start), int(min(end, count) - start), truth.label, edges=edges)
        for start, end in truth.intervals
        if start < count
    ]
