# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a spectrum in the place of an encoder: what WFM Novelty has when none is named."""

from pathlib import Path

import torch
from torch import Tensor

from wfm_core.bundle.bundle import Bundle
from wfm_core.bundle.parse import parse_contract
from wfm_core.signal.spectrogram import decibels, hann, spectrogram

SPECTRUM = "spectrum"
"""Its name where one of a bundle is expected."""
SAMPLES = 1024
BINS = 32
_RATES = {"min": 1.0, "max": 1e12}


def shape_of(iq: Tensor) -> Tensor:
    """Windows complex64 [B, A, T] -> float32 [B, 64]: the mean spectrum in 32 bins, in dB over their mean, and by how
    much each bin goes up and down in the window, over its own mean. Free of the level; antennas are averaged."""
    rows = spectrogram(iq, hann(BINS), BINS // 2).mean(1)
    mean = rows.mean(1).clamp(min=1e-30)
    return torch.cat([decibels(mean / mean.mean(1, keepdim=True)), rows.std(1) / mean], 1)


class SpectrumBundle(Bundle):
    """A bundle without tasks and weights for up to `antennas` antennas: its embedding is `shape_of` a window, of any
    sample rate."""

    origin = "spectrum"

    def __init__(self, antennas: int = 1):
        contract = {
            "format": 1,
            "name": SPECTRUM,
            "window": {"antennas": antennas, "samples": SAMPLES},
            "sample_rate": _RATES,
            "encoder": {"width": 2 * BINS, "depth": 1, "heads": 1, "mlp_hidden": 1},  # of none but for the width
            "input": "iq",
            "signal": {"kind": "iq_rms"},
            "modality": "iq",
            "embedding": "mean",
            "tasks": {},
            "weights_sha256": "0" * 64,
        }
        parsed = parse_contract(contract, SPECTRUM)
        reason = "a spectrum has no network"
        super().__init__(parsed, _answer, Path(SPECTRUM), torch.device("cpu"), "fp32", engine_reason=reason)


def _answer(iq: Tensor) -> dict[str, Tensor]:
    return {"embedding_iq": shape_of(iq)}
