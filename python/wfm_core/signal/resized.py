# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of one fixed size, standardised with dataset-wide statistics: the preprocessing of the foundation.

The order is the paper's: [0, 1] by the dataset's minimum and maximum, resize, then subtract the dataset's mean and
divide by its standard deviation (those of the resized images). Both modules are scriptable and work on any device.
"""

import torch
from torch import nn

from wfm_core.base.errors import WfmError
from wfm_core.signal.spectrogram import hann, relative, spectrogram

MODES = ("bilinear", "bicubic")


class Spectrogram(nn.Module):
    """Log-power spectrogram of a window of any length from `fft_size` on, resized and standardised.

    complex64 [B, A, T] -> float32 [B, 1, H, W] with `size` [H, W]: rows are time, columns frequency from
    -sample_rate/2 upwards. `hop` is in samples, `minimum` and `maximum` are in dB as `decibels` gives them, `mean`
    and `std` are on the scale from 0 to 1 that they make. Nothing is clipped: a level beyond the range that the
    dataset had stays visible.
    """

    def __init__(
        self, fft_size: int, hop: int, size: list[int], minimum: float, maximum: float, mean: float, std: float
    ):
        super().__init__()
        if min(fft_size, hop) < 1:
            raise WfmError(f"spectrogram of fft_size {fft_size}, hop {hop}: 1 or more is expected, fix the settings")
        self.hop = hop
        self.register_buffer("window", hann(fft_size), persistent=False)
        self.standardise = StandardImage(size, minimum, maximum, [mean], [std])

    def forward(self, iq: torch.Tensor) -> torch.Tensor:
        return self.standardise(self.decibels(iq))

    def decibels(self, iq: torch.Tensor) -> torch.Tensor:
        """complex64 [B, A, T] -> float32 [B, 1, (T - fft_size) // hop + 1, fft_size]: the mean power of the antennas,
        `relative`."""
        return relative(spectrogram(iq, self.window, self.hop).mean(1, keepdim=True))


class StandardImage(nn.Module):
    """Images that are ready-made (CSI, positions' channel images): scaled, resized, standardised per channel.

    float32 [B, C, h, w] -> float32 [B, C, H, W] with `size` [H, W]; `minimum` and `maximum` are of the whole dataset
    and all channels, `mean` and `std` have one value per channel. `mode` is how it is resized, see `resize`: the
    published statistics of CSI, images and positioning go with "bicubic".
    """

    def __init__(
        self,
        size: list[int],
        minimum: float,
        maximum: float,
        mean: list[float],
        std: list[float],
        mode: str = "bilinear",
    ):
        super().__init__()
        _check(size, minimum, maximum, mean, std)
        if mode not in MODES:
            raise WfmError(f"image mode {mode!r}: expected one of {', '.join(MODES)}, fix the signal settings")
        self.mode = mode
        self.size = [int(size[0]), int(size[1])]
        self.minimum, self.span = float(minimum), float(maximum - minimum)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(-1, 1, 1), persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        channels = self.mean.size(0)
        if image.dim() != 4 or image.size(1) != channels:
            raise ValueError(f"image {image.shape}: [batch, {channels} channels, height, width] is expected")
        return (resize((image - self.minimum) / self.span, self.size, self.mode) - self.mean) / self.std


def resize(image: torch.Tensor, size: list[int], mode: str = "bilinear") -> torch.Tensor:
    """float32 [B, C, h, w] -> [B, C, H, W], "bilinear" or "bicubic"; when it shrinks, every pixel takes part
    (antialiased). Bicubic overshoots at edges; nothing is clipped.

    The operators behind `torch.nn.functional.interpolate(..., antialias=True)`: scripted, that function would bring
    every operator of every mode with it, and a bundle may hold only those on its list.
    """
    if mode == "bicubic":
        return torch.ops.aten._upsample_bicubic2d_aa(image, size, False, None, None)
    return torch.ops.aten._upsample_bilinear2d_aa(image, size, False, None, None)


def _check(size: list[int], minimum: float, maximum: float, mean: list[float], std: list[float]) -> None:
    if len(size) != 2 or min(size) < 1:
        raise WfmError(f"image size {size}: [height, width] in pixels is expected, fix the signal settings")
    if not maximum > minimum:
        raise WfmError(f"image minimum {minimum}, maximum {maximum}: a maximum above it is expected: fix them")
    if not mean or len(mean) != len(std) or not min(std) > 0:
        raise WfmError(
            f"image mean {mean}, std {std}: one of each per channel, std above 0, is expected, fix the statistics"
        )
