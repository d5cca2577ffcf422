# SPDX-License-Identifier: GPL-3.0-or-later
"""MUSIC, the classical way to a direction, beside which networks are measured."""

import torch
from torch import Tensor

from wfm_core.synth.arrays import SPACING, steering

STEP = 0.1
"""Degrees of the grid that is searched; a parabola finds the place between."""


def music(iq: Tensor, spacing: float = SPACING, widest: float = 90.0) -> Tensor:
    """Windows complex64 [B, A, T] of one source each over a row of antennas -> directions float32 [B] in degrees.

    The direction within `widest` whose wave has least in the noise's subspace, that of all but the largest eigenvalue
    of the covariance (Schmidt, Multiple emitter location and signal parameter estimation, IEEE Trans. Antennas Propag.
    34 (3), 1986). The row is taken to be without gain and phase errors.
    """
    antennas = iq.size(1)
    covariance = iq @ iq.mH / iq.size(2)
    noise = torch.linalg.eigh(covariance.to(torch.complex128)).eigenvectors[:, :, :-1]
    grid = torch.arange(-widest, widest + STEP / 2, STEP, dtype=torch.float64)
    waves = steering(grid, antennas, spacing).to(torch.complex128)
    left = torch.einsum("ga,ban->bgn", waves.conj(), noise).abs().square().sum(2)
    best = left.argmin(1).clamp(1, len(grid) - 2)
    before, at, after = (left.gather(1, (best + step)[:, None])[:, 0] for step in (-1, 0, 1))
    bend = (before - 2 * at + after).clamp(min=1e-30)
    between = (0.5 * (before - after) / bend).clamp(-1, 1)
    return (grid[best] + STEP * between).float()
