# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a spectrum in the place of an encoder: what WFM Novelty has when none is named."""

import torch
from torch import Tensor

from wfm_core.evaluate.weightless.base import WeightlessBundle
from wfm_core.signal.spectrogram import decibels, hann, spectrogram

SPECTRUM = "spectrum"
"""Its name where one of a bundle is expected."""
SAMPLES = 1024
BINS = 32


def shape_of(iq: Tensor) -> Tensor:
    """Windows complex64 [B, A, T] -> float32 [B, 64]: the mean spectrum in 32 bins, in dB over their mean, and by how
    much each bin goes up and down in the window, over its own mean. Free of the level; antennas are averaged."""
    rows = spectrogram(iq, hann(BINS), BINS // 2).mean(1)
    mean = rows.mean(1).clamp(min=1e-30)
    return torch.cat([decibels(mean / mean.mean(1, keepdim=True)), rows.std(1) / mean], 1)


class SpectrumBundle(WeightlessBundle):
    """A bundle without tasks and weights for up to `antennas` antennas: its embedding is `shape_of` a window, of any
    sample rate."""

    origin = "spectrum"

    def __init__(self, antennas: int = 1):
        super().__init__(SPECTRUM, _answer, antennas, SAMPLES, width=2 * BINS)


def _answer(iq: Tensor) -> dict[str, Tensor]:
    return {"embedding_iq": shape_of(iq)}
