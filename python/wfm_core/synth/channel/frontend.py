# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of receivers, drawn over what radios from RTL dongles to laboratory front ends show."""

from dataclasses import dataclass
from functools import partial

import torch

from wfm_core.synth.draws import log_uniform, uniform


@dataclass
class Frontend:
    """One receiver per window. float32 [B] for what the antennas share, [B, A] for what each has of its own."""

    carrier_offset: torch.Tensor  # Hz
    linewidth: torch.Tensor  # Hz
    clock_ppm: torch.Tensor
    passband: torch.Tensor  # fraction of rate/2
    stopband_db: torch.Tensor  # at rate/2
    iq_gain_db: torch.Tensor  # [B, A]
    iq_phase_deg: torch.Tensor  # [B, A]
    dc_dbc: torch.Tensor  # [B, A]
    dc_phase: torch.Tensor  # [B, A] rad
    spur_frequency: torch.Tensor  # fraction of the rate
    spur_dbc: torch.Tensor  # -inf: none
    antenna_gain_db: torch.Tensor  # [B, A]
    level_dbfs: torch.Tensor
    bits: torch.Tensor
    offset_binary: torch.Tensor  # 0 or 1


def random_frontend(batch, generator, antennas=1, device=None):
    """A Frontend for `batch` windows; with `antennas` = 1 all antennas of a window share one chain's flaws.

    About every fifth window has a spur, every third an 8-bit offset-binary converter, every tenth only a few
    converter steps of signal.
    """
    draw = partial(uniform, (batch,), generator=generator, device=device)
    each = partial(uniform, (batch, antennas), generator=generator, device=device)

    def some(chance):
        return draw(0, 1) < chance

    dongle = some(0.33)
    bits = torch.where(dongle, 8.0, draw(6.5, 16.49).round())
    # rms in converter steps per I or Q: level = steps * 2^(1 - bits) * sqrt(2).
    faint = 6.02 * (1 - bits) + 3.01 + torch.where(some(0.1), draw(2.0, 12.0), draw(18.0, 24.0))
    level = faint + draw(0, 1) * (-4.0 - faint).clamp_min(0.0)
    none = torch.tensor(-torch.inf, device=bits.device)
    return Frontend(
        carrier_offset=log_uniform((batch,), 1.0, 2e4, generator, device) * torch.where(some(0.5), 1.0, -1.0),
        linewidth=log_uniform((batch,), 1e-2, 50.0, generator, device),
        clock_ppm=draw(-25.0, 25.0),
        passband=draw(0.7, 1.0),
        stopband_db=draw(-40.0, 0.0),
        iq_gain_db=each(-0.7, 0.7),
        iq_phase_deg=each(-4.0, 4.0),
        dc_dbc=each(-60.0, -12.0),
        dc_phase=each(0.0, 2 * torch.pi),
        spur_frequency=draw(-0.5, 0.5),
        spur_dbc=torch.where(some(0.2), draw(-40.0, -8.0), none),
        antenna_gain_db=each(-3.0, 3.0),
        level_dbfs=level,
        bits=bits,
        offset_binary=dongle.float(),
    )
