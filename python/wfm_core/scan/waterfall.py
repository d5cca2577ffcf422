# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording as a waterfall. Without Matplotlib."""

import numpy as np
from scipy import fft

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.recording import Recording

_LEAST_COLUMNS = 64
_GLANCES = 4
"""Spectra a row: all samples of a long recording are not looked at."""


def waterfall(recording: Recording, rows: int, columns: int) -> np.ndarray:
    """Levels in dB [rows (time), columns (frequency)] of the first channel, at most as many as asked for.

    Raises `WfmError` for a recording without samples, or whose samples cannot be read.
    """
    if recording.samples == 0:
        raise WfmError(f"{recording.meta_path.name} holds no samples: record some")
    size = int(min(columns, max(_LEAST_COLUMNS, recording.samples // 64)))
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    rows = int(min(rows, max(recording.samples // size, 1)))
    levels = np.empty((rows, size), np.float32)
    for row in range(rows):
        first, last = (recording.samples * one // rows for one in (row, row + 1))
        starts = np.linspace(first, max(min(last, recording.samples) - size, 0), _GLANCES).astype(int)
        power = 0.0
        for start in np.unique(starts):
            x = recording.read(int(start), min(size, recording.samples - int(start)))[0]
            power = power + np.abs(fft.fft(np.nan_to_num(x) * window[: len(x)], size)) ** 2
        levels[row] = 10 * np.log10(fft.fftshift(power) + 1e-12)
    return levels
