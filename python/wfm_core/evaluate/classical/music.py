# SPDX-License-Identifier: GPL-3.0-or-later
"""MUSIC, the classical way to a direction, beside which networks are measured."""

import math

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.synth.arrays import SPACING, steering

STEP = 0.1
"""Degrees of the grid that is searched; a parabola finds the place between."""
OVER_NOISE = 2.5
"""Least ratio of the weakest source's eigenvalue to the mean of those below, where sources are counted: noise that
differs between channels by a dB, as it does where a calibration made their gains alike, is sources for MDL."""


def music(iq: Tensor, spacing: float = SPACING, widest: float = 90.0, array: Tensor | None = None) -> Tensor:
    """Windows complex64 [B, A, T] of one source each over a row of antennas -> directions float32 [B] in degrees.

    The direction within `widest` whose wave has least in the noise's subspace, that of all but the largest eigenvalue
    of the covariance (Schmidt, Multiple emitter location and signal parameter estimation, IEEE Trans. Antennas Propag.
    34 (3), 1986). The row is taken to be without gain and phase errors, or to be as `array` [A, A] says, see
    `fitted_array`.
    """
    antennas = iq.size(1)
    covariance = iq @ iq.mH / iq.size(2)
    noise = torch.linalg.eigh(covariance.to(torch.complex128)).eigenvectors[:, :, :-1]
    waves = _waves(antennas, spacing, widest)
    if array is not None:
        waves = waves @ array.to(torch.complex128).T
        waves = waves / torch.linalg.vector_norm(waves, dim=1, keepdim=True)
    left = torch.einsum("ga,ban->bgn", waves.conj(), noise).abs().square().sum(2)
    best = left.argmin(1, keepdim=True).clamp(1, len(waves) - 2)
    return _between(left, best, widest)[:, 0]


def music_several(iq: Tensor, most: int, spacing: float = SPACING, widest: float = 90.0) -> Tensor:
    """Windows complex64 [B, A, T] -> directions float32 [B, most] in degrees of up to `most` sources, fewer than
    antennas, in rising order; NaN, at the end, of those that are not there.

    How many there are is what describes the eigenvalues in the fewest bits (MDL: Wax and Kailath, Detection of signals
    by information theoretic criteria, IEEE Trans. Acoust., Speech, Signal Process. 33 (2), 1985). The covariance is
    averaged with itself seen from the row's other end, so that two sources that send the same, as a wave and its
    reflection do, are two as well, unless their phases are alike there (Pillai and Kwon, Forward/backward spatial
    smoothing techniques for coherent signal identification, IEEE Trans. Acoust., Speech, Signal Process. 37 (1), 1989);
    the bits of a model are those of Xu, Pierre and Kaveh (Detection of the number of coherent signals by the MDL
    principle, IEEE Trans. Signal Process. 42 (6), 1994). The row is taken to be without errors.
    """
    antennas, samples = iq.size(1), iq.size(2)
    if not 1 <= most < antennas:
        raise WfmError(f"{most} sources and {antennas} antennas; expected 1 to {antennas - 1}, fewer than antennas")
    covariance = (iq @ iq.mH / samples).to(torch.complex128)
    covariance = (covariance + covariance.flip(1, 2).conj()) / 2
    values, vectors = torch.linalg.eigh(covariance)
    count = _sources(values, samples).clamp(max=most)
    waves = _waves(antennas, spacing, widest)
    parts = torch.einsum("ga,ban->bgn", waves.conj(), vectors).abs().square()
    # the noise's subspace are the first antennas - count eigenvectors, which rise
    left = parts.cumsum(2).gather(2, (antennas - 1 - count)[:, None, None].expand(-1, len(waves), 1))[:, :, 0]
    dips = torch.full_like(left, torch.inf)
    inner = left[:, 1:-1]
    dips[:, 1:-1] = torch.where((inner < left[:, :-2]) & (inner <= left[:, 2:]), inner, torch.inf)
    deepest, best = dips.topk(most, dim=1, largest=False)
    there = (torch.arange(most) < count[:, None]) & deepest.isfinite()
    found = torch.where(there, _between(left, best.clamp(1, len(waves) - 2), widest), torch.nan)
    return found.sort(1).values  # NaN is sorted behind all numbers


def _waves(antennas: int, spacing: float, widest: float) -> Tensor:
    """complex128 [G, A] from each direction of the grid."""
    return steering(_grid(widest), antennas, spacing).to(torch.complex128)


def _grid(widest: float) -> Tensor:
    return torch.arange(-widest, widest + STEP / 2, STEP, dtype=torch.float64)


def _between(left: Tensor, best: Tensor, widest: float) -> Tensor:
    """Degrees float32 [B, n] of the least values near the places `best` [B, n] of a grid's values [B, G]."""
    before, at, after = (left.gather(1, best + step) for step in (-1, 0, 1))
    bend = (before - 2 * at + after).clamp(min=1e-30)
    between = (0.5 * (before - after) / bend).clamp(-1, 1)
    return (_grid(widest)[best] + STEP * between).float()


def _sources(values: Tensor, samples: int) -> Tensor:
    """How many sources the rising eigenvalues [B, A] of covariances of so many samples are of, int64 [B], up to
    A - 1: what MDL says, or fewer, down to where the next eigenvalue is over the noise by OVER_NOISE."""
    antennas = values.size(1)
    values = values.clamp(min=1e-12 * values.amax(1, keepdim=True).clamp(min=1e-30))
    bits = []
    for count in range(antennas):
        noise = values[:, : antennas - count]
        unlike = noise.mean(1).log() - noise.log().mean(1)
        free = 0.25 * count * (2 * antennas - count + 1)
        bits.append(samples * (antennas - count) * unlike + free * math.log(samples))
    found = torch.stack(bits, 1).argmin(1)
    place = torch.arange(1, antennas)
    over = torch.stack([values[:, -number] / values[:, :-number].mean(1) for number in range(1, antennas)], 1)
    return torch.minimum(found, (place * (over > OVER_NOISE)).amax(1))


def fitted_array(iq: Tensor, angle: Tensor, spacing: float = SPACING) -> Tensor:
    """What an array makes of waves, complex128 [A, A] of norm 1, by windows complex64 [B, A, T] of one source each at
    known directions [B] in degrees; about as many directions as antennas are needed, more where there are reflections.

    The matrix G for which the waves G a(angle) have least outside of the strongest eigenvectors of the windows'
    covariances, by least squares: global calibration as See and Poh have it (Parametric sensor array calibration using
    measured steering vectors of uncertain locations, IEEE Trans. Signal Process. 47 (4), 1999), for any matrix.
    """
    antennas = iq.size(1)
    covariance = (iq @ iq.mH / iq.size(2)).to(torch.complex128)
    heard = torch.linalg.eigh(covariance).eigenvectors[:, :, -1]
    outside = torch.eye(antennas, dtype=torch.complex128) - heard[:, :, None] * heard[:, None].conj()
    waves = steering(angle, antennas, spacing).to(torch.complex128)
    # |outside G a|^2 of all windows is g^H M g, where g holds the rows of G one after another
    form = torch.einsum("bij,bk,bl->ikjl", outside, waves.conj(), waves).reshape(antennas**2, -1)
    return torch.linalg.eigh(form).eigenvectors[:, 0].reshape(antennas, antennas)
