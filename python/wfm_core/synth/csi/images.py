# SPDX-License-Identifier: GPL-3.0-or-later
"""From CSI to images: a channel an antenna, a row a subcarrier, a column a packet."""

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError

VIEWS = ("amplitude", "amplitude_phase")
"""Channels of amplitudes alone, or as many of phases behind them."""
MOST_CHANNELS = 8


def csi_images(csi: Tensor, view: str = "amplitude") -> Tensor:
    """CSI complex64 [B, A, subcarriers, packets] -> float32 [B, A or 2 A, subcarriers, packets].

    Amplitudes as they were reported; phases (`referenced`) in half turns, -1 to 1. Raises `WfmError` for another view
    and for more than MOST_CHANNELS channels.
    """
    channels = csi.shape[1] * (1 if view == "amplitude" else 2)
    if view not in VIEWS or channels > MOST_CHANNELS:
        raise WfmError(
            f"view {view!r} of {csi.shape[1]} antennas: one of {', '.join(VIEWS)} and at most {MOST_CHANNELS} channels "
            "are expected"
        )
    if view == "amplitude":
        return csi.abs()
    return torch.cat([csi.abs(), referenced(csi).angle() / torch.pi], 1)


def referenced(csi: Tensor) -> Tensor:
    """The same with phases that compare from packet to packet: of each packet a slope over the rows and one phase are
    taken out, those that all its antennas share (clocks make nothing else)."""
    step = (csi[:, :, 1:] * csi[:, :, :-1].conj()).sum((1, 2), keepdim=True).angle()
    place = torch.arange(csi.shape[2], device=csi.device).view(1, 1, -1, 1) - (csi.shape[2] - 1) / 2
    level = csi * torch.polar(torch.ones_like(step), -step * place)
    common = level.sum((1, 2), keepdim=True).angle()
    return level * torch.polar(torch.ones_like(common), -common)
