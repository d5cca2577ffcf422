# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a spectrum in a byte a bin, as they stand in a message of the kind `spectrum`."""

import base64
import math

import numpy as np

LOWEST = -150.0
"""dBFS of a byte 0."""
STEP = 0.6
"""dB from one byte to the next: 255 is 3 dBFS, which a full-scale tone does not reach."""
MOST_BINS = 1024


def level_bytes(levels: np.ndarray) -> np.ndarray:
    """dBFS [bins] as uint8; what lies beyond the scale is put on its end, and NaN on its lower one."""
    steps = (np.nan_to_num(levels, nan=LOWEST, posinf=0.0, neginf=LOWEST) - LOWEST) / STEP
    return np.clip(np.rint(steps), 0, 255).astype(np.uint8)


def spectrum_json(
    sample_start: int, sample_count: int, sample_rate: float, rx_freq: float | None, levels: bytes
) -> dict:
    """The body of a message: the samples [sample_start, sample_start + sample_count) of a stream at `sample_rate` (Hz).

    `levels` are of `level_bytes`, from the lowest frequency on. `rx_freq` in Hz, left out where it is not known.
    Raises `ValueError` for a row that has no bins or too many, or a rate that is none.
    """
    if not 1 <= len(levels) <= MOST_BINS:
        raise ValueError(f"a row of {len(levels)} bins: 1 to {MOST_BINS} are expected")
    if not 0 < sample_rate < math.inf:
        raise ValueError(f"a row at a sample rate of {sample_rate} Hz: a positive number is expected")
    body = {"sample_start": sample_start, "sample_count": sample_count, "sample_rate": sample_rate}
    if rx_freq is not None:
        body["rx_freq"] = rx_freq
    return {**body, "lowest": LOWEST, "step": STEP, "levels": base64.b64encode(levels).decode()}
