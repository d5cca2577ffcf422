# SPDX-License-Identifier: GPL-3.0-or-later
"""The `signal:` settings of a data set, with statistics measured on it."""

import numpy as np
import torch

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import Read
from wfm_core.signal.csi import STANDARDS, CsiLevels, SubcarrierStandard, with_motion
from wfm_core.signal.statistics import image_statistics, iq_statistics, moments

_MOST_VALUES = 1 << 24
"""Statistics are taken of windows spread evenly over the set, this many values of them at most (64 MiB)."""
_CHUNK = 4096  # windows in memory at a time


def iq_signal(read: Read, count: int) -> dict:
    """For windows [n, 2, A, T]: `iq_standard`, mean and std of I and Q in windows of unit RMS; for real samples, whose
    Q is nothing that could be standardised, `iq_rms`."""
    values = torch.from_numpy(_spread(read, count))
    if not values[:, 1].any():
        return {"kind": "iq_rms"}
    return {"kind": "iq_standard", **iq_statistics(torch.complex(values[:, 0], values[:, 1]))}


def level_signal(read: Read, count: int) -> dict:
    """For windows [n, 2, A, T] whose level tells something: `iq_standard`, mean and std of I and Q over all of them."""
    runs = (np.arange(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK))
    statistics = moments((torch.from_numpy(read(rows)) for rows in runs), (0, 2, 3))
    return {"kind": "iq_standard", **statistics, "level": "absolute"}


def image_signal(read: Read, count: int, size: list[int]) -> dict:
    """For images [n, C, h, w]: `standard_image` of `size` [H, W]."""
    images = torch.from_numpy(_spread(read, count))
    return {"kind": "standard_image", "size": size, **image_statistics(images, size)}


def csi_signal(
    read: Read,
    count: int,
    size: list[int],
    scale: str,
    gain: str,
    standardise: str = "channel",
    motion: bool = False,
) -> dict:
    """For amplitudes [n, antennas, subcarriers, packets]: `csi_image` of `size` [H, W].

    `standardise` each antenna's "channel" as a whole, or each "subcarrier" of it first; with `motion` there are
    channels of what moves, see `CsiImage`.
    """
    if standardise not in STANDARDS:
        raise WfmError(f"standardise {standardise!r}: expected one of {', '.join(STANDARDS)}")
    amplitude = torch.from_numpy(_spread(read, count))
    reference = amplitude.square().mean().sqrt().item()
    if not reference > 0:
        raise WfmError("all amplitudes are 0: CSI that differs is expected, name another array")
    levels = CsiLevels(scale, gain, reference)(amplitude)
    signal = {"kind": "csi_image", "size": size, "scale": scale, "gain": gain}
    if gain == "none":
        signal["reference"] = reference
    if standardise == "subcarrier":
        std, mean = torch.std_mean(levels.double(), (0, 3), correction=0)
        if not (std > 0).all():
            raise WfmError(
                f"{int((std <= 0).sum())} subcarriers never change: their spread cannot be divided out, leave them "
                "out of the array or standardise by channel"
            )
        levels = SubcarrierStandard(mean, std)(levels)
        signal |= {"subcarrier_mean": mean.tolist(), "subcarrier_std": std.tolist()}
    if motion:
        levels = with_motion(levels)
        signal["motion"] = True
    return signal | image_statistics(levels, size)


def _spread(read: Read, count: int) -> np.ndarray:
    one = read(np.array([0])).size
    wanted = min(count, max(1, _MOST_VALUES // one))
    return read(np.linspace(0, count - 1, wanted).round().astype(np.int64))
