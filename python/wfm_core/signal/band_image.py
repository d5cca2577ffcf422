# SPDX-License-Identifier: GPL-3.0-or-later
"""IQ of a band to an image of small size: powers over frequency and time, each pixel the mean of many transforms."""

from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.signal.spectrogram import decibels, hann, spectrogram

_BINS = 2
"""Of a transform, in a row."""


def band_image(iq: Tensor, rows: int, columns: int) -> Tensor:
    """complex64 [..., T] -> float32 [..., rows, columns]: dB over the median pixel, noise where less than half of
    the band is in use.

    Rows are frequency from -sample_rate/2 upwards, columns time. Each pixel is a mean over the whole transforms of
    2 * `rows` samples that fall into T / `columns` samples; samples beyond the last whole column are left out. Raises
    `WfmError` where a column is shorter than a transform.
    """
    size, each = _BINS * rows, iq.size(-1) // columns
    if each < size:
        raise WfmError(
            f"an image of {rows} x {columns} pixels needs {size * columns} samples, not {iq.size(-1)}: give more, or "
            "make it smaller"
        )
    parts = iq[..., : each * columns].unflatten(-1, (columns, each))
    power = spectrogram(parts, hann(size).to(iq.device), size).mean(-2)
    power = power.unflatten(-1, (rows, _BINS)).mean(-1).mT
    middle = power.flatten(-2).median(-1).values[..., None, None].clamp(min=1e-30)
    return decibels(power / middle)
