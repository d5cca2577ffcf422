# SPDX-License-Identifier: GPL-3.0-or-later
"""What the finder is told, and what it gives."""

import math
from dataclasses import dataclass

from wfm_core.base.errors import WfmError

LEAST_FFT, MOST_FFT = 16, 8192
MOST_DURATION = 60.0


@dataclass(frozen=True)
class FinderSettings:
    """fft_size: of the middle layer, a power of two from 16 to 8192; 0 takes the one nearest to 0.7 sqrt(sample_rate),
    whose bins are as many widths of a signal as its rows are durations. false_alarms: boxes a second that white noise
    alone may give, all layers together. max_duration (s): a signal that lasts longer is reported in pieces of about
    that length. min_snr (dB): boxes whose power over noise within their edges is lower are
    dropped: floors are seldom so smooth that less means anything.
    """

    fft_size: int = 0
    false_alarms: float = 0.05
    max_duration: float = 2.0
    min_snr: float = 6.0

    def size_for(self, sample_rate: float) -> int:
        if self.fft_size:
            return self.fft_size
        power = round(math.log2(0.7 * math.sqrt(sample_rate)))
        return min(max(1 << max(power, 0), 32), MOST_FFT)

    def check(self) -> None:
        """Raises WfmError for a setting out of its range."""
        size = self.fft_size
        if size != 0 and not (LEAST_FFT <= size <= MOST_FFT and size & (size - 1) == 0):
            raise WfmError(f"fft_size is {size}, expected 0 or a power of two from {LEAST_FFT} to {MOST_FFT}")
        if not 0 < self.false_alarms <= 1e6:
            raise WfmError(f"false_alarms is {self.false_alarms}, expected boxes a second, above 0 and up to 1e6")
        if not 1e-3 <= self.max_duration <= MOST_DURATION:
            raise WfmError(f"max_duration is {self.max_duration}, expected seconds from 0.001 to {MOST_DURATION:g}")
        if not -20 <= self.min_snr <= 60:
            raise WfmError(f"min_snr is {self.min_snr}, expected dB from -20 to 60")


@dataclass(frozen=True)
class FoundSignal:
    """A box: samples [sample_start, sample_start + sample_count) of the stream, edges in Hz from the band's middle.

    snr_db: power while on over the noise within the edges. level_dbfs: its power; 0 is a mean abs(x)^2 of 1.
    whole_band: it fills the band, so that the edges are the band's. cut: max_duration ended the box, not
    the signal.
    """

    sample_start: int
    sample_count: int
    freq_lower_edge: float
    freq_upper_edge: float
    snr_db: float
    level_dbfs: float
    whole_band: bool = False
    cut: bool = False
