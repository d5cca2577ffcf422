# SPDX-License-Identifier: GPL-3.0-or-later
"""Digital television of North America (ATSC A/53): 8VSB in channels of 6 MHz of 54 to 608 MHz."""

import numpy as np
from scipy import fft

from wfm_core.synth.signals.transmission import Transmission, transmission


def atsc(seconds: float, rng: np.random.Generator) -> Transmission:
    """8VSB (ATSC A/53): 10.762 Msymbols/s in 6 MHz, pilot 310 kHz above the lower edge, segment sync every 832."""
    symbol_rate = 4.5e6 / 286 * 684
    rate = symbol_rate
    count = round(seconds * rate)
    fast = fft.next_fast_len(count)
    levels = rng.choice(np.arange(-7, 8, 2), fast + 832).astype(float)
    at = (np.arange(0, fast + 832 - 4, 832)[:, None] + np.arange(4)).ravel()
    levels[at] = np.tile([5, -5, -5, 5], len(at) // 4)
    bins = fft.fft((levels + 1.25)[:fast])
    frequency = fft.fftfreq(fast, 1 / rate)
    # the vestigial sideband: 0 to 5.38 MHz kept, roots of raised cosines of 0.31 MHz about both edges
    edge = 0.31e6
    low = np.clip((frequency + edge) / (2 * edge), 0, 1)
    high = np.clip((5.381e6 + edge - frequency) / (2 * edge), 0, 1)
    sent = fft.ifft(bins * np.sin(np.pi / 2 * low) * np.sin(np.pi / 2 * high))[:count]
    sent = sent * np.exp(-2j * np.pi * 2.69e6 / rate * np.arange(count))
    return transmission(sent, rate, 5.5e6, "atsc")
