# SPDX-License-Identifier: GPL-3.0-or-later
"""An image on its way to a model. Without GNU Radio."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Image:
    """pixels: float32 [C, H, W]; of CSI amplitudes [antennas, subcarriers, packets]. Its place is that of the signal it
    was made of: for CSI, samples are packets, and lost ones are counted in.

    rx_time: (whole seconds, fraction) of its first sample, None where that was lost or is not known; rx_freq: Hz or
    None; packets_lost: columns that were filled in; lost_so_far: packets lost since the start, in and between images.
    """

    pixels: np.ndarray
    sample_start: int
    sample_count: int
    rx_time: tuple[int, float] | None = None
    rx_freq: float | None = None
    packets_lost: int = 0
    lost_so_far: int = 0
