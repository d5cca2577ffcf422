# SPDX-License-Identifier: GPL-3.0-or-later
"""Views of IQ windows for the contrastive objective: what a receiver could have seen of the same emission.

Every number is hashed from (seed, window, view), so that a window has the same views in any batch or process.
"""

import math

import torch
from torch import Tensor

from wfm_core.model.masking import hashed, hashed_uniform, unit_interval

MAX_FREQUENCY_OFFSET = 1e-3
"""Cycles per sample; a window of 1024 samples turns once. Small, because the offset tells transmitters apart."""
MAX_GAIN_DB = 3.0
"""Of each antenna, up or down."""
SNR_DB = (10.0, 30.0)
"""Range of the window's mean power over that of the noise added."""

# which of a window's draws a hash is for
_PHASE, _OFFSET, _GAIN, _ORDER, _SHIFT, _SNR, _NOISE = range(7)


def augment(iq: Tensor, index: Tensor, view: int, seed: int) -> Tensor:
    """One view, complex64 [B, A, T], of the windows `iq` (same shape) numbered `index` (int64 [B]).

    Changed are the antennas' order and gains, the place in time (circular), carrier phase and frequency, and the
    noise; the windows' units are free, as the noise is relative to their power. `view` numbers the views.
    """
    batch, antennas, samples = iq.shape
    draw = _Draws(index.to(iq.device), view, seed)
    antenna = torch.arange(antennas, device=iq.device)
    time = torch.arange(samples, device=iq.device)

    order = draw.hash(_ORDER, antenna).argsort(dim=1, stable=True)
    start = (draw.uniform(_SHIFT) * samples).long()
    source = order.unsqueeze(2) * samples + ((start + time) % samples).unsqueeze(1)
    moved = iq.flatten(1).gather(1, source.flatten(1)).view(batch, antennas, samples)

    cycles = draw.uniform(_PHASE) + MAX_FREQUENCY_OFFSET * (2 * draw.uniform(_OFFSET) - 1) * time
    gain = 10 ** (MAX_GAIN_DB / 20 * (2 * draw.uniform(_GAIN, antenna) - 1))
    received = moved * torch.polar(torch.ones_like(cycles), 2 * torch.pi * cycles).unsqueeze(1) * gain.unsqueeze(2)

    snr_db = SNR_DB[0] + (SNR_DB[1] - SNR_DB[0]) * draw.uniform(_SNR)
    power = torch.view_as_real(received).flatten(1).square().mean(dim=1, keepdim=True) * 2
    deviation = (power * 10 ** (-snr_db / 10)).sqrt().unsqueeze(2)
    noise = draw.complex_normal(_NOISE, torch.arange(antennas * samples, device=iq.device))
    return received + deviation * noise.view(batch, antennas, samples)


class _Draws:
    """The random numbers of one view, a row per window."""

    def __init__(self, index: Tensor, view: int, seed: int):
        self._index = index.unsqueeze(1)
        self._view = torch.tensor(view, device=index.device)
        self._seed = seed

    def hash(self, which: int, counter: Tensor) -> Tensor:
        return hashed(self._seed, self._index, self._view, self._view.new_tensor(which), counter)

    def uniform(self, which: int, counter: Tensor | None = None) -> Tensor:
        """float32 [B, 1] or [B, len(counter)] in [0, 1)."""
        counter = self._view.new_zeros(1) if counter is None else counter
        return hashed_uniform(self._seed, self._index, self._view, self._view.new_tensor(which), counter)

    def complex_normal(self, which: int, counter: Tensor) -> Tensor:
        """complex64 [B, len(counter)] of mean power 1 by the Box-Muller transform: 48 bits of one hash make a pair."""
        bits = self.hash(which, counter)
        radius = (-torch.log1p(-unit_interval(bits))).sqrt()
        return torch.polar(radius, 2 * math.pi * unit_interval(bits >> 24))
