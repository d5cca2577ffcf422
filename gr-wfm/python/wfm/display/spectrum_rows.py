# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Spectrum Rows: some spectra a second of a stream, as messages for WFM Event Publisher."""

import math

import numpy as np
from gnuradio import gr

from wfm_core.base.errors import WfmError
from wfm_core.messages.spectra import MOST_BINS, level_bytes

from ..ports import keys
from ..ports.spectrum import spectrum_pdu
from .mean_rows import connect_rows
from .rows import ROWS, plan_rows

_LEAST_BINS = 16
_MOST_ROWS = 50


class spectrum_rows(gr.hier_block2):
    """Says the mean spectrum of a complex stream some times a second, in a byte a bin, for waterfalls elsewhere.

    Connect the stream that WFM Inference takes or passes on, so that events have their places on the rows. Spectra and
    their sums are made in C++; Python is called once a row.

    Message port out: `spectrum`, a PDU a row, cons(dict, u8vector), as `wfm_core.messages.spectra` describes it.

    Args:
        sample_rate: Hz.
        center_freq: Hz, until the stream's rx_freq tags say otherwise; 0: not known.
        fft_size: frequency bins, 16 to 1024.
        rows_per_second: of the stream, 0.1 to 50.

    Raises:
        WfmError: a parameter is out of its range.
    """

    def __init__(
        self, sample_rate: float = 1.92e6, center_freq: float = 0.0, fft_size: int = 256, rows_per_second: float = 5.0
    ):
        _check(sample_rate, center_freq, fft_size, rows_per_second)
        gr.hier_block2.__init__(
            self, "wfm_spectrum_rows", gr.io_signature(1, 1, gr.sizeof_gr_complex), gr.io_signature(0, 0, 0)
        )
        plan = plan_rows(sample_rate, ROWS / rows_per_second, fft_size)
        self._speaker = _Speaker(sample_rate, center_freq, plan.samples)
        # The sink itself speaks: a block without streams would not end with the stream, nor would its listeners.
        self._rows = connect_rows(self, self._speaker, plan, fft_size)
        self._rows.message_port_register_out(keys.SPECTRUM)
        self._speaker.publish = self._rows.message_port_pub
        self.message_port_register_hier_out("spectrum")
        self.msg_connect(self._rows, "spectrum", self, "spectrum")

    def set_center_freq(self, center_freq: float) -> None:
        self._speaker.tune(center_freq)


class _Speaker:
    """Told rows as a DisplayState is, it publishes them."""

    publish = None

    def __init__(self, sample_rate: float, center_freq: float, row_samples: int):
        self._sample_rate, self._row_samples = sample_rate, row_samples
        self.tune(center_freq)

    def clear(self) -> None:
        """A stream begins; nothing is kept here."""

    def tune(self, center_freq: float) -> None:
        self._freq = center_freq or None

    def add_rows(self, number: int, rows: np.ndarray) -> None:
        """Rows float32 [n, fft_size] in dBFS that follow each other from row `number`."""
        for place, row in enumerate(level_bytes(rows), number):
            pdu = spectrum_pdu(place * self._row_samples, self._row_samples, self._sample_rate, self._freq, row)
            self.publish(keys.SPECTRUM, pdu)


def _check(sample_rate: float, center_freq: float, fft_size: int, rows_per_second: float) -> None:
    if not 0 < sample_rate < math.inf:
        raise WfmError(f"sample rate {sample_rate:g} Hz: a positive number is expected")
    if not math.isfinite(center_freq):
        raise WfmError(f"centre frequency {center_freq:g} Hz: a finite number is expected")
    if not _LEAST_BINS <= fft_size <= MOST_BINS:
        raise WfmError(f"{fft_size} frequency bins: {_LEAST_BINS} to {MOST_BINS} are expected")
    if not 0.1 <= rows_per_second <= _MOST_ROWS:
        raise WfmError(f"{rows_per_second:g} rows a second: 0.1 to {_MOST_ROWS} are expected")
