# SPDX-License-Identifier: GPL-3.0-or-later
"""What overloads its receiver, without most of what that has made of it.

The converter of a dongle next to a remote is at full scale. Harmonics, images and what clipping strews then fill the
band, and so does the signal's box, which is right and useless: nobody sees a sensor of 20 kHz in a box of 250 kHz. Most
of the energy is still in the signal's own width.
"""

import numpy as np

from wfm_core.signal.energy_box import energy_box
from wfm_core.signal.extract import RATE_OVER_BANDWIDTH, extract

_LEAST_LEVEL = 10 ** (-8 / 10)
"""Mean power, full scale is 1: receivers are set lower than that for what they are to receive well."""
_LEAST_WIDTH = 0.4
"""Of the band. What is narrower has its harmonics beside it, as signals of their own, or was never overloaded."""
_SHARE, _TIMES = 0.8, 2.0
"""The main part is so many times as wide as what holds this share of the energy; chosen on synthetic bands."""


def main_part(crop: np.ndarray, bandwidth: float, sample_rate: float) -> tuple[np.ndarray, float]:
    """The main part of a found signal, and its bandwidth (Hz); the signal as it is, where it does not overload.

    crop: complex64 [n] about 0 Hz at twice `bandwidth` (Hz), 1 is full scale. sample_rate: Hz, of the band. The part is
    complex64 [m] about its own middle at twice its bandwidth.
    """
    if not len(crop) or bandwidth < _LEAST_WIDTH * sample_rate or np.mean(np.abs(crop) ** 2) < _LEAST_LEVEL:
        return crop, bandwidth
    rate = RATE_OVER_BANDWIDTH * bandwidth
    _, _, lower, upper, _ = energy_box(crop, rate, _SHARE)
    middle, width = 0.5 * (lower + upper), _TIMES * (upper - lower)
    if width >= bandwidth:
        return crop, bandwidth
    return extract(crop, rate, middle - 0.5 * width, middle + 0.5 * width, 0, len(crop))[0], width
