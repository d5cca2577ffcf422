# SPDX-License-Identifier: GPL-3.0-or-later
"""From a found signal's samples to the observation that a model takes, see `wfm_core.signal.found`."""

import numpy as np

from wfm_core.signal.found import BEGINNING, GLANCE, GLANCES
from wfm_core.signal.overload import main_part


def observe(crop: np.ndarray, bandwidth: float, duration: float, snr_db: float, sample_rate: float) -> np.ndarray:
    """complex64 [found.SAMPLES] of a signal's samples (complex [n] about 0 Hz at 2 * bandwidth, 1 is full scale).

    bandwidth: Hz; duration: seconds that it was on the air, of which the crop may be a part; snr_db: within its edges;
    sample_rate: Hz, of the band that it was found in. Values that are not finite count as zeros. Of a signal that
    overloads its receiver the main part is observed, see `wfm_core.signal.overload`.
    """
    crop = np.nan_to_num(np.asarray(crop, np.complex64), nan=0.0, posinf=0.0, neginf=0.0)
    crop, bandwidth = main_part(crop, bandwidth, sample_rate)
    if len(crop) < GLANCE:
        crop = np.pad(crop, (0, GLANCE - len(crop)))
    level = np.sqrt(np.mean(np.abs(crop) ** 2))
    crop = crop / max(level, 1e-20)
    starts = np.linspace(0, len(crop) - GLANCE, GLANCES).round().astype(np.int64)
    glances = crop[starts[:, None] + np.arange(GLANCE)].ravel()
    beginning = crop[:BEGINNING]
    beginning = np.pad(beginning, (0, BEGINNING - len(beginning)))
    facts = np.array([complex(np.log10(max(bandwidth, 1.0)), np.log10(max(duration, 1e-6))), complex(snr_db, 0)])
    return np.concatenate([glances, beginning, facts]).astype(np.complex64)
