# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels over a grid from least-squares estimates at pilots, without a network."""

import torch
from torch import Tensor

from wfm_core.signal.channels.pilot_grid import PilotGrid


def interpolated(pilots: Tensor, grid: PilotGrid) -> Tensor:
    """Pilots complex64 [B, P, S] -> the grid complex64 [B, H, W]: linear in frequency, then in time; beyond the
    outermost pilots as they are."""
    return grid.along_band.to(pilots) @ pilots @ grid.along_time.to(pilots)


class Lmmse:
    """The linear estimator of least mean squared error, of channels like those that `covariances` were taken of.

    Of a pilot vector p = h + noise of a known power s the channel over the grid is R_hp (R_pp + s)^-1 p (Edfors et al.,
    OFDM channel estimation by singular value decomposition, IEEE Trans. Communications 46 (7), 1998, equation 4).
    R are sample covariances of channels whose mean power is 1; here of frequency and time at once.
    """

    def __init__(self, channel: Tensor, subcarriers: list[int], symbols: list[int]):
        """`channel` complex [N, H, W], to learn from; pilots at every one of `subcarriers` in each of `symbols`."""
        channel = channel.to(torch.complex128) / _rms(channel)
        whole, some = channel.flatten(1), channel[:, subcarriers][:, :, symbols].flatten(1)
        self._values, self._vectors = torch.linalg.eigh(some.mT @ some.conj() / len(channel))
        self._towards = (whole.mT @ some.conj() / len(channel)) @ self._vectors
        self._shape = channel.shape[1:]

    def __call__(self, pilots: Tensor, noise: Tensor, power: Tensor) -> Tensor:
        """Pilots complex64 [B, P, S] with noise of the powers `noise` [B], of channels of mean `power` [B] -> the
        grid complex64 [B, H, W]."""
        ratio = (noise / power).double()[:, None]
        weights = (pilots.flatten(1).to(torch.complex128) @ self._vectors.conj()) / (self._values.clamp(min=0) + ratio)
        return (weights @ self._towards.mT).unflatten(1, self._shape).to(torch.complex64)


def _rms(channel: Tensor) -> Tensor:
    return channel.abs().square().mean((1, 2), keepdim=True).sqrt()
