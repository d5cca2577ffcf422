# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel state information (CSI) to images: the one transform, used in training and live.

A window of CSI is an image of amplitudes: a channel per antenna (pair), a row per subcarrier, a column per packet.
The phases are left out: without a reference they turn at random from packet to packet. A receiver's gain control
scales every packet again and is rarely taken out of recorded CSI, so by default a window is divided by its own RMS.
Amplitudes stay linear by default: logarithms give the weak subcarriers, which are mostly noise, as much say as the
strong ones (on two sets of recorded activities a ridge classifier lost 5 to 7 points by them). What all windows have in
common, the shape of the receiver's filters and of the room, is far larger than what tells places apart: each
subcarrier's own mean and spread over the data set can be taken out.
Motion is the smaller part of what is left: deviations from the window's mean can become channels of their own.
In order: gain, decibels (or not), each subcarrier's statistics (or not), motion (or not), [0, 1] by the data set's
minimum and maximum, resize, standardise.
"""

import torch
from torch import nn

from wfm_core.base.errors import WfmError
from wfm_core.signal.resized import StandardImage

SCALES = ("linear", "db")
STANDARDS = ("channel", "subcarrier")
GAINS = ("window", "packet", "none")
FLOOR_DB = 40.0
"""Amplitudes are kept above this many dB below the level: converters of 8 bits give zeros, which have no logarithm."""


class CsiImage(nn.Module):
    """Amplitudes float32 [B, antennas, subcarriers, packets] -> float32 [B, antennas, H, W] with `size` [H, W].

    `gain` says what an amplitude is divided by, which is then the level 1 (0 dB): the RMS of its "window" (over
    antennas, subcarriers and packets), the RMS of its "packet", or with "none" the constant `reference`. `scale` is
    "linear" or "db". `subcarrier_mean` and `subcarrier_std`, [antennas][subcarriers], are subtracted and divided out on
    that scale; without them it is left as it is. With `motion` as many channels again follow, see `with_motion`, and
    the result is [B, 2 * antennas, H, W]. `minimum`, `maximum`, `mean` and `std` are of what has become of it,
    see `StandardImage`.
    """

    def __init__(
        self,
        size: list[int],
        minimum: float,
        maximum: float,
        mean: list[float],
        std: list[float],
        scale: str = "linear",
        gain: str = "window",
        reference: float = 1.0,
        subcarrier_mean: list[list[float]] | None = None,
        subcarrier_std: list[list[float]] | None = None,
        motion: bool = False,
    ):
        super().__init__()
        self.levels = CsiLevels(scale, gain, reference)
        self.relative = _subcarriers(subcarrier_mean, subcarrier_std)
        self.motion = bool(motion)
        self.standardise = StandardImage(size, minimum, maximum, mean, std)

    def forward(self, amplitude: torch.Tensor) -> torch.Tensor:
        levels = self.relative(self.levels(amplitude))
        return self.standardise(with_motion(levels) if self.motion else levels)


def with_motion(levels: torch.Tensor) -> torch.Tensor:
    """[B, antennas, subcarriers, packets] -> [B, 2 * antennas, ...]: after all antennas, the same less their means
    over the packets."""
    return torch.cat([levels, levels - levels.mean(3, keepdim=True)], 1)


class SubcarrierStandard(nn.Module):
    """Levels [B, antennas, subcarriers, packets] -> the same less `mean`, over `std` [antennas, subcarriers]."""

    def __init__(self, mean: torch.Tensor, std: torch.Tensor):
        super().__init__()
        self.register_buffer("mean", mean.float().unsqueeze(2), persistent=False)
        self.register_buffer("std", std.float().unsqueeze(2), persistent=False)

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        if levels.shape[1:3] != self.mean.shape[:2]:
            raise ValueError(
                f"CSI {levels.shape}: [batch, {self.mean.size(0)} antennas, {self.mean.size(1)} subcarriers, packets] "
                "is expected"
            )
        return (levels - self.mean) / self.std


def _subcarriers(mean: list[list[float]] | None, std: list[list[float]] | None) -> nn.Module:
    if mean is None and std is None:
        return nn.Identity()
    try:
        means, spreads = torch.tensor(mean), torch.tensor(std)
    except (TypeError, ValueError, RuntimeError) as error:
        raise WfmError(f"CSI subcarrier statistics are no tables of numbers ({error}): measure them again") from error
    if means.shape != spreads.shape or means.dim() != 2 or not (spreads > 0).all():
        raise WfmError(
            f"CSI subcarrier_mean {list(means.shape)}, subcarrier_std {list(spreads.shape)}: both as "
            "[antennas, subcarriers], std above 0, are expected; measure them again"
        )
    return SubcarrierStandard(means, spreads)


class CsiLevels(nn.Module):
    """The first half of `CsiImage`, of which the statistics are taken: amplitudes -> levels of the same shape."""

    def __init__(self, scale: str = "linear", gain: str = "window", reference: float = 1.0):
        super().__init__()
        if scale not in SCALES or gain not in GAINS:
            raise WfmError(
                f"CSI scale {scale!r}, gain {gain!r}: expected one of {', '.join(SCALES)} and one of "
                f"{', '.join(GAINS)}; fix the signal settings"
            )
        if not reference > 0:
            raise WfmError(f"CSI reference {reference}: an amplitude above 0 is expected, fix the signal settings")
        self.decibels, self.per_window, self.per_packet = scale == "db", gain == "window", gain == "packet"
        self.reference, self.smallest = float(reference), 10 ** (-FLOOR_DB / 20)

    def forward(self, amplitude: torch.Tensor) -> torch.Tensor:
        if self.per_window:
            level = amplitude.square().mean((1, 2, 3), keepdim=True).sqrt()
        elif self.per_packet:
            level = amplitude.square().mean((1, 2), keepdim=True).sqrt()
        else:
            level = torch.full_like(amplitude[:1, :1, :1, :1], self.reference)
        relative = amplitude / level.clamp(min=1e-12)
        if self.decibels:
            return 20 * torch.log10(relative.clamp(min=self.smallest))
        return relative
