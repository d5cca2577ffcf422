# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataset-wide statistics: measured once before training, kept with the run and in every bundle made from it.

All are plain numbers for YAML, named as the parameters of the signal kind they are for (`wfm_core.signal`).
"""

import math
from collections.abc import Iterable

import torch

from wfm_core.base.errors import WfmError
from wfm_core.signal.iq import IqRms
from wfm_core.signal.resized import resize

_CHUNK = 128  # windows or images at a time: thousands of them would not fit the memory twice


def spectrogram_statistics(decibels: torch.Tensor, size: list[int]) -> dict[str, float]:
    """float32 [n, 1, h, w] from `Spectrogram.decibels` -> minimum, maximum (dB) and mean, std (`spectrogram`)."""
    statistics = image_statistics(decibels, size)
    return statistics | {"mean": statistics["mean"][0], "std": statistics["std"][0]}


def image_statistics(images: torch.Tensor, size: list[int]) -> dict:
    """float32 [n, C, h, w] -> minimum, maximum over all channels; mean, std per channel (`standard_image`).

    Mean and standard deviation are those of the images scaled to [0, 1] by minimum and maximum and resized to
    `size` [H, W], as the model gets them: resizing takes variance away.
    """
    minimum, maximum = images.amin().item(), images.amax().item()
    if not minimum < maximum:
        raise WfmError(f"all pixels of {len(images)} images are {minimum}: statistics need images that differ")
    scaled = (resize((chunk - minimum) / (maximum - minimum), size) for chunk in images.split(_CHUNK))
    return {"minimum": minimum, "maximum": maximum, **moments(scaled, (0, 2, 3))}


def iq_statistics(iq: torch.Tensor) -> dict[str, list[float]]:
    """complex64 [n, A, T], windows as they come -> mean, std of [I, Q] over the windows of unit RMS (`iq_standard`)."""
    unit = IqRms()
    return moments((torch.view_as_real(unit(chunk)) for chunk in iq.split(_CHUNK)), (0, 1, 2))


def moments(chunks: Iterable[torch.Tensor], dims: tuple[int, ...]) -> dict[str, list[float]]:
    """`mean` and `std`, the standard deviation, over `dims` of all chunks together, in float64."""
    count, total, squares = 0, 0.0, 0.0
    for chunk in chunks:
        values = chunk.double()
        count += math.prod(values.shape[dim] for dim in dims)
        total = total + values.sum(dims)
        squares = squares + values.square().sum(dims)
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=0).sqrt()
    if not (std > 0).all():
        raise WfmError(f"standard deviations {std.tolist()}: all above 0 are expected, leave constant data out")
    return {"mean": mean.tolist(), "std": std.tolist()}
